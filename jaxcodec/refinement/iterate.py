"""The refinement loop: many images of one size at once, with evaluations of the true loss.

The networks are held fixed. Each image has a trade-off, a step and random numbers of its own. What
is kept is the iterate of the least true loss, the start included, so that a refinement never ends
worse than it began.

With a target, of bits or of error, the trade-off of each image moves until it is met (`targeting`).
"""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import cost, networks, stacked
from jaxcodec.codec.stacked import Steps
from jaxcodec.codec.value import Codec
from jaxcodec.coding.quantiser_step import MAX_INDEX, UNIT
from jaxcodec.refinement import descent, problem
from jaxcodec.refinement.carry import LAST_STEPS, Batch, Best, Evaluation, State, Trace
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.descent import Descent, Ground
from jaxcodec.refinement.methods import Settings
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import MSE, Measurement, Variables
from jaxcodec.refinement.targeting import (
    control,
    counted_loss,
    is_near,
    log_factor,
    log_shift_of,
    loss_of,
)
from jaxcodec.runtime.compilation import compiled

_ROUNDING = 1e-6
"""Of a loss, by which what is equal may differ where it is compiled twice."""

CALL_PIXELS = 2_000_000
"""Pixels times steps of a compiled call on a CPU, which takes a second or so: after each an
interrupt is seen.
"""


def refine(
    codec: Codec, batch: Batch, settings: Settings, criterion: Criterion = MSE
) -> Iterator[Evaluation]:
    """Refines images; evaluates them at the start and after every `settings.every` steps.

    It ends early where no image has become better for `settings.patience` steps. What an evaluation
    holds stays valid: a caller may stop at any, and take its best.
    """
    at = batch.at
    variables = start(codec, batch.padded, free_step=bool(settings.step_rate))
    measured = measure(codec, criterion, batch.padded, at, variables, plain=settings.plain)
    state, best, loss = _begin(batch, variables, measured)
    yield Evaluation(0, loss, loss, measured.bits, measured.distance, measured.mse_255, best)
    for first, step in _chunks(settings):
        if step <= settings.annealed:
            state, trace = _anneal(codec, criterion, batch, state, settings, first, step)
            at = _at(codec, batch, state) if settings.step_rate else at
        else:
            state, trace = _descend(
                codec, criterion, batch._replace(at=at), state, settings, first, step
            )
        measured = measure(
            codec, criterion, batch.padded, at, state.variables, plain=settings.plain
        )
        state, best, (relaxed_loss, loss) = _evaluate(
            batch._replace(at=at), state, best, step, trace, measured
        )
        yield Evaluation(
            step, relaxed_loss, loss, measured.bits, measured.distance, measured.mse_255, best
        )
        if (
            settings.patience is not None
            and step - int(jnp.max(best.found_at)) >= settings.patience
        ):
            return


def _chunks(settings: Settings) -> Iterator[tuple[int, int]]:
    """The first step and the end of what is done between evaluations; annealing ends with one."""
    for begin, end in ((0, settings.annealed), (settings.annealed, settings.steps)):
        for first in range(begin, end, settings.every):
            yield first, min(first + settings.every, end)


