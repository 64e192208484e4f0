"""The worker for refinement with jaxcodec, started by refinement_speed.py.

    refine_ours.py FOLDER STEPS BATCHES PICTURE ...    serves the tasks of refinement_speed.py

The loop is the one that `jaxcodec.refine` runs, with the method "sga".
"""

import os
import pathlib
import sys

os.environ.setdefault(
    "XLA_PYTHON_CLIENT_PREALLOCATE", "false"
)  # the other worker may hold memory of the same GPU

import jax
import jax.numpy as jnp
import numpy as np
import ours
import worker

import jaxcodec
from jaxcodec import image
from jaxcodec.codec import Codec, create, stacked
from jaxcodec.refinement import carry, iterate, methods
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import MSE


def batch_of(codec: Codec, pictures: list[np.ndarray]) -> carry.Batch:
    """Pictures of one size, as the loop takes them."""
    count = len(pictures)
    pixels = image.pad_to_multiple(np.stack(pictures)[:, None], codec.geometry.stride)
    height, width = (np.full(count, side, np.int32) for side in pictures[0].shape[:2])
    padded = jax.device_put(PaddedImage(pixels, np.zeros((count, 1), np.int32), height, width))
    trade_off, no_target = (
        jnp.full(count, value, jnp.float32) for value in (worker.TRADE_OFF, jnp.nan)
    )
    keys = jax.random.split(jax.random.key(0), count)
    return carry.Batch(
        padded, trade_off, stacked.at_steps(codec, [0] * count), keys, no_target, no_target
    )


def tasks_of(codec: Codec, pictures: list[np.ndarray], settings: methods.Settings) -> dict:
    """Tasks on a batch."""
    batch = batch_of(codec, pictures)
    looks = iter(())

    def begin():
        nonlocal looks
        looks = iterate.refine(codec, batch, settings)
        start = next(looks).loss.tolist()
        advance()
        return {"losses": start}

    def advance():
        return {"losses": next(looks).loss.tolist()}

    variables = iterate.start(codec, batch.padded)

    def look():
        jax.block_until_ready(iterate.measure(codec, MSE, batch.padded, batch.at, variables))
        return {}

    return {"begin": begin, "advance": advance, "look": look}


def main() -> None:
    """Serves tasks."""
    folder, steps, sizes, *files = sys.argv[1:]
    pictures = [worker.read(file) for file in files]
    _, content = ours.import_weights(pathlib.Path(folder), pictures[0])
    codec = create(content)
    settings = methods.make("sga", every=int(steps))
    version = (
        f"jaxcodec {jaxcodec.__version__}, JAX {jax.__version__}, {jax.devices()[0].device_kind}"
    )
    tasks = {"version": lambda: {"version": version}}
    for batch in worker.batches(pictures, sizes):
        named = tasks_of(codec, batch, settings)
        tasks |= {f"{task} {len(batch)}": run for task, run in named.items()}
    worker.serve(tasks)


if __name__ == "__main__":
    main()
