"""The stream of training crops, and the fixed crops for validation."""

import concurrent.futures
import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from multiprocessing import resource_tracker
from typing import Any, Self, TypeVar

import grain
import numpy as np
from absl import flags
from PIL import Image

from jaxcodec.data.source import DecodedCache, ImageFolder
from jaxcodec.errors import DataError

T = TypeVar("T")


def training_batches(
    dataset: ImageFolder,
    *,
    batch_size: int,
    crop: int,
    seed: int,
    process_index: int = 0,
    process_count: int = 1,
    workers: int = 0,
    min_scale: float = 1.0,
    reference_pixels: int = 512 * 512,
    max_copies: int = 8,
) -> "Batches":
    """An endless stream of random, randomly flipped crops of the training images.

    Large images are drawn more often: in each epoch, which is shuffled anew, an image comes up
    `max(1, min(max_copies, round(pixels / reference_pixels)))` times, with another crop each time.

    The examples are a function of the seed and their position only. Process `p` of `P` gets the
    `p`-th of `P` equal parts of every global batch, so that the batches of all processes, joined in
    order, are those of a single process.

    `get_state()` and `set_state()` of the result save and restore the position exactly. The state
    is a count of batches and fits any number of processes and workers.

    Args:
      dataset: the images.
      batch_size: examples per global batch; divisible by `process_count`.
      crop: side of the square crops in pixels; smaller images are extended by reflection.
      seed: of order, crops and flips; from 0 to 2**32 - 1.
      process_index: which of the processes this is.
      process_count: number of processes that share the global batch.
      workers: processes to decode and crop in, each with its part of the cache; 0 uses threads of
        this process, which is enough while the images fit into the cache. They end with this
        process, however it ends.
      min_scale: images are shrunk by a random factor between this and 1, as far as they stay larger
        than the crop; 1 leaves them as they are.
      reference_pixels: size of image that counts as one in an epoch.
      max_copies: the most often that a large image comes up in an epoch.

    Returns:
      Iterator over `{"image": uint8 (batch_size / process_count, crop, crop, 3)}`.

    Raises:
      DataError: the batch cannot be divided among the processes, or min_scale is outside (0, 1];
        or, while iterating, an image that cannot be read any more, or a worker that was ended.
    """
    check_batch(batch_size, process_count)
    if not 0 < min_scale <= 1:
        raise DataError(
            f"images cannot be shrunk by a factor of {min_scale}; choose min_scale above 0 and up "
            "to 1"
        )
    if workers:
        dataset = _for_workers(dataset, workers)

    def example(path: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"image": random_crop(dataset.read(path), crop, min_scale, rng)}

    parts = (
        grain.MapDataset.source(_paths_of_an_epoch(dataset, reference_pixels, max_copies))
        .seed(seed)
        .shuffle()
        .repeat()
        .random_map(example)
        .batch(batch_size // process_count, drop_remainder=True)
    )
    return Batches(parts, workers, process_index, process_count)


def check_batch(batch_size: int, process_count: int) -> None:
    """Raises DataError for a batch that cannot be divided among the processes."""
    if batch_size % process_count:
        raise DataError(
            f"a batch of {batch_size} cannot be divided among {process_count} processes; choose a "
            "multiple of that"
        )


def _paths_of_an_epoch(dataset: ImageFolder, reference_pixels: int, max_copies: int) -> list[str]:
    """Paths of the training images in order, each as often as it comes up in an epoch."""
    sizes = np.round(np.array(dataset.train_pixels) / reference_pixels).astype(int)
    copies = np.clip(sizes, 1, max_copies)
    return np.repeat(np.array(dataset.train, dtype=object), copies).tolist()


def _for_workers(dataset: ImageFolder, workers: int) -> ImageFolder:
    """The dataset as each of several processes has it, with its part of the cache."""
    if not flags.FLAGS.is_parsed():
        # Grain hands absl's flags to its processes, and a notebook never parses them.
        flags.FLAGS.mark_as_parsed()
    cache = DecodedCache(dataset.cache.limit_bytes // workers)
    return dataclasses.replace(dataset, cache=cache)


class Batches:
    """The iterator of `training_batches`."""

    def __init__(
        self, parts: grain.MapDataset, workers: int, process_index: int, process_count: int
    ):
        """Begins at the first batch.

        parts: those of all processes' batches in turn, of which this is every `process_count`-th.
        """
        self._parts, self._workers = parts, workers
        self._process_index, self._process_count = process_index, process_count
        self._position = 0
        self._iterator: grain.DatasetIterator | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        try:
            batch = next(self._iterator) if self._iterator is not None else self._first()
        except RuntimeError as error:
            if not self._workers:
                raise
            raise DataError(
                f"one of the {self._workers} worker processes that read images was ended "
                f"({error}); "
                "if memory ran out, set config.data.workers or config.data.cache_gib lower"
            ) from error
        self._position += 1
        return batch

    def get_state(self) -> dict[str, int]:
        """The position: how many batches have been taken."""
        return {"next_index": self._position}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from a position that `get_state` gave, of another iterator as well.

        Raises DataError for a position that is none.
        """
        self.close()
        # Grain's own state of several workers, as older versions kept it, has a count for each.
        counts = [state, *state.get("iterators_in_use_states", ())]
        counts = [count["next_index"] for count in counts if "next_index" in count]
        if not counts:
            raise DataError(
                "the position in the training images is one of an older version that cannot be "
                "read; start anew"
            )
        self._position = sum(counts)

    def close(self) -> None:
        """Ends the worker processes; the next batch starts them again."""
        iterator, self._iterator = self._iterator, None
        # Not before Grain 0.2.13, which ends them when they are collected.
        if iterator is not None and hasattr(iterator, "close"):
            iterator.close()

    def _first(self) -> dict[str, np.ndarray]:
        """Starts Grain's iterator at the present position, and takes its first batch."""
        first = self._process_index + self._position * self._process_count
        options = grain.multiprocessing.MultiprocessingOptions(
            num_workers=self._workers, per_worker_buffer_size=2
        )
        self._iterator = iter(
            self._parts.slice(slice(first, None, self._process_count))
            .to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=4))
            .mp_prefetch(options, worker_init_fn=_follow_parent)
        )
        take = functools.partial(next, self._iterator)
        return _without_ctrl_c(take) if self._workers else take()


