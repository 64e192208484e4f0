"""A distortion of the luma of pictures alone; it forgets what colours do."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxcodec.distortions.distortion import Distortion, DistortionError, as_float
from jaxcodec.ops import Array

BT_601 = (0.299, 0.587, 0.114)
"""What red, green and blue weigh."""


def luma(image: Array) -> Float[jax.Array, "*batch h w 1"]:
    """Y of images (..., h, w, 3), uint8 or float in [0, 1]: float32 in [0, 1], not rounded.

    Grey images, of one channel, are their own. Raises DistortionError for other channels.
    """
    values = as_float(jnp.asarray(image))
    if values.shape[-1] == 1:
        return values
    if values.shape[-1] != 3:
        raise DistortionError(f"images of {values.shape[-1]} channels have no luma; give 1 or 3")
    return jnp.sum(values * jnp.array(BT_601), axis=-1, keepdims=True)


@functools.cache
def of_luma(distortion: Distortion) -> Distortion:
    """The same distortion of BT.601's luma, "nlpd_2017_luma" say."""

    def compare(params: Any, a: jax.Array, b: jax.Array) -> jax.Array:
        return distortion.compare(params, luma(a), luma(b))

    metric = dataclasses.replace(
        distortion.metric,
        name=f"{distortion.metric.name}_luma",
        label=f"{distortion.metric.label} of luma",
    )
    return dataclasses.replace(
        distortion,
        name=f"{distortion.name}_luma",
        unit=f"{distortion.unit} of luma",
        compare=compare,
        metric=metric,
        terms=None,
    )
