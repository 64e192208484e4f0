"""The metrics of the steps since the last line of the log, on the device as long as may be."""

from typing import NamedTuple, Self

import jax
import numpy as np

from jaxcodec.errors import TrainingError
from jaxcodec.objectives import Metrics


class MetricsWindow(NamedTuple):
    """Metrics of single steps, in order.

    rows: of floats. pending: of later steps, still on the device. To fetch them waits for the
    steps, so it is done seldom.
    """

    rows: tuple[dict[str, float], ...] = ()
    pending: tuple[Metrics, ...] = ()

    def with_step(self, metrics: Metrics) -> Self:
        """The window with the metrics of one more step."""
        return self._replace(pending=(*self.pending, metrics))

    def fetched(self, step: int) -> Self:
        """The window with all metrics as floats; `step` is the last that it holds.

        Raises TrainingError where one was not finite.
        """
        first = step - len(self.pending) + 1
        rows = [
            _checked({name: float(value) for name, value in row.items()}, first + position)
            for position, row in enumerate(jax.device_get(self.pending))
        ]
        return self._replace(rows=(*self.rows, *rows), pending=())

    def means(self) -> dict[str, float]:
        """Mean of each metric over the rows."""
        return {name: float(np.mean([row[name] for row in self.rows])) for name in self.rows[0]}


def _checked(row: dict[str, float], step: int) -> dict[str, float]:
    """The row without `finite`; raises TrainingError where that is 0."""
    if not row.pop("finite"):
        raise TrainingError(
            f"the loss of step {step} is not finite (loss {row['loss']}, gradient norm "
            f"{row['gradient_norm']}); "
            "what was saved before is kept: lower config.optimiser.learning_rate and start "
            "again"
        )
    return row