def _calls(batch: Batch, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The first step and the end of each compiled call.

    One call on a device; on a CPU as many as let an interrupt take effect soon.
    """
    most = end - first
    if jax.default_backend() == "cpu":
        most = max(CALL_PIXELS // (batch.padded.pixels.size // 3), 1)
    for begin in range(first, end, most):
        yield begin, min(begin + most, end)


def _anneal(
    codec: Codec,
    criterion: Criterion,
    batch: Batch,
    state: State,
    settings: Settings,
    first: int,
    end: int,
) -> tuple[State, Trace]:
    """The steps from `first` to before `end` under the relaxation."""
    trace = _no_trace(len(batch.trade_off))
    for begin, stop in _calls(batch, first, end):
        state, trace = _advance(
            codec,
            criterion,
            batch,
            state,
            trace,
            begin,
            stop,
            settings.annealed,
            settings=settings.compiled_for,
        )
        jax.block_until_ready(trace)
    return state, trace


def _descend(
    codec: Codec,
    criterion: Criterion,
    batch: Batch,
    state: State,
    settings: Settings,
    first: int,
    end: int,
) -> tuple[State, Trace]:
    """The same by descent.

    Without annealing before it, it begins from symbols that are rounded for low cost.
    """
    trace = _no_trace(len(batch.trade_off))
    if first == settings.annealed:  # from here on bits and errors are true ones
        state = state._replace(log_shift=jnp.zeros_like(state.log_shift))
    tau = 0.0 if first else cost.worth(codec)
    ground, own = _begin_descent(codec, criterion, batch, state, first, tau)
    for begin, stop in _calls(batch, first, end):
        state, own, trace = _move(
            codec,
            criterion,
            batch,
            state,
            ground,
            own,
            trace,
            begin,
            stop,
            settings.steps - settings.annealed,
        )
        jax.block_until_ready(trace)
    return state._replace(variables=_end_descent(codec, batch, state, ground, own)), trace


@functools.partial(compiled, static_argnames="free_step")
def start(codec: Codec, padded: PaddedImage, free_step: bool = False) -> Variables:
    """The latents that the codec's own networks make of each image; see `problem.start`."""
    return jax.vmap(functools.partial(problem.start, codec, free_step=free_step))(padded)


@functools.partial(compiled, static_argnames="plain")
def measure(
    codec: Codec,
    criterion: Criterion,
    padded: PaddedImage,
    at: Steps,
    variables: Variables,
    plain: bool = False,
) -> Measurement:
    """Rate and distortion of rounded latents, for each image at its own step.

    See `problem.measure`.
    """

    def one(padded, at, variables):
        stepped = stacked.with_step(codec, at)
        return problem.measure(stepped, padded, variables, criterion=criterion, plain=plain)

    return jax.vmap(one)(padded, at, variables)


@jax.jit
def _begin(
    batch: Batch, variables: Variables, measured: Measurement
) -> tuple[State, Best, jax.Array]:
    """The carry and the best at the start, and the true loss there."""

    def one(each, variables, measured):
        best = Best(counted_loss(each, measured), measured, each.at.step_index, jnp.int32(0))
        # Before the first evaluation what the relaxation does to the bits is not known, and the
        # controller waits.
        state = State(
            variables, _adam().init(variables), jnp.float32(0), jnp.float32(0), jnp.float32(jnp.nan)
        )
        return state, best, loss_of(each, measured)

    return jax.vmap(one)(batch, variables, measured)


@functools.partial(compiled, static_argnames="settings", donate_argnames=("state", "trace"))
def _advance(
    codec: Codec,
    criterion: Criterion,
    batch: Batch,
    state: State,
    trace: Trace,
    first: int,
    end: int,
    annealed: int,
    settings: Settings,
) -> tuple[State, Trace]:
    """The steps from `first` to before `end` of `annealed`."""
    low = None if settings.dtype == "float32" else networks.lowered(codec.params, settings.dtype)

    def one(each, state, trace):
        update = functools.partial(
            _update, stacked.with_step(codec, each.at), each, criterion, settings, annealed, low
        )

        def step(t, carry):
            state, values = update(carry[0], t)
            return state, _append(carry[1], *values)

        return jax.lax.fori_loop(first, end, step, (state, trace))

    return jax.vmap(one)(batch, state, trace)


@compiled
def _begin_descent(
    codec: Codec, criterion: Criterion, batch: Batch, state: State, first: int, tau: float
) -> tuple[Ground, Descent]:
    def one(each, state):
        key = jax.random.fold_in(each.key, first)
        stepped = stacked.with_step(codec, each.at)
        return descent.begin(stepped, each.padded, state.variables, key, tau, criterion)

    return jax.vmap(one)(batch, state)


@functools.partial(compiled, donate_argnames=("state", "own", "trace"))
def _move(
    codec: Codec,
    criterion: Criterion,
    batch: Batch,
    state: State,
    ground: Ground,
    own: Descent,
    trace: Trace,
    first: int,
    end: int,
    steps: int,
) -> tuple[State, Descent, Trace]:
    """The steps from `first` to before `end` of a descent that has so many `steps`."""

    def one(each, state, ground, own, trace):
        stepped = stacked.with_step(codec, each.at)

        def step(t, carry):
            state, own, trace = carry
            trade_off, key = (
                each.trade_off * jnp.exp(log_factor(state)),
                jax.random.fold_in(each.key, t),
            )
            own, values = descent.step(
                stepped, each.padded, ground, state.variables, own, trade_off, key, criterion
            )
            return control(state, each, steps, *values[1:]), own, _append(trace, *values)

        return jax.lax.fori_loop(first, end, step, (state, own, trace))

    return jax.vmap(one)(batch, state, ground, own, trace)


@compiled
def _end_descent(
    codec: Codec, batch: Batch, state: State, ground: Ground, own: Descent
) -> Variables:
    def one(each, state, ground, own):
        stepped = stacked.with_step(codec, each.at)
        return descent.ended(stepped, each.padded, ground, state.variables, own)

    return jax.vmap(one)(batch, state, ground, own)


def _no_trace(images: int) -> Trace:
    unknown = jnp.full((images, LAST_STEPS), jnp.nan)
    return Trace(jnp.zeros(images, jnp.int32), jnp.zeros(images), unknown, unknown.copy())


def _append(trace: Trace, loss: jax.Array, bits: jax.Array, distance: jax.Array) -> Trace:
    """The trace with another step."""
    bits, distance = (
        jnp.append(last[1:], now) for last, now in ((trace.bits, bits), (trace.distance, distance))
    )
    return Trace(trace.count + 1, trace.total + loss, bits, distance)


def _at(codec: Codec, batch: Batch, state: State) -> Steps:
    """The steps that the images have come to, of whole indices."""
    moved = np.rint(np.asarray(state.variables.log_step) / UNIT).astype(int)
    return stacked.at_steps(
        codec, np.clip(np.asarray(batch.at.step_index) + moved, -MAX_INDEX, MAX_INDEX).tolist()
    )


@functools.partial(jax.jit, donate_argnames="state")
def _evaluate(
    batch: Batch, state: State, best: Best, step: int, trace: Trace, measured: Measurement
) -> tuple[State, Best, tuple[jax.Array, jax.Array]]:
    """The best so far after a step, with the relaxed and the true loss.

    It depends on the way there and on the last measurement.
    """

    def one(each, state, best, trace, measured):
        state = state._replace(log_shift=log_shift_of(each, trace, measured))
        now = Best(counted_loss(each, measured), measured, each.at.step_index, jnp.int32(step))
        # Towards a target, bits and error are worth what the controller has found them to be worth
        # there.
        worth = each._replace(trade_off=each.trade_off * jnp.exp(log_factor(state)))
        near, was_near = is_near(each, measured), is_near(each, best.measured)
        lower = counted_loss(worth, measured) < (1 - _ROUNDING) * counted_loss(worth, best.measured)
        better = (near & ~was_near) | ((near == was_near) & lower)
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), now, best)
        return state, best, (trace.total / trace.count, loss_of(each, measured))

    return jax.vmap(one)(batch, state, best, trace, measured)


