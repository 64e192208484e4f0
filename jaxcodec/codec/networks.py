"""What a codec runs on the device: each piece of its model compiled once per shape, the large ones in tiles.

Encoder and decoder call the very same `condition`, with the same shapes, so that both see the same means and table
indices. Everything that decides how symbols are coded passes through it, and through nothing else.
"""

import functools
import json
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import image, models
from jaxcodec.codec import tiles
from jaxcodec.models.build import stride as stride_of


class Networks(NamedTuple):
    """Compiled pieces of a mean-scale or a factorized model; `quality` is (1,) float32 in [0, 1].

    latent: (params, pixels (1, H, W, 3) uint8, quality) -> latent (1, h, w, C) float32 in quantiser steps.
    hyper: (params, latent, quality) -> hyper-symbols (1, h', w', C') int32; None without a hyper-latent.
    condition: (params, hyper-symbols, quality) -> mean (1, h, w, C) float32 and table index, uint8; None likewise.
    symbols: (latent, mean) -> round(latent - mean), int32.
    pixels: (params, symbols, mean, quality, grey) -> uint8 (1, H, W, 3), or of one channel, the mean of the three.
    stride: the multiple that image sides must have; latent_stride: pixels per latent position.
    halos: how far analysis and synthesis reach, in latent positions.
    """

    latent: Callable[..., jax.Array]
    hyper: Callable[..., jax.Array] | None
    condition: Callable[..., tuple[jax.Array, jax.Array]] | None
    symbols: Callable[..., jax.Array]
    pixels: Callable[..., jax.Array]
    stride: int
    latent_stride: int
    halos: tuple[int, int]


@functools.lru_cache(maxsize=16)
def build(description_json: str) -> Networks:
    """The networks of a model description (canonical JSON); the same description gives the same compiled functions."""
    description = json.loads(description_json)
    model = models.build(description)
    hierarchical = description["entropy"] == "mean_scale"

    def latent(params, pixels, quality):
        def of(module):
            return module.gains.apply_gain(module.analysis(image.to_float(pixels), quality), quality)

        return model.apply(params, method=of)

    def hyper(params, latent, quality):
        def of(module):
            return jnp.round(module.hyper_analysis(latent, quality)).astype(jnp.int32)

        return model.apply(params, method=of)

    def condition(params, hyper_symbols, quality):
        mean, index = model.apply(params, hyper_symbols, quality, method="condition")
        return mean, index.astype(jnp.uint8)

    def pixels(params, symbols, mean, quality, grey):
        arguments = (symbols, mean, quality) if hierarchical else (symbols, quality)
        values = model.apply(params, *arguments, method="reconstruct")
        return image.to_uint8(jnp.mean(values.clip(0, 1), axis=-1, keepdims=True) if grey else values)

    return Networks(
        latent=jax.jit(latent),
        hyper=jax.jit(hyper) if hierarchical else None,
        condition=jax.jit(condition) if hierarchical else None,
        symbols=jax.jit(lambda latent, mean: jnp.round(latent - mean).astype(jnp.int32)),
        pixels=jax.jit(pixels, static_argnames="grey"),
        stride=stride_of(description),
        latent_stride=stride_of({"analysis": description["analysis"]}),
        halos=(tiles.halo(description["analysis"]), tiles.halo(description["synthesis"])),
    )
