"""What a codec runs on the device: each piece of its model compiled once per shape.

Float pieces make latents, means and pixels. Integer pieces (`jaxcodec.integer`) choose the tables
that symbols are coded with, from integers alone: encoder and decoder agree on them on any device,
while floats may drift.
"""

import functools
import json
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import extensions, image, integer, models
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.runtime.compilation import compiled
from jaxcodec.runtime.programs import kept


class Networks(NamedTuple):
    """Compiled pieces of a model; `quality` is (1,) int32 in hundredths, `arrays` those of the
    integer networks.

    latent: (params, pixels (1, H, W, 3) uint8, quality) -> latent (1, h, w, C) float32 in quantiser
      steps.
    hyper: (params, latent, quality) -> hyper-symbols (1, h', w', C') int32; None without a
      hyper-latent.
    mean: (params, hyper-symbols, quality) -> mean (1, h, w, C) float32 that symbols are rounded
      about; None where the grid is plain.
    residual: (params, latent, mean) -> what symbols are made of: the latent less what they are
      counted from, float32.
    symbols: (residual, step) -> the latent's symbols, int32; `step` is float32 ().
    pixels: (params, symbols, mean, quality, step, grey) -> uint8 (1, H, W, 3), or of one channel,
      the mean of the three.
    index: (arrays, hyper-symbols, quality) -> table of each symbol, uint8 (1, h, w, C); None with a
      context model.
    scale, level: its two halves: (arrays, hyper-symbols, quality) -> scales int32, and (arrays,
      scales) -> tables.
    hyper_part, context_codes, context_part, parameters: the pieces of a context model
      (`jaxcodec.integer.context`); None without.
    """

    latent: Callable[..., jax.Array]
    hyper: Callable[..., jax.Array] | None
    mean: Callable[..., jax.Array] | None
    residual: Callable[..., jax.Array]
    symbols: Callable[..., jax.Array]
    pixels: Callable[..., jax.Array]
    index: Callable[..., jax.Array] | None
    scale: Callable[..., jax.Array] | None
    level: Callable[..., jax.Array] | None
    hyper_part: Callable[..., jax.Array] | None
    context_codes: Callable[..., jax.Array] | None
    context_part: Callable[..., jax.Array] | None
    parameters: Callable[..., tuple[jax.Array, jax.Array]] | None
    relaxed: "Relaxed"

    def __repr__(self):
        return "<Networks>"


class Relaxed(NamedTuple):
    """Pieces that have gradients, for use inside `jit`; arrays have a batch of any size.

    hyper: (params, latent, quality) -> hyper-latent, not rounded; None without one.
    round_hyper: (params, hyper-latent) -> hyper-symbols; None likewise.
    quantised: (params, latent, hyper-latent, quality, quantise, step) -> latent as synthesis sees
      it, and bits (B,); see `models.hyperprior.HyperpriorModel.quantised`.
    synthesis: (params, that, quality) -> pixels, float (B, H, W, 3), about 0 to 1, not clipped; it
      runs in the type that the parameters of the synthesis network have (`lowered`).
    """

    hyper: Callable[..., jax.Array] | None
    round_hyper: Callable[..., jax.Array] | None
    quantised: Callable[..., tuple[jax.Array, jax.Array]]
    synthesis: Callable[..., jax.Array]


def lowered(params, dtype: str):
    """Parameters with those of the synthesis network in another type; gains stay as exact as they
    are.
    """
    networks = params["params"]
    synthesis = jax.tree.map(lambda leaf: leaf.astype(dtype), networks["synthesis"])
    return {**params, "params": {**networks, "synthesis": synthesis}}


@functools.lru_cache(maxsize=16)
def build(description_json: str, spec_json: str) -> Networks:
    """The networks of a model description and an integer spec (canonical JSON); the same give the
    same functions.
    """
    return Networks(**_float_pieces(description_json), **_integer_pieces(spec_json))


def _float_pieces(description_json: str) -> dict[str, Callable | None]:
    description = json.loads(description_json)
    model = models.build(description)

    def apply(method: str, params, *arguments):
        return model.apply(params, *arguments, method=method)

    def latent(params, pixels, quality):
        return apply("to_latent", params, image.to_float(pixels), _fraction(quality))

    def hyper(params, latent, quality):
        return apply("to_hyper_symbols", params, latent, _fraction(quality))

    def mean(params, hyper_symbols, quality):
        return apply("mean", params, hyper_symbols, _fraction(quality))

    def residual(params, latent, mean=None):
        return apply("residual", params, latent, *(() if mean is None else (mean,)))

    def pixels(params, symbols, mean, quality, step, grey):
        decoded = symbols.astype(jnp.float32) * step
        arguments = (decoded,) if mean is None else (decoded, mean)
        values = apply("reconstruct", params, *arguments, _fraction(quality))
        return image.to_uint8(
            jnp.mean(values.clip(0, 1), axis=-1, keepdims=True) if grey else values
        )

    def hyper_latent(params, latent, quality):
        return apply("to_hyper_latent", params, latent, _fraction(quality))

    def quantised(params, latent, hyper, quality, quantise, step):
        return apply("quantised", params, latent, hyper, _fraction(quality), quantise, step)[:2]

    def synthesis(params, latent_hat, quality):
        dtype = jax.tree.leaves(params["params"]["synthesis"])[0].dtype
        return apply("synthesise", params, latent_hat, _fraction(quality), dtype)

    def named(name):
        # Code from outside the package may change without a sign, so that nothing of it is kept.
        return None if _has_own(description) else f"{name} {description_json}"

    has_hyper = "hyper_analysis" in description
    return {
        "latent": compiled(latent, named("latent")),
        "hyper": compiled(hyper, named("hyper")) if has_hyper else None,
        "mean": compiled(mean, named("mean")) if hasattr(model, "mean") else None,
        "residual": kept(residual, named("residual")),
        "symbols": kept(_symbols, "symbols"),
        "pixels": compiled(pixels, named("pixels"), static_argnames="grey"),
        "relaxed": Relaxed(
            hyper=hyper_latent if has_hyper else None,
            round_hyper=functools.partial(apply, "round_hyper") if has_hyper else None,
            quantised=quantised,
            synthesis=synthesis,
        ),
    }


def _has_own(part) -> bool:
    """Whether a description names code from outside the package."""
    if isinstance(part, dict):
        return any(map(_has_own, part.values()))
    return extensions.is_own(part)


def _symbols(residual, step):
    return jnp.round(residual / step).astype(jnp.int32)


def _integer_pieces(spec_json: str) -> dict[str, Callable | None]:
    spec = json.loads(spec_json)
    names = ("index", "scale", "level", "hyper_part", "context_codes", "context_part", "parameters")
    pieces = {name: functools.partial(piece, spec) for name, piece in integer.pieces(spec).items()}
    for name in {"index", "level"} & set(pieces):
        # There are 64 tables; large pictures feel the difference in memory.
        pieces[name] = _narrow(pieces[name])
    return {
        name: kept(pieces[name], f"{name} {spec_json}") if name in pieces else None
        for name in names
    }


def _narrow(piece: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    return lambda *arguments: piece(*arguments).astype(jnp.uint8)


def _fraction(quality: jax.Array) -> jax.Array:
    """The quality in [0, 1] that float networks take."""
    return quality.astype(jnp.float32) / MAX_QUALITY