def _update(
    codec: Codec,
    each: Batch,
    criterion: Criterion,
    settings: Settings,
    annealed: jax.Array | int,
    low: Any,
    state: State,
    t: jax.Array,
) -> tuple[State, tuple[jax.Array, ...]]:
    """A step of `annealed`: what comes of it, and the relaxed loss, bits and error."""
    loss = functools.partial(
        problem.relaxed_loss,
        codec,
        each.padded,
        trade_off=each.trade_off * jnp.exp(log_factor(state)),
        relaxation=settings.relax(),
        key=jax.random.fold_in(each.key, t),
        tau=settings.schedule(t, annealed),
        criterion=criterion,
        plain=settings.plain,
        synthesis_params=low,
    )
    (value, parts), gradient = jax.value_and_grad(lambda v: loss(variables=v), has_aux=True)(
        state.variables
    )
    direction, adam = _adam().update(gradient, state.optimiser)
    rates = settings.learning_rate, settings.learning_rate, settings.step_rate
    factor = _rate_factor(settings.decay, annealed, t)
    variables = Variables(
        *map(functools.partial(_apply_update, factor), state.variables, direction, rates)
    )
    state = state._replace(variables=variables, optimiser=adam)
    return control(state, each, annealed, *parts), (value, *parts)


def _adam() -> Any:
    """With betas .9 and .999."""
    import optax  # takes long to import, and most commands refine nothing

    return optax.scale_by_adam()


def _apply_update(
    factor: jax.Array, value: jax.Array | None, direction: jax.Array, rate: float
) -> Any:
    """A variable after a step, given the factor of its learning rate."""
    return None if value is None else value - factor * rate * direction


def _rate_factor(decay: float, annealed: jax.Array | int, t: jax.Array) -> jax.Array:
    """The factor of the learning rates at a step.

    It falls to zero over the last part of the steps, in a straight line.
    """
    return jnp.clip((annealed - t) / jnp.maximum(decay * annealed, 1e-6), 0, 1)