def _without_ctrl_c(call: Callable[[], T]) -> T:
    """`call()` in a thread that no Ctrl-C comes to, nor to the workers that it starts."""
    resource_tracker.ensure_running()  # which would let the signal through again
    block = functools.partial(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGINT})
    with concurrent.futures.ThreadPoolExecutor(1, initializer=block) as thread:
        return thread.submit(call).result()


def _follow_parent(worker: int, workers: int) -> None:
    """Called in a worker process, which ends with its parent then, by a SIGKILL as well."""
    del worker, workers

    def wait() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None  # this is a worker
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def validation_crops(dataset: ImageFolder, crop: int, count: int) -> np.ndarray:
    """Central crops of the first `count` held-out images, or of all where there are fewer.

    Images smaller than the crop are extended by reflection.

    Returns:
      uint8 (min(count, len(dataset.validation)), crop, crop, 3).
    """
    crops = np.empty((min(count, len(dataset.validation)), crop, crop, 3), np.uint8)
    for index, path in enumerate(dataset.validation[: len(crops)]):
        pixels = dataset.read(path)
        height, width, _ = pixels.shape
        crops[index] = cut(pixels, max(0, height - crop) // 2, max(0, width - crop) // 2, crop)
    return crops


def random_crop(
    pixels: np.ndarray, crop: int, min_scale: float, rng: np.random.Generator
) -> np.ndarray:
    """A random square of an image, shrunk by a random factor, and flipped in half of the cases.

    Args:
      pixels: uint8 (height, width, 3).
      crop: side of the result in pixels.
      min_scale: least factor of shrinking, in (0, 1].
      rng: source of all randomness.

    Returns:
      uint8 (crop, crop, 3), a new array.
    """
    height, width, _ = pixels.shape
    side = max(crop, min(round(crop / rng.uniform(min_scale, 1.0)), height, width))
    top = int(rng.integers(max(0, height - side), endpoint=True))
    left = int(rng.integers(max(0, width - side), endpoint=True))
    square = cut(pixels, top, left, side)
    if side > crop:
        square = np.asarray(Image.fromarray(square).resize((crop, crop), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(square[:, ::-1] if rng.random() < 0.5 else square)


def cut(pixels: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """The square of `side` pixels at (top, left).

    Beyond the bottom and right border the image is reflected.
    """
    square = pixels[top : top + side, left : left + side]
    height, width, _ = square.shape
    if (height, width) == (side, side):
        return square
    return np.pad(square, ((0, side - height), (0, side - width), (0, 0)), mode="reflect")
