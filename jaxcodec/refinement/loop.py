"""The refinement loop: many images of one size at once, in chunks between two looks at the true loss.

The networks are held fixed. Each image has a trade-off, a step and random numbers of its own. What is kept is the iterate
of the least true loss, the start included, so that a refinement never ends worse than it began.

With a target, of bits or of error, a controller in the carry moves the trade-off of each image until it is met, and only
iterates near the target count. It is proportional and integral: the logarithm of the trade-off follows how far the logarithm
of the bits is below that of the target, or that of the error above; both are those under the relaxation, put right by what
the last look saw.
"""

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcodec.codec import stacked
from jaxcodec.codec.kinds import Symbols
from jaxcodec.codec.stacked import Steps
from jaxcodec.codec.value import Codec
from jaxcodec.compilation import compiled
from jaxcodec.refinement import problem
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.problem import Extent, Measured, Shown, Variables


_PROPORTIONAL, _INTEGRAL, _SMOOTH = 8.0, 0.1, 0.8
"""Of the controller, with three training pictures: half of either leaves 2 % after 400 steps, twice swings and gains nothing."""

_MOST = 2.0
"""Of the logarithm of the trade-off, over or under what it began with."""

NEAR = (0.999, 1.04)
"""Shares of a target between which an iterate counts: hardly below, since nothing fills it up, and what is above is spared."""

NEAR_ERROR = (0.95, 1.0)
"""The same of an error; where it is less, symbols are spared."""

_AIM, _AIM_ERROR = 1.004, 0.98
"""The shares that the controller aims at."""


class Batch(NamedTuple):
    """Images of one size, and what is asked of each: all arrays have a leading axis of images.

    shown: the images. trade_off: lambda, float32 (n,). at: the codec's step for each. key: random keys (n,).
    target_bits: what symbols are to cost, float32 (n,), or None. target_mse_255: or what their error is to be.
    """

    shown: Shown
    trade_off: jax.Array
    at: Steps
    key: jax.Array
    target_bits: jax.Array | None = None
    target_mse_255: jax.Array | None = None


class State(NamedTuple):
    """What the loop carries: latents, what Adam knows of them, and the controller, of each image.

    lack: how far the logarithm of the bits is below that of their target, or that of the error above, smoothed. integral: of
    it, weighted. log_shift: of the bits, or the error, under the relaxation over the true one.
    """

    variables: Variables
    optimiser: optax.OptState
    lack: jax.Array
    integral: jax.Array
    log_shift: jax.Array


class Best(NamedTuple):
    """The iterate of the least true loss so far of each image: that loss, what was measured, and the step it is from."""

    loss: jax.Array
    measured: Measured
    found_at: jax.Array


class Look(NamedTuple):
    """What is seen of each image at a step, float32 (n,).

    relaxed_loss: under the relaxation, a mean over the steps since the last look; at the start, the true one. loss: the
    true one. bits, mse_255: see `problem.Measured`. best: the best so far.
    """

    step: int
    relaxed_loss: jax.Array
    loss: jax.Array
    bits: jax.Array
    mse_255: jax.Array
    best: Best


def refine(codec: Codec, batch: Batch, extent: Extent, settings: Settings) -> Iterator[Look]:
    """Refines images; looks at them at the start and after every `settings.every` steps.

    What a look holds stays valid: a caller may stop at any, and take its best.
    """
    state, best = _begin(codec, batch, extent, settings)
    yield Look(0, best.loss, best.loss, best.measured.bits, best.measured.mse_255, best)
    for chunk in range(math.ceil(settings.steps / settings.every)):
        state, best, seen = _advance(codec, batch, state, best, chunk * settings.every, extent, settings)
        yield Look(min((chunk + 1) * settings.every, settings.steps), *seen, best)


@functools.partial(compiled, static_argnames=("extent", "settings"))
def _begin(codec, batch, extent, settings):
    def one(each):
        own = stacked.with_step(codec, each.at)
        variables = problem.start(own, each.shown)
        measured = problem.measure(own, each.shown, extent, variables)
        best = Best(_loss(each, measured, extent), measured, jnp.int32(0))
        return State(variables, _optimiser(settings).init(variables), *[jnp.float32(0)] * 3), best

    return jax.vmap(one)(batch)


