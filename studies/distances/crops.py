"""Crops of pictures, and how likely they are: what the studies of observations 1 to 4 share."""

import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np
import safetensors.numpy
from flax import traverse_util

from jaxcodec.analysis import density
from jaxcodec.evaluation import measure
from jaxcodec.files import write_atomic

MODEL = density.PixelDensity()


class Crops(NamedTuple):
    """pixels: uint8 (n, side, side, 3). picture: (n,), the number of the one that each is of."""

    pixels: np.ndarray
    picture: np.ndarray


def pictures(folders: list[str]) -> list[np.ndarray]:
    """All pictures of some folders, uint8."""
    return [photo.pixels for name in folders for photo in measure.load_photos(name)[0]]


def drawn(folders: list[str], side: int, count: int, seed: int = 0) -> Crops:
    """`count` crops, as many of each picture as of the others, and at random places."""
    given, rng = pictures(folders), np.random.default_rng(seed)
    numbers = np.resize(rng.permutation(len(given)), count)
    pixels = np.empty((count, side, side, 3), np.uint8)
    for crop, number in zip(pixels, numbers, strict=True):
        row, column = (rng.integers(size - side + 1) for size in given[number].shape[:2])
        crop[:] = given[number][row : row + side, column : column + side]
    return Crops(pixels, numbers)


def trained_density(path: pathlib.Path, folders: list[str], steps: int) -> Any:
    """Variables of `MODEL`, from the file or trained on crops of 64 pixels of some folders.

    An eighth of the pictures is held out; bits per dimension on these, and on noise, are told.
    """
    if path.exists():
        return traverse_util.unflatten_dict(safetensors.numpy.load_file(path), sep="/")
    given = pictures(folders)
    kept = [each for place, each in enumerate(given) if place % 8]
    held_out = density.random_crops(given[::8], 64, 256, seed=1)
    crops = density.random_crops(kept, 64, 8000, seed=0)
    train = jax.jit(density.train, static_argnums=(0, 2))
    found = jax.tree.map(
        np.asarray, train(MODEL, crops, density.Training(steps), jax.random.key(0))
    )
    bits = jax.jit(lambda params, pixels: density.bits_per_dimension(MODEL, params, pixels))
    noise = np.random.default_rng(0).integers(0, 256, held_out.shape, np.uint8)
    told = [float(bits(found.params, each).mean()) for each in (held_out, noise)]
    text = "density: {:.3f} bits per dimension on held-out crops, {:.3f} on noise\n".format(*told)
    path.with_suffix(".txt").write_text(text)
    print(text, flush=True)
    flat = traverse_util.flatten_dict(found.params, sep="/")
    write_atomic(path, safetensors.numpy.save(flat))
    return found.params


def log_p(params: Any, pixels: np.ndarray, batch: int = 4) -> np.ndarray:
    """ln p of each crop, (n,)."""
    of = jax.jit(lambda params, pixels: density.log_density(MODEL, params, pixels))
    return in_batches(lambda part: of(params, part), pixels, batch=batch)


def in_batches(function, *arrays: np.ndarray, batch: int) -> np.ndarray:
    """The values (n,) of a function of a batch; the last one is filled up."""
    found = []
    for start in range(0, len(arrays[0]), batch):
        parts = [each[start : start + batch] for each in arrays]
        short = batch - len(parts[0])
        filled = [np.concatenate([part, np.repeat(part[-1:], short, 0)]) for part in parts]
        found.append(np.asarray(function(*filled))[: batch - short])
    return np.concatenate(found)


def contrast(pixels: np.ndarray) -> np.ndarray:
    """The standard deviation of each crop's luma, grey levels (n,)."""
    luma = pixels.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])
    return luma.std(axis=(1, 2))
