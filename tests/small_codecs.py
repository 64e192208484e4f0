"""Codecs of small untrained models, for tests: random weights, scaled so that symbols, means and
scales vary.
"""

import functools

import jax
import numpy as np
from skimage import data

from jaxcodec import codec, models
from jaxcodec.artefact import export
from jaxcodec.artefact.codec_file import CodecContent
from jaxcodec.models import presets


def _one_layer(
    gains: dict,
    scale_form: str,
    entropy: str = "mean_scale",
    hyper_outputs: int = 12,
    channels: int = 6,
    **settings,
) -> dict:
    """A model of one layer a network: compiles at once at any shape."""

    def layer(kind: str, features: int, kernel: int, stride: int) -> dict:
        return {"kind": kind, "features": (features,), "kernels": (kernel,), "strides": (stride,)}

    return {
        "entropy": entropy,
        "hyper_channels": 4,
        "scale_form": scale_form,
        "gains": {"channels": channels, **gains},
        "analysis": layer("conv_analysis", channels, 5, 16),
        "synthesis": layer("conv_synthesis", 3, 5, 16),
        "hyper_analysis": layer("conv_analysis", 4, 3, 2),
        "hyper_synthesis": layer("conv_synthesis", hyper_outputs, 3, 2),
        **settings,
    }


DESCRIPTIONS = {
    "tiny": _one_layer({"points": 2, "first": 2, "last": 20}, "log"),
    "one_quality": _one_layer({}, "linear"),
    "scale": _one_layer({}, "linear", "scale", hyper_outputs=6),
    "autoregressive": _one_layer({}, "linear", "autoregressive"),
    "checkerboard": _one_layer({"points": 2, "first": 2, "last": 20}, "log", "checkerboard"),
    "mixture": _one_layer(
        {"points": 2, "first": 2, "last": 20}, "log", "autoregressive", mixture=3
    ),
    "four_step": _one_layer(
        {"points": 2, "first": 2, "last": 20},
        "log",
        "four_step",
        hyper_outputs=16,
        channels=8,
        context_width=6,
    ),
    "normalised": _one_layer({}, "linear", "normalised"),
    "patch": presets.patch_model(
        latent=48, width=16, blocks=1, hyper=16, points=3, first_gain=2, last_gain=20
    ),
    "factorized": presets.factorized_model(8, 12, kernels=(9, 5, 5), strides=(4, 2, 2)),
}
ALONE = {
    "bounded": presets.bounded_model(8, 12, levels=5, kernels=(9, 5, 5), strides=(4, 2, 2)),
}
"""Those of which not all is true that `any_codec` is tested for: this one has a single step."""

ALL = DESCRIPTIONS | ALONE
_KERNEL_GAIN = {
    "tiny": 0.8, "one_quality": 5.0, "scale": 5.0, "autoregressive": 5.0, "checkerboard": 0.8,
    "four_step": 0.5, "mixture": 1.5, "normalised": 3.0, "patch": 1.0, "factorized": 3.0,
    "bounded": 3.0,
}  # fmt: skip


@functools.cache
def params(name: str):
    """Variables of the small model of that name."""
    model = models.build(ALL[name])
    key = jax.random.key(
        0, impl="unsafe_rbg"
    )  # compiles several times faster than the default generator
    start = jax.jit(model.init)(
        key, np.zeros((1, 64, 64, 3), np.float32), np.zeros(1, np.float32), key
    )
    rng = np.random.default_rng(0)
    gain = np.float32(_KERNEL_GAIN[name])

    def scaled(path, value):
        value = np.asarray(value)
        kernel = "kernel" in jax.tree_util.keystr(path)
        if kernel and not value.any():  # what training would have moved from zero
            return rng.normal(0, 0.3 / np.sqrt(value.shape[-2]), value.shape).astype(np.float32)
        return value * gain if kernel else value

    return jax.tree_util.tree_map_with_path(scaled, start)


def pictures() -> list[np.ndarray]:
    """What the small models are calibrated on."""
    photo = data.astronaut()
    return [photo[:128, 192:320], photo[384:, :128]]


@functools.cache
def content(name: str) -> CodecContent:
    """What the codec file of the small model of that name holds."""
    return export.export_codec(
        ALL[name],
        params(name),
        name=name,
        bpp_range=(0.2, 2.0),
        pictures=pictures(),
        tables="gaussian",
    )


@functools.cache
def build(name: str) -> codec.Codec:
    """The codec of the small model of that name."""
    return codec.create(content(name))
