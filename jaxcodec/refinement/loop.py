"""The refinement loop: many images of one size at once, with looks at the true loss.

The networks are held fixed. Each image has a trade-off, a step and random numbers of its own. What
is kept is the iterate of the least true loss, the start included, so that a refinement never ends
worse than it began.

With a target, of bits or of error, a controller in the carry moves the trade-off of each image
until it is met, and only iterates near the target count. It is proportional and integral: the
logarithm of the trade-off follows how far the logarithm of the bits is below that of the target, or
that of the error above; both are those under the relaxation, put right by what the last look saw.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import cost, networks, stacked
from jaxcodec.codec.stacked import Steps
from jaxcodec.codec.value import Codec
from jaxcodec.coding.step import MAX_FIELD, UNIT
from jaxcodec.refinement import descent, problem
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.problem import Measured, Shown, Variables
from jaxcodec.runtime.compilation import compiled

_PROPORTIONAL, _INTEGRAL, _SMOOTH = 4.0, 50.0, 0.8
"""Of the controller; the second is for all steps together. With four training pictures at .25 and
.75 bpp and 500 steps a fourth to twice of either is worth up to .04 dB less.
"""

_LAST = 5
"""The steps before a look that tell what the relaxation does: more lag behind a temperature that
falls.
"""

CALL_PIXELS = 2_000_000
"""Pixels times steps of a compiled call on a CPU, which takes a second or so: after each an
interrupt is seen.
"""

_MOST = 2.0
"""Of the logarithm of the trade-off, over or under what it began with."""

NEAR = (0.999, 1.04)
"""Shares of a target between which an iterate counts: hardly below, since nothing fills it up, and
what is above is spared.
"""

NEAR_ERROR = (0.95, 1.0)
"""The same of an error; where it is less, symbols are spared."""

_ROUNDING = 1e-6
"""Of a loss, by which what is equal may differ where it is compiled twice."""

_FAR, _FAR_ERROR = 1.25, 0.75
"""Shares up to which an iterate counts where none has been near: it has more spared than is best,
and may still gain.
"""

_AIM, _AIM_ERROR = 1.004, 0.98
"""The shares that the controller aims at."""


class Batch(NamedTuple):
    """Images of one padded size, and what is asked of each: all arrays have a leading axis of
    images.

    shown: the images. trade_off: lambda, float32 (n,). at: the codec's step for each. key: random
      keys (n,).
    target_bits: what symbols are to cost, float32 (n,), NaN where nothing is asked. target_mse_255:
      the same of their error.
    """

    shown: Shown
    trade_off: jax.Array
    at: Steps
    key: jax.Array
    target_bits: jax.Array
    target_mse_255: jax.Array


class State(NamedTuple):
    """What the loop carries: latents, what Adam knows of them, and the controller, of each image.

    lack: how far the logarithm of the bits is below that of their target, or that of the error
      above, smoothed. integral: of it, weighted. log_shift: of the bits, or the error, under the
      relaxation over the true one.
    """

    variables: Variables
    optimiser: Any
    lack: jax.Array
    integral: jax.Array
    log_shift: jax.Array


class Best(NamedTuple):
    """The iterate of the least true loss so far of each image; towards a target, of those near it,
    if there are any.

    loss: that loss. measured: what was measured. field: of its quantiser step. found_at: when, in
      steps of the loop.
    """

    loss: jax.Array
    measured: Measured
    field: jax.Array
    found_at: jax.Array


class Trace(NamedTuple):
    """What the steps since the last look came to, of each image.

    count: of the steps. total: of their losses. bits, mse_255: of the last `_LAST` of them, NaN
      where there were fewer.
    """

    count: jax.Array
    total: jax.Array
    bits: jax.Array
    mse_255: jax.Array


class Look(NamedTuple):
    """What is seen of each image at a step, float32 (n,).

    relaxed_loss: under the relaxation, a mean over the steps since the last look; at the start, the
      true one. loss: the true one, whether a target is near or not. bits, mse_255: see
      `problem.Measured`. best: the best so far.
    """

    step: int
    relaxed_loss: jax.Array
    loss: jax.Array
    bits: jax.Array
    mse_255: jax.Array
    best: Best


def refine(codec: Codec, batch: Batch, settings: Settings, *, grey: bool = False) -> Iterator[Look]:
    """Refines images; looks at them at the start and after every `settings.every` steps.

    It ends early where no image has become better for `settings.patience` steps. What a look holds
    stays valid: a caller may stop at any, and take its best.
    """
    at = batch.at
    variables = start(codec, batch.shown, free_step=bool(settings.step_rate))
    measured = measure(codec, batch.shown, at, variables, grey=grey, plain=settings.plain)
    state, best, value = _begin(batch, variables, measured)
    yield Look(0, value, value, best.measured.bits, best.measured.mse_255, best)
    for first, step in _chunks(settings):
        if step <= settings.annealed:
            state, trace = _anneal(codec, batch, state, settings, first, step, grey)
            at = _at(codec, batch, state) if settings.step_rate else at
        else:
            state, trace = _descend(
                codec, batch._replace(at=at), state, settings, first, step, grey
            )
        measured = measure(codec, batch.shown, at, state.variables, grey=grey, plain=settings.plain)
        state, best, seen = _look(batch._replace(at=at), state, best, step, trace, measured)
        yield Look(step, *seen, best)
        if (
            settings.patience is not None
            and step - int(jnp.max(best.found_at)) >= settings.patience
        ):
            return


def _chunks(settings: Settings) -> Iterator[tuple[int, int]]:
    """The first step and the end of what is done between two looks; annealing ends with a look."""
    for begin, end in ((0, settings.annealed), (settings.annealed, settings.steps)):
        for first in range(begin, end, settings.every):
            yield first, min(first + settings.every, end)


def _calls(batch: Batch, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The first step and the end of each compiled call: one on a device, on a CPU as many as make
    an interrupt seen soon.
    """
    most = end - first
    if jax.default_backend() == "cpu":
        most = max(CALL_PIXELS // (batch.shown.pixels.size // 3), 1)
    for begin in range(first, end, most):
        yield begin, min(begin + most, end)


def _anneal(
    codec, batch: Batch, state: State, settings: Settings, first: int, end: int, grey: bool
) -> tuple[State, Trace]:
    trace = _no_trace(len(batch.trade_off))
    for begin, stop in _calls(batch, first, end):
        state, trace = _advance(
            codec,
            batch,
            state,
            trace,
            begin,
            stop,
            settings.annealed,
            grey=grey,
            settings=settings.compiled_for,
        )
        jax.block_until_ready(trace)
    return state, trace


def _descend(
    codec, batch: Batch, state: State, settings: Settings, first: int, end: int, grey: bool
) -> tuple[State, Trace]:
    """The same by descent. What has begun with no annealing begins from symbols that are rounded so
    that they cost little.
    """
    trace = _no_trace(len(batch.trade_off))
    if first == settings.annealed:  # from here on bits and errors are true ones
        state = state._replace(log_shift=jnp.zeros_like(state.log_shift))
    ground, own = _begin_descent(codec, batch, state, first, 0.0 if first else cost.TAU, grey=grey)
    for begin, stop in _calls(batch, first, end):
        state, own, trace = _move(
            codec,
            batch,
            state,
            ground,
            own,
            trace,
            begin,
            stop,
            settings.steps - settings.annealed,
            grey=grey,
        )
        jax.block_until_ready(trace)
    return state._replace(variables=_end_descent(codec, batch, state, ground, own)), trace


@functools.partial(compiled, static_argnames="free_step")
def start(codec: Codec, shown: Shown, free_step: bool = False) -> Variables:
    """The latents that the codec's own networks make of each image; see `problem.start`."""
    return jax.vmap(functools.partial(problem.start, codec, free_step=free_step))(shown)


@functools.partial(compiled, static_argnames=("grey", "plain"))
def measure(
    codec: Codec, shown: Shown, at: Steps, variables: Variables, grey: bool, plain: bool = False
) -> Measured:
    """What rounded latents cost and give, for each image at a step of its own; see
    `problem.measure`.
    """

    def one(shown, at, variables):
        return problem.measure(
            stacked.with_step(codec, at), shown, variables, grey=grey, plain=plain
        )

    return jax.vmap(one)(shown, at, variables)


@jax.jit
def _begin(batch, variables, measured):
    def one(each, variables, measured):
        best = Best(_loss(each, measured), measured, each.at.field, jnp.int32(0))
        # Before the first look what the relaxation does to the bits is not known, and the
        # controller waits.
        state = State(
            variables, _adam().init(variables), jnp.float32(0), jnp.float32(0), jnp.float32(jnp.nan)
        )
        return state, best, _value(each, measured)

    return jax.vmap(one)(batch, variables, measured)


@functools.partial(
    compiled, static_argnames=("grey", "settings"), donate_argnames=("state", "trace")
)
def _advance(codec, batch, state, trace, first, end, annealed, grey, settings):
    """The steps from `first` to before `end` of `annealed`."""
    low = None if settings.dtype == "float32" else networks.lowered(codec.params, settings.dtype)

    def one(each, state, trace):
        update = functools.partial(
            _update, stacked.with_step(codec, each.at), each, grey, settings, annealed, low
        )

        def step(t, carry):
            state, seen = update(carry[0], t)
            return state, _traced(carry[1], *seen)

        return jax.lax.fori_loop(first, end, step, (state, trace))

    return jax.vmap(one)(batch, state, trace)


@functools.partial(compiled, static_argnames="grey")
def _begin_descent(codec, batch, state, first, tau, grey):
    def one(each, state):
        key = jax.random.fold_in(each.key, first)
        return descent.begin(
            stacked.with_step(codec, each.at), each.shown, state.variables, key, tau, grey=grey
        )

    return jax.vmap(one)(batch, state)


@functools.partial(compiled, static_argnames="grey", donate_argnames=("state", "own", "trace"))
def _move(codec, batch, state, ground, own, trace, first, end, steps, grey):
    """The steps from `first` to before `end` of a descent that has so many `steps`."""

    def one(each, state, ground, own, trace):
        stepped = stacked.with_step(codec, each.at)

        def step(t, carry):
            state, own, trace = carry
            trade_off, key = (
                each.trade_off * jnp.exp(_log_factor(state)),
                jax.random.fold_in(each.key, t),
            )
            own, seen = descent.step(
                stepped, each.shown, ground, state.variables, own, trade_off, key, grey=grey
            )
            return _control(state, each, steps, *seen[1:]), own, _traced(trace, *seen)

        return jax.lax.fori_loop(first, end, step, (state, own, trace))

    return jax.vmap(one)(batch, state, ground, own, trace)


@compiled
def _end_descent(codec, batch, state, ground, own):
    def one(each, state, ground, own):
        return descent.ended(stacked.with_step(codec, each.at), ground, state.variables, own)

    return jax.vmap(one)(batch, state, ground, own)


def _no_trace(images: int) -> Trace:
    unknown = jnp.full((images, _LAST), jnp.nan)
    return Trace(jnp.zeros(images, jnp.int32), jnp.zeros(images), unknown, unknown.copy())


def _traced(trace: Trace, loss, bits, mse_255) -> Trace:
    bits, mse_255 = (
        jnp.append(last[1:], now) for last, now in ((trace.bits, bits), (trace.mse_255, mse_255))
    )
    return Trace(trace.count + 1, trace.total + loss, bits, mse_255)


def _at(codec: Codec, batch: Batch, state: State) -> Steps:
    """The steps that the images have come to, of whole fields."""
    moved = np.rint(np.asarray(state.variables.log_step) / UNIT).astype(int)
    return stacked.at_steps(
        codec, np.clip(np.asarray(batch.at.field) + moved, -MAX_FIELD, MAX_FIELD).tolist()
    )


@functools.partial(jax.jit, donate_argnames="state")
def _look(batch, state, best, step, trace, measured):
    """The true loss after a step, given how it came there and what was measured in the end; and the
    best so far.
    """

    def one(each, state, best, trace, measured):
        state = state._replace(log_shift=_log_shift(each, trace, measured))
        now = Best(_loss(each, measured), measured, each.at.field, jnp.int32(step))
        # Towards a target, bits and error are worth what the controller has found them to be worth
        # there.
        worth = each._replace(trade_off=each.trade_off * jnp.exp(_log_factor(state)))
        near, was_near = _near(each, measured), _near(each, best.measured)
        lower = _loss(worth, measured) < (1 - _ROUNDING) * _loss(worth, best.measured)
        better = (near & ~was_near) | ((near == was_near) & lower)
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), now, best)
        return (
            state,
            best,
            (trace.total / trace.count, _value(each, measured), measured.bits, measured.mse_255),
        )

    return jax.vmap(one)(batch, state, best, trace, measured)


