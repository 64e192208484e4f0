"""The float networks of a codec: each piece of its model compiled once per shape.

They make latents, means and pixels. Integer networks, which choose the tables that symbols are
coded with, belong to the order of coding (`jaxcodec.entropy.order`): encoder and decoder agree on
those on any device, while floats may drift.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import extensions, image, models
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.entropy.model import Choose, nearest, one_pass
from jaxcodec.runtime.compilation import compiled
from jaxcodec.runtime.programs import kept


class Relaxed(NamedTuple):
    """Pieces that have gradients, for use inside `jit`; arrays have a batch of any size.

    latent: (params, pixels float (B, H, W, 3) in [0, 1], quality) -> latent, not rounded.
    hyper: (params, latent, quality) -> hyper-latent, not rounded; None without one.
    round_hyper: (params, hyper-latent) -> hyper-symbols; None likewise.
    quantised: (params, latent, hyper-latent, quality, quantise, step) -> latent as synthesis sees
      it, and bits (B,); see `entropy.model.EntropyModel.quantised`.
    synthesis: (params, that, quality) -> pixels, float (B, H, W, 3), about 0 to 1, not clipped; it
      runs in the type that the parameters of the synthesis network have (`lowered`).
    """

    latent: Callable[..., jax.Array]
    hyper: Callable[..., jax.Array | None]
    round_hyper: Callable[..., jax.Array | None]
    quantised: Callable[..., tuple[jax.Array, jax.Array]]
    synthesis: Callable[..., jax.Array]


class Networks(NamedTuple):
    """Compiled pieces of a model; `quality` is (1,) int32 in hundredths.

    latent: (params, pixels (1, H, W, 3) uint8, quality) -> latent (1, h, w, C) float32 in quantiser
      steps.
    hyper: (params, latent, quality) -> hyper-symbols (1, h', w', C') int32; None without a
      hyper-latent.
    centre: (params, hyper-symbols, quality) -> what symbols are counted from, arrays (1, h, w, C)
      float32: the mean, and what later passes see or sigma; () where the grid is plain.
    residual: (params, latent, *centre) -> what symbols are made of: the latent less its mean, of a
      normalised model over sigma, float32.
    symbols: (params, residual, quality, step, *seen) -> the latent's symbols, int32, each the
      nearest; `step` is float32 (), and `seen` the rest of the centre where there are passes.
    decoded: (params, symbols, quality, step, *seen) -> the residual that they stand for, float32.
    pixels: (params, residual, quality, step, grey, *centre) -> uint8 (1, H, W, 3), or of one
      channel, the mean of the three. The residual is in units of the step: with one pass, symbols.
    centred: whether there is a centre. pass_count: in how many the latent is rounded.
    in_passes: (params, choose, carry, quality, step, *seen), for use inside `jit`, see
      `EntropyModel.in_passes`.
    """

    latent: Callable[..., jax.Array]
    hyper: Callable[..., jax.Array | None]
    centre: Callable[..., tuple[jax.Array, ...]]
    residual: Callable[..., jax.Array]
    symbols: Callable[..., jax.Array]
    decoded: Callable[..., jax.Array]
    pixels: Callable[..., jax.Array]
    in_passes: Callable[..., tuple[Any, jax.Array, jax.Array]]
    relaxed: Relaxed
    centred: bool
    pass_count: int

    def __repr__(self) -> str:
        return "<Networks>"


def lowered(params: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Parameters with those of the synthesis network in another type.

    Gains stay as exact as they are.
    """
    networks = params["params"]
    synthesis = jax.tree.map(lambda leaf: leaf.astype(dtype), networks["synthesis"])
    return {**params, "params": {**networks, "synthesis": synthesis}}


@functools.lru_cache(maxsize=16)
def build(description_json: str) -> Networks:
    """The networks of a model description (canonical JSON); the same gives the same functions."""
    description = json.loads(description_json)
    model = models.build(description)

    def piece(method: str) -> Callable[..., Any]:
        return lambda params, *arguments: model.apply(params, *arguments, method=method)

    def at_quality(method: str) -> Callable[..., Any]:
        """A method whose last argument is the quality."""
        apply = piece(method)
        return lambda params, *given: apply(params, *given[:-1], _fraction(given[-1]))

    def latent(params, pixels, quality):
        return at_quality("to_latent")(params, image.to_float(pixels), quality)

    def in_passes(params, choose, carry, quality, step, *seen):
        if model.pass_count == 1:
            return one_pass(choose, carry, step)  # without parameters
        fraction = _fraction(quality)
        return piece("in_passes")(params, choose, carry, fraction, step, *seen)

    def symbols(params, residual, quality, step, *seen):
        return in_passes(params, nearest(residual, step), (), quality, step, *seen)[1]

    def decoded(params, symbols, quality, step, *seen):
        return in_passes(params, _known(symbols), (), quality, step, *seen)[2]

    def pixels(params, residual, quality, step, *centre, grey):
        values = at_quality("reconstruct")(
            params, residual.astype(jnp.float32) * step, centre, quality
        )
        return image.to_uint8(
            jnp.mean(values.clip(0, 1), axis=-1, keepdims=True) if grey else values
        )

    def quantised(params, latent, hyper, quality, quantise, step):
        quality = _fraction(quality)
        coded = piece("quantised")(params, latent, hyper, quality, quantise, step)
        return coded.latent_hat, coded.bits

    def synthesis(params, latent_hat, quality):
        dtype = jax.tree.leaves(params["params"]["synthesis"])[0].dtype
        return piece("synthesise")(params, latent_hat, _fraction(quality), dtype)

    named = functools.partial(identity, description_json)

    def network(method: str, exists: bool):
        """A compiled piece; a model without it gives None, and there is nothing to compile."""
        return compiled(at_quality(method), named(method)) if exists else _nothing

    return Networks(
        latent=compiled(latent, named("latent")),
        hyper=network("to_hyper_symbols", model.has_hyper),
        centre=compiled(at_quality("centre"), named("centre")),
        residual=kept(piece("residual"), named("residual")),
        symbols=compiled(symbols, named("symbols")),
        decoded=compiled(decoded, named("decoded")),
        pixels=compiled(pixels, named("pixels"), static_argnames="grey"),
        relaxed=Relaxed(
            latent=at_quality("to_latent"),
            hyper=at_quality("to_hyper_latent"),
            round_hyper=piece("round_hyper"),
            quantised=quantised,
            synthesis=synthesis,
        ),
        in_passes=in_passes,
        centred=model.centred,
        pass_count=model.pass_count,
    )


def identity(description_json: str, name: str) -> str | None:
    """What distinguishes a function of that name and model from others, see `programs.kept`.

    None where networks are from outside the package: their code may change without a sign.
    """
    return None if _has_own(json.loads(description_json)) else f"{name} {description_json}"


def _nothing(*arguments):
    del arguments


def _known(symbols: jax.Array) -> Choose:
    """Chooses what a decoder knows already."""

    def choose(carry, number, prediction):
        del number, prediction
        return carry, symbols

    return choose


def _has_own(part) -> bool:
    """Whether a description names code from outside the package."""
    if isinstance(part, dict):
        return any(map(_has_own, part.values()))
    return extensions.is_own(part)


def _fraction(quality: jax.Array) -> jax.Array:
    """The quality in [0, 1] that float networks take."""
    return quality.astype(jnp.float32) / MAX_QUALITY
