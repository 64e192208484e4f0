"""Coordinate descent of the true loss over the latent's symbols, many at once.

Annealing ends where no small change of the relaxed latents helps; single symbols may still be
better one higher or lower. Of each symbol a step predicts what that would be worth: the error by
slope and curvature, the bits by the coder's tables. In each window of places the most promising
symbol is moved, all windows at once, and the error and the bits that follow are measured; where a
window's loss has not fallen, its symbol is moved back, and is not tried that way again. Windows lie
elsewhere at each step. Rate-distortion optimised quantisation of video codecs does the same for one
block after the other; this is our own.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxcodec import image
from jaxcodec.codec import cost, tiles
from jaxcodec.codec import symbols as symbols_of
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import Codec
from jaxcodec.refinement import problem
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import Variables

WINDOW = 4
"""Places of the latent along a side of a window; with 3 to 8 the loss ends the same on training
pictures.
"""

_PROBES = 4
"""Random vectors that the curvature is estimated with."""


class Ground(NamedTuple):
    """What stays the same during a descent.

    centre: what the latent's symbols are counted from, or (). side: what `Order.side` makes of the
      hyper-symbols. hyper_bits: float32 (). curvature: the second derivative of the error by a
      symbol of each channel, (C,).
    """

    centre: tuple[jax.Array, ...]
    side: tuple
    hyper_bits: jax.Array
    curvature: jax.Array


class Descent(NamedTuple):
    """The state of a descent.

    latent (1, h, w, C), on the grid of symbols, and the moves that failed, up and down, bool.
    """

    latent: jax.Array
    failed_up: jax.Array
    failed_down: jax.Array


def begin(
    codec: Codec,
    padded: PaddedImage,
    variables: Variables,
    key: jax.Array,
    tau: jax.Array | float,
    criterion: Criterion,
) -> tuple[Ground, Descent]:
    """The start of a descent from the latents of `variables`.

    They are rounded as `cost.spared` does; a `tau` of 0 spares nothing.
    """
    networks, params, quality = codec.networks, codec.params, padded.quality
    hyper_bits, hyper = jnp.float32(0), None
    if variables.hyper is not None:
        hyper = networks.relaxed.round_hyper(params, variables.hyper)
        assert hyper is not None  # as there is a hyper-latent
        hyper_bits = cost.hyper_bits(codec, hyper)
    centre = symbols_of.centre_of(codec, hyper, quality, tiles.whole)
    residual, _ = problem.rounded(codec, padded, variables.latent, centre)
    side = codec.side(hyper, quality, tiles.whole)
    analysis = Analysis(hyper, residual, side, centre[1:], quality)
    symbols, _ = cost.spared(codec, analysis, tau)
    on_grid = networks.decoded(params, symbols, quality, codec.step, *centre[1:])
    latent = variables.latent + (on_grid - residual)
    curvature = _curvature(codec, padded, variables._replace(latent=latent), key, criterion)
    untried = jnp.zeros(latent.shape, bool)
    return Ground(centre, side, hyper_bits, curvature), Descent(latent, untried, untried)


def step(
    codec: Codec,
    padded: PaddedImage,
    ground: Ground,
    variables: Variables,
    state: Descent,
    trade_off: jax.Array,
    key: jax.Array,
    criterion: Criterion,
) -> tuple[Descent, tuple[jax.Array, jax.Array, jax.Array]]:
    """One move in every window where it lowers the loss.

    Also loss, bits and error (`problem.relaxed_loss`) before it.
    """

    def error_of(latent):
        each = _terms(codec, padded, variables._replace(latent=latent), criterion)
        return jnp.sum(each), each

    (error, errors), slope = jax.value_and_grad(error_of, has_aux=True)(state.latent)
    _, symbols = problem.rounded(codec, padded, state.latent, ground.centre)
    bits = cost.latent_bits_around(codec, symbols, ground.side)
    direction, worth = _predicted(codec, padded, ground, state, trade_off, slope, bits)
    windows = Windows(symbols.shape[1:3], *jax.random.randint(key, (2,), 0, WINDOW))
    tried = _most_promising(windows, worth)
    moved = jnp.where(tried, direction, 0)
    latent = state.latent + moved * codec.step
    _, errors_then = error_of(latent)
    bits_then = cost.latent_bits(codec, symbols + moved, ground.side)
    change = trade_off * _by_place(errors_then - errors, symbols.shape[1:3])
    change += jnp.sum(bits_then - bits[1], axis=(0, 3)) / padded.pixel_count
    kept = windows.everywhere(windows.total(change) < 0)[None, :, :, None]
    failed = tried & ~kept
    state = Descent(
        jnp.where(kept, latent, state.latent),
        state.failed_up | (failed & (direction > 0)),
        state.failed_down | (failed & (direction < 0)),
    )
    all_bits = jnp.sum(bits[1]) + ground.hyper_bits
    return state, (trade_off * error + all_bits / padded.pixel_count, all_bits, error)


def ended(
    codec: Codec, padded: PaddedImage, ground: Ground, variables: Variables, state: Descent
) -> Variables:
    """The latents after a descent.

    They are those of `variables` where their symbols are the same, since the distance to other
    symbols says what these would be worth. Where symbols have moved they are those of the grid.
    """
    before, after = (
        problem.rounded(codec, padded, latent, ground.centre)[1]
        for latent in (variables.latent, state.latent)
    )
    return variables._replace(latent=jnp.where(before == after, variables.latent, state.latent))


def _terms(
    codec: Codec, padded: PaddedImage, variables: Variables, criterion: Criterion
) -> jax.Array:
    """Each pixel's part (H, W) of the distance.

    Pixels are clipped as a decoder does but not rounded to 8 bits.
    """
    terms = criterion.terms
    pixels = problem.decoded(codec, padded, variables).clip(0, 1)
    difference = criterion.visible(image.to_float(padded.pixels) - pixels)
    each = padded.counted(terms.term(difference))
    return 255**terms.degree * jnp.mean(each, axis=(0, 3)) / padded.pixel_count


def _curvature(
    codec: Codec,
    padded: PaddedImage,
    variables: Variables,
    key: jax.Array,
    criterion: Criterion,
) -> jax.Array:
    """The diagonal of the Gauss-Newton matrix of the error: (C,), for a step of one symbol.

    It is a mean over places.

    With J the derivatives of pixels by latents, diag(J'J) is the mean of (J'v)^2 over random signs
    v (Hutchinson).
    """

    def pixels_of(latent):
        pixels = problem.decoded(codec, padded, variables._replace(latent=latent))
        return criterion.visible(pixels)

    pixels, backward = jax.vjp(pixels_of, variables.latent)

    def probe(key):
        signs = jnp.where(
            padded.counts(pixels.shape), jax.random.rademacher(key, pixels.shape, pixels.dtype), 0
        )
        return jnp.mean(jnp.square(backward(signs)[0]), axis=(0, 1, 2))

    each = jnp.mean(jax.lax.map(probe, jax.random.split(key, _PROBES)), axis=0)
    scale = criterion.terms.curvature * 255**criterion.terms.degree
    return scale * codec.step**2 * each / (padded.pixel_count * pixels.shape[-1])


def _predicted(codec, padded: PaddedImage, ground: Ground, state: Descent, trade_off, slope, bits):
    """The better of the two moves of each symbol, 1 or -1, and its predicted gain.

    The gain is the expected change of the loss. Each is (1, h, w, C).
    """
    less, now, more = bits

    def worth(sign, bits_then, failed):
        error = sign * codec.step * slope + ground.curvature / 2
        return jnp.where(
            failed, jnp.inf, trade_off * error + (bits_then - now) / padded.pixel_count
        )

    up, down = worth(1, more, state.failed_up), worth(-1, less, state.failed_down)
    return jnp.where(up < down, 1, -1), jnp.minimum(up, down)


def _most_promising(windows: "Windows", worth: jax.Array) -> jax.Array:
    """The symbol of each window that should lower the loss most: bool (1, h, w, C).

    None where no symbol of the window is expected to lower it.
    """
    least = jnp.min(worth, axis=(0, 3))
    place = (least == windows.everywhere(windows.least(least))) & (least < 0)
    channel = jax.nn.one_hot(jnp.argmin(worth[0], axis=-1), worth.shape[-1], dtype=bool)
    return (place[..., None] & channel)[None]


def _by_place(values: jax.Array, places: tuple[int, ...]) -> jax.Array:
    """Sums of pixels (H, W) by places of the latent (h, w)."""
    (height, width), (rows, columns) = values.shape, places
    return values.reshape(rows, height // rows, columns, width // columns).sum(axis=(1, 3))


class Windows(NamedTuple):
    """Square windows of places (h, w).

    The first begins `top` rows above and `left` columns before the first place.
    """

    places: tuple[int, ...]
    top: jax.Array
    left: jax.Array

    def total(self, values: jax.Array) -> jax.Array:
        """The sum of values (h, w) of each window."""
        return self._cut(values, 0).sum(axis=(1, 3))

    def least(self, values: jax.Array) -> jax.Array:
        """The least of values (h, w) of each window."""
        return self._cut(values, jnp.inf).min(axis=(1, 3))

    def everywhere(self, values: jax.Array) -> jax.Array:
        """Values of windows at their places (h, w)."""
        each = jnp.repeat(jnp.repeat(values, WINDOW, axis=0), WINDOW, axis=1)
        return jax.lax.dynamic_slice(each, (self.top, self.left), self.places)

    def _cut(self, values: jax.Array, outside: float) -> jax.Array:
        rows, columns = (-(-side // WINDOW) + 1 for side in self.places)
        larger = jnp.full((rows * WINDOW, columns * WINDOW), outside, values.dtype)
        larger = jax.lax.dynamic_update_slice(larger, values, (self.top, self.left))
        return larger.reshape(rows, WINDOW, columns, WINDOW)
