"""What counts as the error of a picture: a distortion, of colours or of grey, over which pixels."""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from jaxcodec import distortions, image
from jaxcodec.distortions import Distortion, PixelTerms
from jaxcodec.refinement.padded_image import PaddedImage


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["distortion"],
    meta_fields=["grey", "extent"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Criterion:
    """The error that refinement weighs against bits; a pytree of the distortion's parameters.

    Attributes:
      distortion: the error of an image.
      grey: whether the picture is grey, and a decoder shows the mean over colours.
      extent: the rows and columns that count, the same of all images of a batch; None where each
        image has its own (`PaddedImage.height`), which takes a distortion that is a mean over
        pixels.
    """

    distortion: Distortion = dataclasses.field(default_factory=lambda: distortions.get("mse"))
    grey: bool = False
    extent: tuple[int, int] | None = None

    def of_pixels(self, padded: PaddedImage, decoded: jax.Array) -> jax.Array:
        """The error, float32 (), of decoded pixels, uint8 (1, H, W, C)."""
        original = padded.pixels[
            ..., : decoded.shape[-1]
        ]  # a grey picture has three equal channels
        if (terms := self.distortion.terms) is not None:
            difference = original.astype(jnp.float32) - decoded.astype(jnp.float32)
            return padded.mean(terms.term(difference))
        return self.distortion(*map(self._cropped, (original, decoded)))[0]

    def of_floats(self, padded: PaddedImage, pixels: jax.Array) -> jax.Array:
        """The error, float32 (), of float32 pixels (1, H, W, 3), 0 to 1 if they are clipped."""
        original = image.to_float(padded.pixels)
        if (terms := self.distortion.terms) is not None:
            difference = self.visible(original - pixels)
            return 255**terms.degree * padded.mean(terms.term(difference))
        cropped = map(self._cropped, (self.visible(original), self.visible(pixels)))
        return self.distortion(*cropped)[0]

    def visible(self, colours: jax.Array) -> jax.Array:
        """The visible part of colours (..., 3), or of their differences.

        Of a grey picture it is their mean, (..., 1).
        """
        return jnp.mean(colours, axis=-1, keepdims=True) if self.grey else colours

    @property
    def terms(self) -> PixelTerms:
        """Of a distortion that is a mean over pixels; raises ValueError for another."""
        if self.distortion.terms is None:
            raise ValueError(f"the distortion {self.distortion.name} is no mean over pixels")
        return self.distortion.terms

    def _cropped(self, pixels: jax.Array) -> jax.Array:
        if self.extent is None:
            raise ValueError(f"the distortion {self.distortion.name} needs an extent")
        height, width = self.extent
        return pixels[:, :height, :width]
