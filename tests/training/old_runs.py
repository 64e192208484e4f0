"""The runs in tests/golden/runs_0_5: version 0.5.0 began them, every later version goes on.

NAME.tar.xz holds run/, the work folder after BEGUN steps without pictures and event files, and
end.npz and end.jsonl, the state and the metrics that version 0.5.0 ended with after END steps,
compiled as tests are. They are never remade.
"""

import json
import math
import pathlib
import tarfile

import jax
import ml_collections
import numpy as np
import orbax.checkpoint as ocp
from PIL import Image

from jaxcodec.training.config import default_config

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "golden" / "runs_0_5"
BEGUN, END = 4, 8

NETWORKS = {
    "gains": {"channels": 3},
    "analysis": {"kind": "conv_analysis", "features": (3,), "kernels": (5,), "strides": (4,)},
    "synthesis": {"kind": "conv_synthesis", "features": (3,), "kernels": (5,), "strides": (4,)},
}
HYPER_NETWORKS = {
    "hyper_channels": 2,
    "hyper_analysis": {"kind": "conv_analysis", "features": (2,), "kernels": (3,), "strides": (2,)},
    "hyper_synthesis": {
        "kind": "conv_synthesis",
        "features": (6,),
        "kernels": (3,),
        "strides": (2,),
    },
}
MODELS = {
    "trade_off": {"entropy": "mean_scale"} | NETWORKS | HYPER_NETWORKS,
    "target_rate": {"entropy": "factorized"} | NETWORKS,
}
"""Three channels at stride 4; with a hyper-latent of two, and without."""

OBJECTIVES = {
    "trade_off": {"objective.first": 0.002, "objective.last": 0.05, "objective.balance": 0.5},
    "target_rate": {
        "target_rate.targets_bpp": (0.5, 2.0),
        "target_rate.beta": (300.0, 100.0),
        "target_rate.decay.steps": 6,
        "target_rate.tolerance": 0.05,
    },
}


def write_images(folder: pathlib.Path) -> None:
    """Six pictures of 24 x 32 pixels, by a formula of integers: waves and a ramp."""
    folder.mkdir(parents=True, exist_ok=True)
    row, column, colour = np.ogrid[:24, :32, :3]
    for number in range(6):
        wave = (row * (number + 1) + column * (6 - number) + 20 * colour) % 64
        pixels = (2 * wave + 3 * row + column + 10 * number) % 256
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")


def config_of(name: str, images: pathlib.Path, steps: int) -> ml_collections.ConfigDict:
    """The settings of a run on a folder of `write_images`."""
    config = default_config()
    config.model = MODELS[name]
    for setting, value in OBJECTIVES[name].items():
        config.update_from_flattened_dict({setting: value})
    config.steps, config.batch_size, config.seed = steps, 4, 7
    config.average_decay = 0.9
    config.optimiser.learning_rate, config.optimiser.warmup, config.optimiser.decay = 3e-3, 2, 0.0
    config.data.folders, config.data.crop, config.data.validation_images = str(images), 16, 1
    config.log_every, config.validate_every, config.checkpoint_every = 1, 4, 4
    config.validation_qualities = (0.0, 1.0)
    config.keep_checkpoints = 1
    return config


def newest_state(workdir: pathlib.Path) -> dict[str, np.ndarray]:
    """{path: array} of what the newest checkpoint of a run holds."""
    newest = max(int(path.name) for path in (workdir / "checkpoints").iterdir())
    with ocp.PyTreeCheckpointer() as checkpointer:
        tree = checkpointer.restore(workdir / "checkpoints" / str(newest) / "state")
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in leaves
    }


def unpack(name: str, folder: pathlib.Path) -> None:
    """Writes run/, end.npz and end.jsonl of a run into a folder."""
    with tarfile.open(FOLDER / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")


def end_state(file: pathlib.Path) -> dict[str, np.ndarray]:
    """The state in an end.npz, {path: float64 array}."""
    with np.load(file) as arrays:
        shapes, values = json.loads(bytes(arrays["shapes"])), arrays["values"]
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    return {
        path: part.reshape(shape)
        for (path, shape), part in zip(shapes.items(), np.split(values, ends[:-1]), strict=True)
    }
