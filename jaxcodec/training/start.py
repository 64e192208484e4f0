"""Training from the weights of another run, or of a codec."""

from collections.abc import Mapping
from typing import Any

import flax.traverse_util
import jax.numpy as jnp
import numpy as np

from jaxcodec.artefact import bundled, codec_file
from jaxcodec.errors import TrainingError
from jaxcodec.files import local_folder
from jaxcodec.objectives import Params
from jaxcodec.training import config as run_config
from jaxcodec.training.checkpoints import restore_exported
from jaxcodec.training.settings import Config

Weights = Mapping[str, np.ndarray]
"""Weights by path, "analysis/Conv_0/kernel" say."""


def params_of(start: Config, template: Params) -> Params:
    """The weights that `config.start` names, shaped as `template`, float32.

    They are those that the run `start.workdir` would export, or those of `start.codec`. Weights
    that depend on the quality are tables over it; they are read off at the qualities of the other
    from `start.qualities[0]` to `[1]`, which become 0 and 1, with as many points as the template
    has. Beyond [0, 1] the tables are continued in a straight line.

    With `start.grow` the other model may lack weights and channels; see `grown`.

    Raises:
      TrainingError: both are named; the run has no finished checkpoint; the model is another one.
      CodecFileError: there is no such codec, or its file is damaged.
    """
    if start.workdir and start.codec:
        raise TrainingError(
            f"config.start names the run {start.workdir} and the codec {start.codec}; leave one out"
        )
    source, old = _of_run(start.workdir) if start.workdir else _of_codec(start.codec)
    new = _flat(template)
    differing = sorted(set(old) ^ set(new))
    if differing and not (start.grow and set(old) <= set(new)):
        raise TrainingError(
            f"{source} has another model than the config: {differing[0]} is in one of them only"
        )
    fitted = {}
    for path, leaf in new.items():
        own = np.asarray(leaf)
        table = np.asarray(old.get(path, own), np.float32)
        if path in old and _is_table(path):
            table = read_off(table, len(own), start.qualities)
        if start.grow:
            table = grown(table, own)
        if table.shape != own.shape:
            raise TrainingError(
                f"{source} has another model than the config: {path} is {table.shape} there and "
                f"{own.shape} here"
            )
        fitted[path] = jnp.asarray(table)
    return flax.traverse_util.unflatten_dict(fitted, sep="/")


def grown(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Weights `old`, with as many channels as `new` has.

    The outputs of a kernel (..., in, out) that were there see nothing of inputs that are added, so
    that they stay as they were; outputs that are added are those of `new`, and so is the rest of a
    vector. A network whose last layer begins at zero computes what it did before.
    """
    if old.ndim != new.ndim or any(a > b for a, b in zip(old.shape, new.shape, strict=True)):
        return old
    result = np.array(new)
    if old.ndim > 1:
        result[..., : old.shape[-1]] = 0
    result[tuple(map(slice, old.shape))] = old
    return result


def _of_run(workdir: str) -> tuple[str, Weights]:
    folder = local_folder(workdir, TrainingError)
    before = run_config.load(folder)
    _, params = restore_exported(folder, averaged=before.average_decay > 0)
    return f"the run in {folder}", _flat(params)


def _of_codec(name: str) -> tuple[str, Weights]:
    weights = codec_file.read(bundled.find(name)).weights
    return f"the codec {name}", {f"params/{path}": weight for path, weight in weights.items()}


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
