"""What refinement optimises: the latents of an image under a codec, with a relaxed loss and a true
one.

Functions here are pure and take one image, as a batch of one; `loop` maps them over images.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import image
from jaxcodec.codec import cost, tiles
from jaxcodec.codec.value import Codec
from jaxcodec.entropy.order import Symbols
from jaxcodec.ops import round_straight_through
from jaxcodec.refinement.relaxations import Relaxation


class Variables(NamedTuple):
    """What is optimised, float32, not rounded.

    latent: (1, h, w, C), in units of the codec's own quantiser step. hyper: (1, h', w', C'), or
      None without one. log_step: (), the logarithm of the quantiser step over the one that the
      codec has, or None where that stays.
    """

    latent: jax.Array
    hyper: jax.Array | None
    log_step: jax.Array | None = None


class Measured(NamedTuple):
    """What a file would hold: symbols, their bits as the coder will charge them, and the error of
    the pixels decoded.

    residual: float32 (1, h, w, C), what the latent's symbols were rounded from, in units of the
      codec's own step. bits: float32 (), headers apart. mse_255: float32 (), of 8-bit pixels, on
      the scale 0 to 255.
    """

    symbols: Symbols
    residual: jax.Array
    bits: jax.Array
    mse_255: jax.Array


class Shown(NamedTuple):
    """An image and what of it counts.

    pixels: uint8 (1, H, W, 3), padded to the codec's stride. quality: int32 (1,) in hundredths.
      height, width: int32 (), the rows and columns that count, which are the first.
    """

    pixels: jax.Array
    quality: jax.Array
    height: jax.Array
    width: jax.Array

    @property
    def pixel_count(self) -> jax.Array:
        """The pixels that count, float32 ()."""
        return self.height.astype(jnp.float32) * self.width

    def counts(self, shape: tuple[int, ...]) -> jax.Array:
        """Which of (1, H, W, 1) pixels count, given a shape (1, H, W, any)."""
        rows, columns = (
            jax.lax.broadcasted_iota(jnp.int32, (*shape[:3], 1), axis) for axis in (1, 2)
        )
        return (rows < self.height) & (columns < self.width)

    def squares(self, values: jax.Array) -> jax.Array:
        """The squares of (1, H, W, any) where they count, else 0."""
        return jnp.where(self.counts(values.shape), jnp.square(values), 0)

    def mean_square(self, values: jax.Array) -> jax.Array:
        """The mean of the squares of (1, H, W, any) over the pixels that count, float32 ()."""
        return jnp.sum(self.squares(values)) / (self.pixel_count * values.shape[-1])


def start(codec: Codec, shown: Shown, *, free_step: bool = False) -> Variables:
    """The latents that the codec's own networks make; `free_step`: with the quantiser step among
    what is optimised.
    """
    latent = codec.networks.latent(codec.params, shown.pixels, shown.quality)
    relaxed = codec.networks.relaxed
    hyper = relaxed.hyper(codec.params, latent, shown.quality)
    return Variables(latent, hyper, jnp.float32(0) if free_step else None)


def measure(
    codec: Codec, shown: Shown, variables: Variables, *, grey: bool = False, plain: bool = False
) -> Measured:
    """The true rate and distortion of latents, rounded: with tables as the integer networks choose
    them.

    The step is that of `codec`. grey: whether the picture is grey, and a decoder shows the mean
    over colours. plain: on the grid of integers, which no file has where symbols are counted from a
    mean; bits are then those of the model's likelihoods.
    """
    if plain:
        return _measure_plain(codec, shown, variables, grey)
    networks, params, quality = codec.networks, codec.params, shown.quality
    hyper = mean = None
    if variables.hyper is not None:
        hyper = networks.relaxed.round_hyper(params, variables.hyper)
    if networks.centred:
        mean = networks.mean(params, hyper, quality)
    residual, symbols = rounded(codec, variables.latent, mean)
    side = codec.side(hyper, quality, tiles.whole)
    bits = jnp.sum(cost.latent_bits(codec, symbols, side))
    if hyper is not None:
        bits = bits + cost.hyper_bits(codec, hyper)
    decoded = networks.pixels(params, symbols, mean, quality, codec.step, grey=grey)
    original = shown.pixels[..., : decoded.shape[-1]]  # a grey picture has three equal channels
    error = shown.mean_square(original.astype(jnp.float32) - decoded.astype(jnp.float32))
    return Measured(Symbols(hyper, symbols), residual, bits, error)


def _measure_plain(codec: Codec, shown: Shown, variables: Variables, grey: bool) -> Measured:
    def quantise(part, value, centre):
        value = jnp.round(value) if part == "latent" else jnp.round(value - centre) + centre
        return value, value

    relaxed, params, quality = codec.networks.relaxed, codec.params, shown.quality
    latent_hat, bits = relaxed.quantised(
        params, variables.latent, variables.hyper, quality, quantise, codec.step
    )
    pixels = relaxed.synthesis(params, latent_hat, quality)
    pixels = image.to_uint8(jnp.mean(pixels.clip(0, 1), axis=-1, keepdims=True) if grey else pixels)
    error = shown.mean_square(
        shown.pixels[..., : pixels.shape[-1]].astype(jnp.float32) - pixels.astype(jnp.float32)
    )
    hyper = None if variables.hyper is None else relaxed.round_hyper(params, variables.hyper)
    symbols = jnp.round(variables.latent / codec.step).astype(jnp.int32)
    return Measured(Symbols(hyper, symbols), variables.latent, bits[0], error)


def rounded(codec: Codec, latent: jax.Array, mean: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """What the symbols of a latent are rounded from, in units of the codec's own step, and the
    symbols.
    """
    residual = codec.networks.residual(codec.params, latent, *(() if mean is None else (mean,)))
    return residual, codec.networks.symbols(residual, codec.step)


def decoded(codec: Codec, shown: Shown, variables: Variables) -> jax.Array:
    """The pixels (1, H, W, 3) of rounded latents, 0 to 1, not clipped; gradients go through the
    rounding.
    """

    def quantise(part, value, centre):
        value = round_straight_through(value - centre) + centre
        return value, value

    relaxed, params = codec.networks.relaxed, codec.params
    latent_hat, _ = relaxed.quantised(
        params, variables.latent, variables.hyper, shown.quality, quantise, codec.step
    )
    return relaxed.synthesis(params, latent_hat, shown.quality)


def relaxed_loss(
    codec: Codec,
    shown: Shown,
    variables: Variables,
    trade_off: jax.Array,
    relaxation: Relaxation,
    key: jax.Array,
    tau: jax.Array,
    *,
    grey: bool = False,
    plain: bool = False,
    synthesis_params=None,
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """lambda * 255^2 * MSE + bpp of latents under a relaxation, and the bits and the 255^2 * MSE in
    it.

    The pixels are not clipped (Yang et al. 2020).

    Args:
      codec, shown, variables, grey: of the image.
      trade_off: lambda, float32 ().
      relaxation, key, tau: see `relaxations`.
      plain: whether the latent is relaxed on the grid of integers even where the codec's symbols
        are counted from a mean.
      synthesis_params: parameters whose synthesis network is of a lower precision, in which it then
        runs.
    """
    keys = dict(zip(("latent", "hyper"), jax.random.split(key), strict=True))

    def quantise(part, value, centre):
        centre = 0.0 if plain and part == "latent" else centre
        relaxed = relaxation(value - centre, keys[part], tau) + centre
        return relaxed, relaxed

    relaxed, params, quality = codec.networks.relaxed, codec.params, shown.quality
    step = codec.step if variables.log_step is None else codec.step * jnp.exp(variables.log_step)
    latent_hat, bits = relaxed.quantised(
        params, variables.latent, variables.hyper, quality, quantise, step
    )
    params = params if synthesis_params is None else synthesis_params
    pixels = relaxed.synthesis(params, latent_hat, quality).astype(jnp.float32)
    difference = image.to_float(shown.pixels) - pixels
    if grey:
        difference = jnp.mean(difference, axis=-1, keepdims=True)
    bits, error = bits[0], 255**2 * shown.mean_square(difference)
    return trade_off * error + bits / shown.pixel_count, (bits, error)
