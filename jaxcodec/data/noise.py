"""Crops of uniform noise, made from a seed: to train on no pictures at all.

Hepburn et al. 2022 (arXiv 2106.04427) ask what a network learns from its loss alone.
"""

import grain
import numpy as np

from jaxcodec.data.pipeline import Batches, check_batch

_EPOCH = 1 << 20


def uniform_batches(
    *, batch_size: int, crop: int, seed: int, process_index: int = 0, process_count: int = 1
) -> Batches:
    """An endless stream of crops whose samples are uniform in 0 to 255, each by itself.

    They are a function of the seed and their position only, as those of `training_batches` are.

    Args:
      batch_size: examples per global batch; divisible by `process_count`.
      crop: side of the square crops in pixels.
      seed: from 0 to 2**32 - 1.
      process_index: which of the processes this is.
      process_count: number of processes that share the global batch.

    Returns:
      Iterator over `{"image": uint8 (batch_size / process_count, crop, crop, 3)}`.

    Raises:
      DataError: the batch cannot be divided among the processes.
    """
    check_batch(batch_size, process_count)

    def example(number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        del number
        return {"image": _noise((crop, crop, 3), rng)}

    parts = (
        grain.MapDataset.range(_EPOCH)
        .seed(seed)
        .repeat()
        .random_map(example)
        .batch(batch_size // process_count, drop_remainder=True)
    )
    return Batches(parts, 0, process_index, process_count)


def uniform_crops(crop: int, count: int, seed: int) -> np.ndarray:
    """Others for validation, uint8 (count, crop, crop, 3)."""
    return _noise((count, crop, crop, 3), np.random.default_rng((seed, count)))


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, shape, np.uint8)
