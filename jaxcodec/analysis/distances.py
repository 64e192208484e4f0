"""The distances between pictures that a codec induces.

Hepburn et al. 2022 (arXiv 2106.04427) compare them with how likely a picture is, and with what
people say. Their text could not be had; the names are those of its figures.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from jaxcodec.codec.functions import padded
from jaxcodec.codec.pictures import to_hundredths
from jaxcodec.codec.value import Codec, require
from jaxcodec.distortions import DistortionError
from jaxcodec.distortions.distortion import Distortion, as_float
from jaxcodec.ops import Array, round_straight_through


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["codec", "quality"],
    meta_fields=["quantise", "whole_pixels"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Distances:
    """Functions of pictures x1, x2, each (B, H, W, 3), uint8 or float in [0, 1], to (B,) float32.

    All are root mean squares, of pixels on the scale 0 to 1 or of latents in quantiser steps, and
    have gradients. It is a pytree: give it to a jitted function as an argument.

    Attributes:
      codec: whose distances they are.
      quality: () int32, in hundredths.
      quantise: whether latents are rounded, with the identity as gradient.
      whole_pixels: whether reconstructions are clipped and rounded to 8 bits, as a decoder's, with
        the identity as gradient within [0, 1].
    """

    codec: Codec
    quality: jax.Array
    quantise: bool
    whole_pixels: bool

    def euclidean(self, x1: Array, x2: Array) -> Float[jax.Array, " b"]:
        """D_e = |x1 - x2|."""
        return _rms(*self._checked(x1, x2))

    def reconstruction(self, x1: Array, x2: Array) -> Float[jax.Array, " b"]:
        """D_r = |x^1 - x^2|."""
        return _rms(*(self.reconstruct(x) for x in self._checked(x1, x2)))

    def own(self, x: Array) -> Float[jax.Array, " b"]:
        """D_s = |x - x^|."""
        (x,) = self._checked(x)
        return _rms(x, self.reconstruct(x))

    def inner(self, x1: Array, x2: Array, rounded: bool = False) -> Float[jax.Array, " b"]:
        """D_in = |e(x1) - e(x2)|, of latents before rounding, or of what synthesis sees."""
        latents = [self._latent(x) for x in self._checked(x1, x2)]
        if rounded:
            latents = [self._latent_hat(latent) for latent in latents]
        return _rms(*latents)

    def log_p(self, x: Array) -> Float[jax.Array, " b"]:
        """ln of the probability that the codec itself gives the latents of pictures.

        No witness for what the distances of the same codec know of p: take a density of its own
        (`analysis.density`).
        """
        (x,) = self._checked(x)
        return -jnp.log(2) * self._quantised(self._latent(x))[1]

    def reconstruct(self, x: Array) -> Float[jax.Array, "b h w 3"]:
        """x^: what the codec makes of pictures, float32 about [0, 1]."""
        (x,) = self._checked(x)
        return self._decoded(self._latent(x), x.shape[1:3])

    def _decoded(self, latent: jax.Array, size: tuple[int, ...]) -> jax.Array:
        """The pictures of a size that latents stand for."""
        networks, qualities = self.codec.networks, self._qualities(len(latent))
        pixels = networks.relaxed.synthesis(self.codec.params, self._latent_hat(latent), qualities)
        pixels = pixels[:, : size[0], : size[1]]
        if self.whole_pixels:
            pixels = round_straight_through(255 * pixels.clip(0, 1)) / 255
        return pixels

    def _latent(self, x: jax.Array) -> jax.Array:
        """Latents of pictures, whose edges are repeated as far as the stride needs."""
        height, width = x.shape[1:3]
        size = padded(self.codec, (height, width))
        margins = [(0, 0), (0, size[0] - height), (0, size[1] - width), (0, 0)]
        qualities = self._qualities(len(x))
        return self.codec.networks.relaxed.latent(
            self.codec.params, jnp.pad(x, margins, mode="edge"), qualities
        )

    def _latent_hat(self, latent: jax.Array) -> jax.Array:
        """Latents as synthesis sees them."""
        return self._quantised(latent)[0]

    def _quantised(self, latent: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Latents as synthesis sees them, and their bits (B,)."""
        relaxed, params = self.codec.networks.relaxed, self.codec.params
        qualities = self._qualities(len(latent))
        hyper = relaxed.hyper(params, latent, qualities)
        quantised = _rounded if self.quantise else _as_it_is
        return relaxed.quantised(params, latent, hyper, qualities, quantised, self.codec.step)

    def _qualities(self, batch: int) -> jax.Array:
        return jnp.broadcast_to(self.quality, (batch,))

    def _checked(self, *pictures: Array) -> list[jax.Array]:
        shapes = {jnp.shape(picture) for picture in pictures}
        if len(shapes) > 1 or any(len(shape) != 4 or shape[-1] != 3 for shape in shapes):
            raise DistortionError(
                f"pictures of shapes {', '.join(map(str, sorted(shapes)))} have no distances; give "
                "pictures of one shape (B, H, W, 3)"
            )
        return [as_float(jnp.asarray(picture)) for picture in pictures]


