"""Training from the weights of another run."""

import pathlib
from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax.numpy as jnp
import numpy as np

from jaxcodec.errors import TrainingError
from jaxcodec.files import local_folder
from jaxcodec.objectives import Params
from jaxcodec.training import config as run_config
from jaxcodec.training.checkpoints import restore_exported


def params_of(
    workdir: str | pathlib.Path, template: Params, qualities: tuple[float, float]
) -> Params:
    """The weights that the run in `workdir` would export, shaped as `template`, float32.

    Weights that depend on the quality are tables over it; they are read off at the qualities of
    that run from `qualities[0]` to `qualities[1]`, which become 0 and 1, with as many points as the
    template has. Beyond [0, 1] the tables are continued in a straight line.

    Raises:
      TrainingError: there is no finished checkpoint, or its model is another one.
    """
    workdir = local_folder(workdir, TrainingError)
    before = run_config.load(workdir)
    _, params = restore_exported(workdir, averaged=before.average_decay > 0)
    old, new = (_flat(tree) for tree in (params, template))
    if differing := sorted(set(old) ^ set(new)):
        raise TrainingError(
            f"the run in {workdir} has another model than the config: {differing[0]} is in one of "
            "them only"
        )
    fitted = {}
    for path, leaf in new.items():
        table = np.asarray(old[path], np.float32)
        fitted[path] = read_off(table, leaf.shape[0], qualities) if _is_table(path) else table
        if fitted[path].shape != leaf.shape:
            raise TrainingError(
                f"the run in {workdir} has another model than the config: {path} is {table.shape} "
                "there and "
                f"{leaf.shape} here"
            )
    return flax.traverse_util.unflatten_dict(
        {path: jnp.asarray(leaf) for path, leaf in fitted.items()}, sep="/"
    )


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    return flax.traverse_util.flatten_dict(dict(tree), sep="/")


def _is_table(path: str) -> bool:
    """Whether a weight's first axis is the quality, as of `Gains` and `Modulation`."""
    parts = path.split("/")
    return "gains" in parts or any(part.startswith("Modulation") for part in parts)


def read_off(table: np.ndarray, points: int, qualities: tuple[float, float]) -> np.ndarray:
    """A table over the quality (points, ...), at `points` points from one quality to another.

    Qualities may be beyond [0, 1].
    """
    if len(table) == 1:
        return np.repeat(table, points, axis=0)
    position = np.linspace(*qualities, points) * (len(table) - 1)
    low = np.clip(np.floor(position).astype(int), 0, len(table) - 2)
    fraction = (position - low).astype(np.float32).reshape(-1, *[1] * (table.ndim - 1))
    return table[low] * (1 - fraction) + table[low + 1] * fraction
