"""Tables fitted to what the symbols of training pictures are, under each scale."""

import jax
import numpy as np

from jaxcodec.coding.make_tables import FITTED_REACH, fitted_tables
from jaxcodec.entropy import geometry
from jaxcodec.entropy.distributions.gaussian import SCALE_BOUND, SCALE_LEVELS, SCALE_MAX
from jaxcodec.entropy.model import EntropyModel, Frozen
from jaxcodec.entropy.order import CONDITIONAL
from jaxcodec.integer import calibrate
from jaxcodec.integer.calibrate import Calibration


def fitted(model: EntropyModel, frozen: Frozen, calibration: Calibration) -> Frozen:
    """A frozen model whose tables are those of the symbols of a calibration.

    Scales are chosen as before. A model whose tables do not follow from scales alone stays as it
    is.
    """
    if not model.has_scale_tables:
        return frozen
    order = model.order(frozen.spec, geometry.of(model))
    arrays = order.arrays_at(frozen.arrays, 0)

    def whole(windows, network, *given):
        del windows
        return network(*given)

    @jax.jit
    def indices(batch: Calibration, arrays) -> jax.Array:
        def one(hyper, symbols, quality):
            side = order.side(arrays, hyper[None], quality[None], whole)
            return order.coded(arrays, symbols[None], *side).indices[0]

        return jax.lax.map(lambda each: one(*each), tuple(batch))

    counts = np.zeros(SCALE_LEVELS * (FITTED_REACH + 1), np.int64)
    for batch in calibrate.batches(calibration):
        under = np.asarray(indices(batch, arrays), np.int64) * (FITTED_REACH + 1)
        sizes = np.minimum(np.abs(batch.symbols), FITTED_REACH)
        counts += np.bincount((under + sizes).ravel(), minlength=len(counts))
    scales = np.geomspace(SCALE_BOUND, SCALE_MAX, SCALE_LEVELS)
    tables = fitted_tables(counts.reshape(SCALE_LEVELS, -1), scales)
    return frozen._replace(tables=frozen.tables | {CONDITIONAL: tables})
