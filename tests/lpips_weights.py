"""A folder of weights for LPIPS, of random numbers: the true ones are not shipped."""

import pathlib

import numpy as np
import safetensors.numpy

_ALEX = {
    0: (64, 3, 11, 11),
    3: (192, 64, 5, 5),
    6: (384, 192, 3, 3),
    8: (256, 384, 3, 3),
    10: (256, 256, 3, 3),
}
_FIRES = {
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
_HEADS = {"alex": (64, 192, 384, 256, 256), "squeeze": (64, 128, 256, 384, 384, 512, 512)}


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes the files, as safetensors under the names of PyTorch's, and gives the folder back."""
    rng = np.random.default_rng(0)
    alex, squeeze = {}, {}
    for layer, shape in _ALEX.items():
        _convolution(alex, f"features.{layer}", shape, rng)
    _convolution(squeeze, "features.0", (64, 3, 3, 3), rng)
    for layer, (given, narrow, wide) in _FIRES.items():
        name = f"features.{layer}"
        _convolution(squeeze, f"{name}.squeeze", (narrow, given, 1, 1), rng)
        _convolution(squeeze, f"{name}.expand1x1", (wide, narrow, 1, 1), rng)
        _convolution(squeeze, f"{name}.expand3x3", (wide, narrow, 3, 3), rng)
    (folder / "heads").mkdir(parents=True)
    for name, features in (("alexnet", alex), ("squeezenet1_1", squeeze)):
        safetensors.numpy.save_file(features, folder / f"{name}_features.pth")
    for name, channels in _HEADS.items():
        heads = {
            f"lin{layer}.model.1.weight": rng.random((1, count, 1, 1), np.float32)
            for layer, count in enumerate(channels)
        }
        safetensors.numpy.save_file(heads, folder / "heads" / f"{name}.pth")
    return folder


def _convolution(tensors: dict, name: str, shape: tuple[int, ...], rng: np.random.Generator):
    deviation = np.sqrt(2 / np.prod(shape[1:]))
    tensors[f"{name}.weight"] = (deviation * rng.standard_normal(shape)).astype(np.float32)
    tensors[f"{name}.bias"] = (0.1 * rng.standard_normal(shape[0])).astype(np.float32)
