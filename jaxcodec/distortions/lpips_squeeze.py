"""LPIPS v0.1 with SqueezeNet 1.1, the quickest to train with; see `distortions.lpips`."""

import chex
import jax
import jax.numpy as jnp

from jaxcodec.distortions.lpips import Weights, convolved, distortion, pooled


def features(weights: Weights, x: jax.Array) -> list[jax.Array]:
    """The seven activations of pictures (B, h, w, 3)."""

    def fire(number: int, x: jax.Array) -> jax.Array:
        name = f"features.{number}"
        x = convolved(weights, f"{name}.squeeze", x)
        wide = (
            convolved(weights, f"{name}.expand1x1", x),
            convolved(weights, f"{name}.expand3x3", x, pad=1),
        )
        return jnp.concatenate(wide, axis=-1)

    found = [convolved(weights, "features.0", x, stride=2)]
    for numbers in ((3, 4), (6, 7), (9,)):
        x = pooled(found[-1], whole=False)
        for number in numbers:
            x = fire(number, x)
        found.append(x)
    for number in (10, 11, 12):
        found.append(fire(number, found[-1]))
    return found


DISTORTION = distortion("squeeze", "squeezenet1_1", "Squeeze", features, least_side=25)


def lpips_squeeze(a: chex.Array, b: chex.Array) -> jax.Array:
    """LPIPS of images (..., height, width, 1 or 3), uint8 or float in [0, 1]: float32 (...).

    Weights are those of the folder `JAXCODEC_LPIPS`. Raises DistortionError where they are not
    there, the shapes differ, or a side is below 25 pixels.
    """
    return DISTORTION(a, b)
