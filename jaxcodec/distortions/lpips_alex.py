"""LPIPS v0.1 with AlexNet, that with which results are told; see `distortions.lpips`."""

import chex
import jax

from jaxcodec.distortions.lpips import Weights, convolved, distortion, pooled


def features(weights: Weights, x: jax.Array) -> list[jax.Array]:
    """The five activations of pictures (B, h, w, 3)."""
    first = convolved(weights, "features.0", x, stride=4, pad=2)
    second = convolved(weights, "features.3", pooled(first), pad=2)
    third = convolved(weights, "features.6", pooled(second), pad=1)
    fourth = convolved(weights, "features.8", third, pad=1)
    return [first, second, third, fourth, convolved(weights, "features.10", fourth, pad=1)]


DISTORTION = distortion("alex", "alexnet", "Alex", features, least_side=31)


def lpips_alex(a: chex.Array, b: chex.Array) -> jax.Array:
    """LPIPS of images (..., height, width, 1 or 3), uint8 or float in [0, 1]: float32 (...).

    Weights are those of the folder `JAXCODEC_LPIPS`. Raises DistortionError where they are not
    there, the shapes differ, or a side is below 31 pixels.
    """
    return DISTORTION(a, b)