@functools.partial(compiled, static_argnames=("extent", "settings"), donate_argnames="state")
def _advance(codec, batch, state, best, first, extent, settings):
    """`settings.every` steps, then a look; steps from `settings.steps` on change nothing."""
    low = None
    if settings.dtype != "float32":
        low = jax.tree.map(lambda leaf: leaf.astype(settings.dtype), codec.params)

    def one(each, state, best):
        own = stacked.with_step(codec, each.at)

        def update(state, t):
            loss = functools.partial(
                problem.relaxed_loss, own, each.shown, extent, trade_off=each.trade_off * jnp.exp(_log_factor(state)), relaxation=settings.relax(),
                key=jax.random.fold_in(each.key, t), tau=settings.schedule(t, settings.steps), plain=settings.plain,
                synthesis_params=low,
            )  # fmt: skip
            (value, parts), gradient = jax.value_and_grad(lambda v: loss(variables=v), has_aux=True)(state.variables)
            updates, optimiser = _optimiser(settings).update(gradient, state.optimiser)
            state = state._replace(variables=optax.apply_updates(state.variables, updates), optimiser=optimiser)
            return _control(state, each, *parts), (value, *parts)

        def step(state, t):
            return jax.lax.cond(t < settings.steps, update, lambda state, t: (state, (jnp.nan,) * 3), state, t)

        state, (values, *relaxed) = jax.lax.scan(step, state, first + jnp.arange(settings.every))
        measured = problem.measure(own, each.shown, extent, state.variables)
        true = measured.bits, measured.mse_255
        shifts = [jnp.log(jnp.nanmean(part)) - jnp.log(own) for part, own in zip(relaxed, true, strict=True)]
        state = state._replace(log_shift=shifts[0 if each.target_mse_255 is None else 1])
        loss = _loss(each, measured, extent)
        now = Best(loss, measured, jnp.minimum(first + settings.every, settings.steps))
        best = jax.tree.map(lambda new, old: jnp.where(loss < best.loss, new, old), now, best)
        return state, best, (jnp.nanmean(values), loss, measured.bits, measured.mse_255)

    return jax.vmap(one)(batch, state, best)


@functools.partial(compiled, static_argnames="extent")
def measured(codec: Codec, shown: Shown, at: Steps, extent: Extent) -> Measured:
    """What a codec's own latents cost and give, for each image at a step of its own."""

    def one(shown, at):
        own = stacked.with_step(codec, at)
        return problem.measure(own, shown, extent, problem.start(own, shown))

    return jax.vmap(one)(shown, at)


def _loss(each: Batch, measured: Measured, extent: Extent):
    """The true loss; infinite where there is a target and it is not near."""
    loss = each.trade_off * measured.mse_255 + measured.bits / extent.pixel_count
    if each.target_bits is not None:
        return jnp.where(_within(measured.bits / each.target_bits, NEAR), loss, jnp.inf)
    if each.target_mse_255 is not None:
        return jnp.where(_within(measured.mse_255 / each.target_mse_255, NEAR_ERROR), loss, jnp.inf)
    return loss


def _within(share, limits):
    return (limits[0] <= share) & (share <= limits[1])


def _control(state: State, each: Batch, relaxed_bits, relaxed_error) -> State:
    """The controller after a step: more trade-off costs more bits, and makes less error."""
    if each.target_bits is not None:
        lack = jnp.log(_AIM * each.target_bits) - jnp.log(relaxed_bits) + state.log_shift
    elif each.target_mse_255 is not None:
        lack = jnp.log(relaxed_error) - state.log_shift - jnp.log(_AIM_ERROR * each.target_mse_255)
    else:
        return state
    integral = jnp.clip(state.integral + _INTEGRAL * lack, -_MOST, _MOST)
    return state._replace(integral=integral, lack=_SMOOTH * state.lack + (1 - _SMOOTH) * lack)


def _log_factor(state: State):
    """The logarithm of what the trade-off is multiplied with."""
    return jnp.clip(state.integral + _PROPORTIONAL * state.lack, -_MOST, _MOST)


def _optimiser(settings: Settings) -> optax.GradientTransformation:
    """Adam, whose learning rate falls to zero over the last part of the steps."""
    last = max(settings.decay * settings.steps, 1e-6)
    rate = settings.learning_rate
    return optax.adam(lambda count: rate * jnp.clip((settings.steps - count) / last, 0, 1))