def _update(codec, each: Batch, grey, settings: Settings, annealed, low, state: State, t):
    """A step of `annealed`: what comes of it, and the relaxed loss, bits and error."""
    loss = functools.partial(
        problem.relaxed_loss,
        codec,
        each.shown,
        trade_off=each.trade_off * jnp.exp(_log_factor(state)),
        relaxation=settings.relax(),
        key=jax.random.fold_in(each.key, t),
        tau=settings.schedule(t, annealed),
        grey=grey,
        plain=settings.plain,
        synthesis_params=low,
    )
    (value, parts), gradient = jax.value_and_grad(lambda v: loss(variables=v), has_aux=True)(
        state.variables
    )
    direction, adam = _adam().update(gradient, state.optimiser)
    rates = Variables(settings.learning_rate, settings.learning_rate, settings.step_rate)
    left = _left(settings.decay, annealed, t)
    variables = Variables(*map(functools.partial(_moved, left), state.variables, direction, rates))
    return _control(state._replace(variables=variables, optimiser=adam), each, annealed, *parts), (
        value,
        *parts,
    )


def _value(each: Batch, measured: Measured):
    """The true loss."""
    return each.trade_off * measured.mse_255 + measured.bits / each.shown.pixel_count


def _loss(each: Batch, measured: Measured):
    """The true loss; infinite where there is a target and it is far."""
    counts = _met(each, measured, (NEAR[0], _FAR), (_FAR_ERROR, NEAR_ERROR[1]))
    return jnp.where(counts, _value(each, measured), jnp.inf)


