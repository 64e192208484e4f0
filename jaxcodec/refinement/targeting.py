"""Targets of a refinement, of bits or of error: which iterates count, and the controller.

Functions here are pure and take one image.

A controller in the carry moves the trade-off of each image until the target is met, and only
iterates near the target count. It is proportional and integral: the logarithm of the trade-off
follows how far the logarithm of the bits is below that of the target, or that of the error above;
both are those under the relaxation, put right by what the last evaluation measured.
"""

import jax
import jax.numpy as jnp

from jaxcodec.refinement.carry import Batch, State, Trace
from jaxcodec.refinement.problem import Measurement

_PROPORTIONAL, _INTEGRAL, _SMOOTH = 4.0, 50.0, 0.8
"""Of the controller; the second is for all steps together. With four training pictures at .25 and
.75 bpp and 500 steps a fourth to twice of either is worth up to .04 dB less.
"""

_MOST = 2.0
"""Of the logarithm of the trade-off, over or under what it began with."""

NEAR = (0.999, 1.04)
"""Shares of a target between which an iterate counts: hardly below, since nothing fills it up, and
what is above is spared.
"""

NEAR_ERROR = (0.95, 1.0)
"""The same of an error; where it is less, symbols are spared."""

_FAR, _FAR_ERROR = 1.25, 0.75
"""Shares up to which an iterate counts where none has been near: it has more spared than is best,
and may still gain.
"""

_AIM, _AIM_ERROR = 1.004, 0.98
"""The shares that the controller aims at."""


def loss_of(each: Batch, measured: Measurement) -> jax.Array:
    """The true loss."""
    return each.trade_off * measured.distance + measured.bits / each.padded.pixel_count


def counted_loss(each: Batch, measured: Measurement) -> jax.Array:
    """The true loss; infinite where there is a target and it is far."""
    counts = _is_within(each, measured, (NEAR[0], _FAR), (_FAR_ERROR, NEAR_ERROR[1]))
    return jnp.where(counts, loss_of(each, measured), jnp.inf)


def is_near(each: Batch, measured: Measurement) -> jax.Array:
    """Whether the targets, if there are any, are about met."""
    return _is_within(each, measured, NEAR, NEAR_ERROR)


def _is_within(
    each: Batch, measured: Measurement, bits: tuple[float, float], error: tuple[float, float]
) -> jax.Array:
    """Whether the shares of the targets are within these limits."""
    return _within(measured.bits / each.target_bits, bits) & _within(
        measured.distance / each.target_distance, error
    )


def _within(share: jax.Array, limits: tuple[float, float]) -> jax.Array:
    """Whether a share is within limits; a share of no target, NaN, is."""
    return ~((share < limits[0]) | (share > limits[1]))


def log_shift_of(each: Batch, trace: Trace, measured: Measurement) -> jax.Array:
    """The logarithm of the bits, or the error, under the relaxation over the true one."""
    bits = jnp.log(jnp.nanmean(trace.bits)) - jnp.log(measured.bits)
    error = jnp.log(jnp.nanmean(trace.distance)) - jnp.log(measured.distance)
    return jnp.where(jnp.isnan(each.target_distance), bits, error)


def control(
    state: State,
    each: Batch,
    steps: jax.Array | int,
    relaxed_bits: jax.Array,
    relaxed_error: jax.Array,
) -> State:
    """The controller after a step: more trade-off costs more bits, and makes less error."""
    lack_of_bits = jnp.log(_AIM * each.target_bits) - jnp.log(relaxed_bits) + state.log_shift
    excess_of_error = (
        jnp.log(relaxed_error) - state.log_shift - jnp.log(_AIM_ERROR * each.target_distance)
    )
    lack = jnp.where(jnp.isnan(each.target_distance), lack_of_bits, excess_of_error)
    lack = jnp.where(jnp.isnan(lack), 0.0, lack)
    integral = jnp.clip(state.integral + _INTEGRAL / steps * lack, -_MOST, _MOST)
    return state._replace(integral=integral, lack=_SMOOTH * state.lack + (1 - _SMOOTH) * lack)


def log_factor(state: State) -> jax.Array:
    """The logarithm of what the trade-off is multiplied with."""
    return jnp.clip(state.integral + _PROPORTIONAL * state.lack, -_MOST, _MOST)
