"""What refinement works on and carries from step to step, each with a leading axis of images."""

from typing import Any, NamedTuple

import jax

from jaxcodec.codec.stacked import Steps
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import Measurement, Variables

LAST_STEPS = 5
"""The steps before an evaluation that measure the relaxation.

More steps would lag behind a falling temperature.
"""


class Batch(NamedTuple):
    """Images of one padded size, and the target of each.

    All arrays have a leading axis of images.

    padded: the images. trade_off: lambda, float32 (n,). at: the codec's step for each. key: random
      keys (n,).
    target_bits: what symbols are to cost, float32 (n,), NaN without a target.
      target_distance: the same of their error.
    """

    padded: PaddedImage
    trade_off: jax.Array
    at: Steps
    key: jax.Array
    target_bits: jax.Array
    target_distance: jax.Array


class State(NamedTuple):
    """What steps carry: latents, what Adam knows of them, and the controller, of each image.

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
    """The iterate of the least true loss so far of each image.

    Towards a target, it is the best of those near it, if there are any.

    loss: that loss. measured: what was measured. step_index: of its step. found_at: when, in
      steps.
    """

    loss: jax.Array
    measured: Measurement
    step_index: jax.Array
    found_at: jax.Array


class Trace(NamedTuple):
    """What the steps since the last evaluation came to, of each image.

    count: of the steps. total: of their losses. bits, distance: of the last `LAST_STEPS` of them,
      NaN where there were fewer.
    """

    count: jax.Array
    total: jax.Array
    bits: jax.Array
    distance: jax.Array


class Evaluation(NamedTuple):
    """The true loss of each image at a step, float32 (n,).

    relaxed_loss: under the relaxation, a mean over the steps since the last evaluation; at the
      start, the true one. loss: the true one, whether a target is near or not. bits, distance,
      mse_255: see `problem.Measurement`. best: the best so far.
    """

    step: int
    relaxed_loss: jax.Array
    loss: jax.Array
    bits: jax.Array
    distance: jax.Array
    mse_255: jax.Array
    best: Best