def _near(each: Batch, measured: Measured):
    return _met(each, measured, NEAR, NEAR_ERROR)


def _met(each: Batch, measured: Measured, bits, error):
    """Whether the shares of the targets are within these limits."""
    return _within(measured.bits / each.target_bits, bits) & _within(
        measured.mse_255 / each.target_mse_255, error
    )


def _within(share, limits):
    """Whether a share is within limits; a share of no target, NaN, is."""
    return ~((share < limits[0]) | (share > limits[1]))


def _log_shift(each: Batch, trace: Trace, measured: Measured):
    """The logarithm of the bits, or the error, under the relaxation over the true one."""
    bits = jnp.log(jnp.nanmean(trace.bits)) - jnp.log(measured.bits)
    error = jnp.log(jnp.nanmean(trace.mse_255)) - jnp.log(measured.mse_255)
    return jnp.where(jnp.isnan(each.target_mse_255), bits, error)


def _control(state: State, each: Batch, steps: int, relaxed_bits, relaxed_error) -> State:
    """The controller after a step: more trade-off costs more bits, and makes less error."""
    lack_of_bits = jnp.log(_AIM * each.target_bits) - jnp.log(relaxed_bits) + state.log_shift
    excess_of_error = (
        jnp.log(relaxed_error) - state.log_shift - jnp.log(_AIM_ERROR * each.target_mse_255)
    )
    lack = jnp.where(jnp.isnan(each.target_mse_255), lack_of_bits, excess_of_error)
    lack = jnp.where(jnp.isnan(lack), 0.0, lack)
    integral = jnp.clip(state.integral + _INTEGRAL / steps * lack, -_MOST, _MOST)
    return state._replace(integral=integral, lack=_SMOOTH * state.lack + (1 - _SMOOTH) * lack)


def _log_factor(state: State):
    """The logarithm of what the trade-off is multiplied with."""
    return jnp.clip(state.integral + _PROPORTIONAL * state.lack, -_MOST, _MOST)


def _adam():
    """With betas .9 and .999."""
    import optax  # takes long to import, and most commands refine nothing

    return optax.scale_by_adam()


def _moved(left, value, direction, rate):
    """A variable after a step, given what is left of its learning rate."""
    return None if value is None else value - left * rate * direction


def _left(decay: float, annealed, t):
    """What is left of the learning rates; they fall to zero over the last part of the steps, in a
    straight line.
    """
    return jnp.clip((annealed - t) / jnp.maximum(decay * annealed, 1e-6), 0, 1)
