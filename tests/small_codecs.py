"""Codecs of small untrained models, for tests: random weights, scaled so that symbols, means and scales vary."""

import functools

import jax
import numpy as np

from jaxcodec import codec, export, models
from jaxcodec.codec_file import CodecContent
from jaxcodec.models import presets

DESCRIPTIONS = {
    "patch": presets.patch_model(latent=48, width=16, blocks=1, hyper=16, points=3, first_gain=2, last_gain=20),
    "mean_scale": presets.mean_scale_model(8, 12),
    "factorized": presets.factorized_model(8, 12, kernels=(9, 5, 5), strides=(4, 2, 2)),
}


@functools.cache
def params(name: str):
    """Variables of the small model of that name."""
    model = models.build(DESCRIPTIONS[name])
    key = jax.random.key(0, impl="unsafe_rbg")  # compiles several times faster than the default generator
    start = jax.jit(model.init)(key, np.zeros((1, 64, 64, 3), np.float32), np.zeros(1, np.float32), key)
    rng = np.random.default_rng(0)
    gain = {"patch": 1.0, "mean_scale": 3.0, "factorized": 3.0}[name]

    def scaled(path, value):
        value = np.asarray(value)
        kernel = "kernel" in jax.tree_util.keystr(path)
        if kernel and not value.any():  # what training would have moved from zero
            return rng.normal(0, 0.3 / np.sqrt(value.shape[-2]), value.shape).astype(np.float32)
        return value * np.float32(gain) if kernel else value

    return jax.tree_util.tree_map_with_path(scaled, start)


@functools.cache
def content(name: str) -> CodecContent:
    """What the codec file of the small model of that name holds."""
    return export.export_codec(DESCRIPTIONS[name], params(name), name=name, bpp_range=(0.2, 2.0))


@functools.cache
def build(name: str) -> codec.Codec:
    """The codec of the small model of that name."""
    return codec.create(content(name))
