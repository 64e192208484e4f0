"""The problem of refinement: latents under a codec, with a relaxed and a true loss.

Functions here are pure and take one image, as a batch of one; `loop` maps them over images.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import image
from jaxcodec.codec import cost, tiles
from jaxcodec.codec import symbols as symbols_of
from jaxcodec.codec.value import Codec
from jaxcodec.entropy.order import Symbols
from jaxcodec.ops import round_straight_through
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.relaxations import Relaxation

MSE = Criterion()
"""The mean squared error of all colours."""


class Variables(NamedTuple):
    """What is optimised, float32, not rounded.

    latent: (1, h, w, C), in units of the codec's own quantiser step. hyper: (1, h', w', C'), or
      None without one. log_step: (), the logarithm of the quantiser step over the one that the
      codec has, or None where that stays.
    """

    latent: jax.Array
    hyper: jax.Array | None
    log_step: jax.Array | None = None


class Measurement(NamedTuple):
    """The content of a file: symbols, their bits as the coder charges them, and the error.

    The error is that of the pixels decoded.

    residual: float32 (1, h, w, C), what the latent's symbols were rounded from, in units of the
      codec's own step. bits: float32 (), headers apart. distance: float32 (), of 8-bit pixels by
      the criterion. mse_255: float32 (), their mean squared error on the scale 0 to 255.
    """

    symbols: Symbols
    residual: jax.Array
    bits: jax.Array
    distance: jax.Array
    mse_255: jax.Array


def start(codec: Codec, padded: PaddedImage, *, free_step: bool = False) -> Variables:
    """The latents that the codec's own networks make.

    `free_step`: the quantiser step is optimised as well.
    """
    latent = codec.networks.latent(codec.params, padded.pixels, padded.quality)
    relaxed = codec.networks.relaxed
    hyper = relaxed.hyper(codec.params, latent, padded.quality)
    return Variables(latent, hyper, jnp.float32(0) if free_step else None)


def measure(
    codec: Codec,
    padded: PaddedImage,
    variables: Variables,
    *,
    criterion: Criterion = MSE,
    plain: bool = False,
) -> Measurement:
    """The true rate and distortion of rounded latents.

    Integer networks choose the tables.

    The step is that of `codec`. criterion: what counts as distortion. plain: on the grid of
    integers, which no file has where symbols are counted from a mean; bits are then those of the
    model's likelihoods.
    """
    if plain:
        return _measure_plain(codec, padded, variables, criterion)
    networks, params, quality = codec.networks, codec.params, padded.quality
    hyper = None
    if variables.hyper is not None:
        hyper = networks.relaxed.round_hyper(params, variables.hyper)
    centre = symbols_of.centre_of(codec, hyper, quality, tiles.whole)
    residual, symbols = rounded(codec, padded, variables.latent, centre)
    side = codec.side(hyper, quality, tiles.whole)
    bits = jnp.sum(cost.latent_bits(codec, symbols, side))
    if hyper is not None:
        bits = bits + cost.hyper_bits(codec, hyper)
    coded = Symbols(hyper, symbols)
    decoded = symbols_of.synthesise(codec, coded, quality, criterion.grey, tiles.whole)
    return Measurement(
        coded,
        residual,
        bits,
        criterion.of_pixels(padded, decoded),
        MSE.of_pixels(padded, decoded),
    )


def _measure_plain(
    codec: Codec, padded: PaddedImage, variables: Variables, criterion: Criterion
) -> Measurement:
    def quantise(part, value, centre):
        value = jnp.round(value) if part == "latent" else jnp.round(value - centre) + centre
        return value, value

    relaxed, params, quality = codec.networks.relaxed, codec.params, padded.quality
    latent_hat, bits = relaxed.quantised(
        params, variables.latent, variables.hyper, quality, quantise, codec.step
    )
    pixels = relaxed.synthesis(params, latent_hat, quality)
    pixels = image.to_uint8(criterion.visible(pixels.clip(0, 1)) if criterion.grey else pixels)
    hyper = None if variables.hyper is None else relaxed.round_hyper(params, variables.hyper)
    symbols = jnp.round(variables.latent / codec.step).astype(jnp.int32)
    return Measurement(
        Symbols(hyper, symbols),
        variables.latent,
        bits[0],
        criterion.of_pixels(padded, pixels),
        MSE.of_pixels(padded, pixels),
    )


def rounded(
    codec: Codec, padded: PaddedImage, latent: jax.Array, centre: tuple[jax.Array, ...]
) -> tuple[jax.Array, jax.Array]:
    """The residual that the symbols of a latent are rounded from, and the symbols.

    The residual is in units of the codec's own step.
    """
    networks, params = codec.networks, codec.params
    residual = networks.residual(params, latent, *centre)
    return residual, networks.symbols(params, residual, padded.quality, codec.step, *centre[1:])


def decoded(codec: Codec, padded: PaddedImage, variables: Variables) -> jax.Array:
    """The pixels (1, H, W, 3) of rounded latents, 0 to 1, not clipped.

    Gradients go through the rounding.
    """

    def quantise(part, value, centre):
        value = round_straight_through(value - centre) + centre
        return value, value

    relaxed, params = codec.networks.relaxed, codec.params
    latent_hat, _ = relaxed.quantised(
        params, variables.latent, variables.hyper, padded.quality, quantise, codec.step
    )
    return relaxed.synthesis(params, latent_hat, padded.quality)


def relaxed_loss(
    codec: Codec,
    padded: PaddedImage,
    variables: Variables,
    trade_off: jax.Array | float,
    relaxation: Relaxation,
    key: jax.Array,
    tau: jax.Array,
    *,
    criterion: Criterion = MSE,
    plain: bool = False,
    synthesis_params: Any = None,
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """lambda * D + bpp of latents under a relaxation, and the bits and the D in it.

    D is 255^2 * MSE, or that of the criterion.

    The pixels are not clipped (Yang et al. 2020).

    Args:
      codec, padded, variables: of the image.
      trade_off: lambda, float32 ().
      relaxation, key, tau: see `relaxations`.
      criterion: what counts as distortion.
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

    relaxed, params, quality = codec.networks.relaxed, codec.params, padded.quality
    step = codec.step if variables.log_step is None else codec.step * jnp.exp(variables.log_step)
    latent_hat, bits = relaxed.quantised(
        params, variables.latent, variables.hyper, quality, quantise, step
    )
    params = params if synthesis_params is None else synthesis_params
    pixels = relaxed.synthesis(params, latent_hat, quality).astype(jnp.float32)
    bits, error = bits[0], criterion.of_floats(padded, pixels)
    return trade_off * error + bits / padded.pixel_count, (bits, error)