def distances(
    codec: Codec,
    quality: float | None = None,
    *,
    quantise: bool = True,
    whole_pixels: bool = False,
) -> Distances:
    """The distances of a codec at a quality, 0 to 100; see `Distances`.

    quality: 50 where none is given; a codec of one quality takes none.

    Raises CodecError for what is no codec, and RateError for a quality that there is not.
    """
    require(codec)
    hundredths = jnp.asarray(to_hundredths(codec, quality) or 0, jnp.int32)
    return Distances(codec, hundredths, quantise, whole_pixels)


class Sensitivity(NamedTuple):
    """How much a codec's distances move with the euclidean one, each (B,) float32.

    reconstruction: D_r / D_e. inner: D_in / D_e.
    """

    reconstruction: jax.Array
    inner: jax.Array


def sensitivity(
    of: Distances, x: Array, key: jax.Array, size: float, directions: int = 64
) -> Sensitivity:
    """The mean over random directions of how far a step of D_e = `size` leads.

    With real rounding D_r is 0 for most small steps, so that one direction says little: give steps
    of several sizes about a cell, too.

    Args:
      of: the distances.
      x: pictures (B, H, W, 3).
      key: of the directions, Gaussian.
      size: of a step, RMSE on the scale 0 to 1.
      directions: how many.
    """
    x = as_float(jnp.asarray(x))
    latent = of._latent(x)  # once for all directions
    decoded = of._decoded(latent, x.shape[1:3])

    def one(key: jax.Array) -> Sensitivity:
        step = jax.random.normal(key, x.shape)
        step = step * size / jnp.sqrt(jnp.mean(step**2, axis=(1, 2, 3), keepdims=True))
        moved = of._latent(x + step)
        return Sensitivity(
            _rms(decoded, of._decoded(moved, x.shape[1:3])) / size, _rms(latent, moved) / size
        )

    found = jax.lax.map(one, jax.random.split(key, directions))
    return jax.tree.map(lambda each: jnp.mean(each, axis=0), found)


def perceptual_sensitivity(distortion: Distortion, x1: Array, x2: Array) -> Float[jax.Array, " b"]:
    """D_p / RMSE of pictures (B, H, W, 3): a distortion for each unit of RMSE, on the scale 0 to 1.

    NaN where both are equal.
    """
    a, b = (as_float(jnp.asarray(each)) for each in (x1, x2))
    return distortion(a, b) / jnp.sqrt(jnp.mean((a - b) ** 2, axis=(1, 2, 3)))


_EQUAL = 1e-10
"""Arrays whose mean squares are below this are equal but for rounding.

That is a distance of 1e-5, some four-hundredth of a grey level.
"""


def _rms(a: jax.Array, b: jax.Array) -> jax.Array:
    """The root of the mean square; its gradient at equal arrays is 0."""
    square = jnp.mean((a - b) ** 2, axis=tuple(range(1, a.ndim)))
    apart = square > _EQUAL
    near = jnp.sqrt(jax.lax.stop_gradient(square))
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, square, 1)), near)


def _rounded(part: str, value: jax.Array, centre: jax.Array | float):
    del part
    found = round_straight_through(value - centre) + centre
    return found, found


def _as_it_is(part: str, value: jax.Array, centre: jax.Array | float):
    del part, centre
    return value, value
