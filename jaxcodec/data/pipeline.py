"""The stream of training crops, and the fixed crops for validation."""

import dataclasses

import grain
import numpy as np
from absl import flags
from PIL import Image

from jaxcodec.data.source import DecodedCache, ImageFolder
from jaxcodec.errors import DataError


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
) -> grain.DatasetIterator:
    """An endless stream of random, randomly flipped crops of the training images.

    Large images are drawn more often: in each epoch, which is shuffled anew, an image comes up
    `max(1, min(max_copies, round(pixels / reference_pixels)))` times, with another crop each time.

    The examples are a function of the seed and their position only. Process `p` of `P` gets the `p`-th of `P` equal
    parts of every global batch, so that the batches of all processes, joined in order, are those of a single process.

    `iterator.get_state()` and `set_state()` (or Grain's Orbax handlers) save and restore the position exactly. The
    state is a count of batches and fits any number of processes, as long as `workers` stays the same.

    Args:
      dataset: the images.
      batch_size: examples per global batch; divisible by `process_count`.
      crop: side of the square crops in pixels; smaller images are extended by reflection.
      seed: of order, crops and flips; from 0 to 2**32 - 1.
      process_index: which of the processes this is.
      process_count: number of processes that share the global batch.
      workers: processes to decode and crop in, each with its part of the cache; 0 uses threads of this process, which
        is enough while the images fit into the cache.
      min_scale: images are shrunk by a random factor between this and 1, as far as they stay larger than the crop;
        1 leaves them as they are.
      reference_pixels: size of image that counts as one in an epoch.
      max_copies: the most often that a large image comes up in an epoch.

    Returns:
      Iterator over `{"image": uint8 (batch_size / process_count, crop, crop, 3)}`.

    Raises:
      DataError: the batch cannot be divided among the processes, or min_scale is outside (0, 1]; or, while iterating,
        an image that cannot be read any more.
    """
    if batch_size % process_count:
        raise DataError(
            f"a batch of {batch_size} cannot be divided among {process_count} processes; choose a multiple of that"
        )
    if not 0 < min_scale <= 1:
        raise DataError(f"images cannot be shrunk by a factor of {min_scale}; choose min_scale above 0 and up to 1")
    copies = np.clip(np.round(np.array(dataset.train_pixels) / reference_pixels).astype(int), 1, max_copies)
    paths = np.repeat(np.array(dataset.train, dtype=object), copies).tolist()
    if workers:
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()  # Grain hands absl's flags to its processes, and a notebook never parses them
        cache = DecodedCache(dataset.cache.limit_bytes // workers)
        dataset = dataclasses.replace(dataset, cache=cache)

    def example(path: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"image": random_crop(dataset.read(path), crop, min_scale, rng)}

    return iter(
        grain.MapDataset.source(paths)
        .seed(seed)
        .shuffle()
        .repeat()
        .random_map(example)
        .batch(batch_size // process_count, drop_remainder=True)
        .slice(slice(process_index, None, process_count))
        .to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=4))
        .mp_prefetch(grain.multiprocessing.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2))
    )


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


def random_crop(pixels: np.ndarray, crop: int, min_scale: float, rng: np.random.Generator) -> np.ndarray:
    """A random square of an image, shrunk by a random factor of at least `min_scale`, and flipped in half of the cases.

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
    top = rng.integers(max(0, height - side), endpoint=True)
    left = rng.integers(max(0, width - side), endpoint=True)
    square = cut(pixels, top, left, side)
    if side > crop:
        square = np.asarray(Image.fromarray(square).resize((crop, crop), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(square[:, ::-1] if rng.random() < 0.5 else square)


def cut(pixels: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """The square of `side` pixels at (top, left); beyond the bottom and right border the image is reflected."""
    square = pixels[top : top + side, left : left + side]
    height, width, _ = square.shape
    if (height, width) == (side, side):
        return square
    return np.pad(square, ((0, side - height), (0, side - width), (0, 0)), mode="reflect")
