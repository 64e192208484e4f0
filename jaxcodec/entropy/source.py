"""Source models: how likely a picture is, given its reconstruction (Zhang et al. 2024).

They are no part of a codec. One trains beside it, for the regularizer (`objectives.regularizer`).
Every sample of the picture has a Gaussian of its own on the grid of grey levels 0 to 255; a value
is as likely as the unit interval around it. Sigma is .11 at least and the mass 1e-9
(`gaussian_likelihood`). The paper tells neither sizes nor how its networks take the full
resolution: features, kernels and `fold` are ours.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxcodec.entropy.context import MaskedConv
from jaxcodec.entropy.context_model import EntropyParameters
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.ops import depth_to_space, space_to_depth
from jaxcodec.transforms.layers import Conv, Modulation, activation

START_SIGMA = 8.0
"""Sigma at the start of training, in grey levels."""

LEAST_SIDE = 5
"""The least side of a picture, that of the kernels."""

_KERNELS = (5, 5, 3)


class SourceModel(nn.Module):
    """q(x | x^): a picture (B, H, W, 3) in [0, 1], given its reconstruction and the quality (B,).

    It starts at means of the reconstruction, as it is, and sigma 8, in grey levels.

    features: width of the networks. points: of `Modulation` by the quality, which the error of a
      reconstruction depends on. activation: between layers. fold: 2 has the convolutions over
      the reconstruction work at half the resolution, on blocks of 2x2 pixels side by side as
      channels; sides are multiples of it. A context is at full resolution.
    """

    features: int = 16
    points: int = 1
    activation: str = "leaky_relu"
    fold: int = 1

    def __call__(
        self,
        image: Float[jax.Array, "b h w 3"],
        reconstruction: Float[jax.Array, "b h w 3"],
        quality: Float[jax.Array, " b"],
    ) -> Float[jax.Array, " b"]:
        """What the model takes to tell the image, given its reconstruction: bits per pixel (B,).

        All three channels of a pixel count.
        """
        values = jnp.round(255 * image)
        mean, sigma = self.moments(values, reconstruction, quality)
        bits = -jnp.log2(gaussian_likelihood(values - mean, sigma))
        return jnp.sum(bits, axis=(1, 2, 3)) / (image.shape[1] * image.shape[2])

    def moments(
        self, values: jax.Array, reconstruction: jax.Array, quality: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Mean and sigma of every sample, (B, H, W, 3) each, in grey levels.

        values: the picture in grey levels, of which a sample may see what comes before it.
        """
        mean, log_sigma = jnp.split(self.parameters(values, reconstruction, quality), 2, axis=-1)
        return 255 * reconstruction + START_SIGMA * mean, START_SIGMA * jnp.exp(log_sigma)

    def parameters(
        self, values: jax.Array, reconstruction: jax.Array, quality: jax.Array
    ) -> jax.Array:
        """What moves the moments from their start, (B, H, W, 6); zero there."""
        raise NotImplementedError

    def of_reconstruction(
        self, reconstruction: jax.Array, quality: jax.Array, outputs: int, last: Mapping[str, Any]
    ) -> jax.Array:
        """Three convolutions over a reconstruction, (B, H, W, outputs); last: fields of the last.

        As deep as a hyper-synthesis, with its kernels 5, 5 and 3, at one resolution.
        """
        act = activation(self.activation)
        x = space_to_depth(2 * reconstruction - 1, self.fold)
        for place, kernel in enumerate(_KERNELS[:-1]):
            x = Conv(self.features, kernel, name=f"features_{place}")(x)
            x = act(Modulation(self.points, name=f"modulation_{place}")(x, quality))
        outputs *= self.fold**2
        return depth_to_space(Conv(outputs, _KERNELS[-1], name="outputs", **last)(x), self.fold)


class HyperSource(SourceModel):
    """The source model that is like a hyperprior: of the reconstruction alone."""

    @nn.compact
    def parameters(
        self, values: jax.Array, reconstruction: jax.Array, quality: jax.Array
    ) -> jax.Array:
        """See `SourceModel`; the last convolution starts with no weights."""
        del values
        return self.of_reconstruction(
            reconstruction, quality, 6, {"kernel_init": nn.initializers.zeros}
        )


class ContextSource(SourceModel):
    """The source model that is like a context model: also of the pixels before, in raster order.

    Twelve pixels of a 5x5 window are seen through a masked convolution; 1x1 layers join both. The
    channels of one pixel do not see each other.
    """

    @nn.compact
    def parameters(
        self, values: jax.Array, reconstruction: jax.Array, quality: jax.Array
    ) -> jax.Array:
        """See `SourceModel`; the last of the 1x1 layers starts with no weights."""
        seen = self.of_reconstruction(reconstruction, quality, 2 * self.features, {})
        context = MaskedConv(2 * self.features, "autoregressive", name="context")
        joined = jnp.concatenate([seen, context(values / 127.5 - 1)], axis=-1)
        return EntropyParameters(self.features, outputs=6, scales=(), name="joined")(joined)


KINDS: dict[str, type[SourceModel]] = {"hyper": HyperSource, "context": ContextSource}
"""Source models by the kind that configs name."""

_WITH_CONTEXT = ("autoregressive", "checkerboard", "four_step")


def aligned(description: Mapping[str, Any]) -> str:
    """The kind that is like the entropy model of a codec with this description.

    "hyper" for a model without a context, "context" for one with it, in which attention codecs are
    included (Zhang et al. 2024, section 3).
    """
    return "context" if description["entropy"] in _WITH_CONTEXT else "hyper"


def create(kind: str, description: Mapping[str, Any], features: int, fold: int) -> SourceModel:
    """A source model for the codec of a description; kind "hyper" or "context".

    Its activation is that of the codec's hyper-synthesis, leaky ReLU where that names none, and the
    quality comes in at as many points as the codec's gains have.
    """
    return KINDS[kind](
        features=features,
        points=max(1, description.get("gains", {}).get("points", 0)),
        activation=description.get("hyper_synthesis", {}).get("activation", "leaky_relu"),
        fold=fold,
    )
