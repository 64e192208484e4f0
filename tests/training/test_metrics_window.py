"""Metrics between two lines of the log."""

import jax.numpy as jnp
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training.metrics_window import MetricsWindow


def metrics(loss, finite=1.0):
    return {
        "loss": jnp.float32(loss),
        "gradient_norm": jnp.float32(2 * loss),
        "finite": jnp.float32(finite),
    }


def test_means_are_over_what_was_fetched_at_any_time():
    window = MetricsWindow(({"loss": 1.0, "gradient_norm": 0.0},))  # of a run before
    window = window.with_step(metrics(2.0)).with_step(metrics(6.0)).fetched(12)
    assert not window.pending
    window = window.with_step(metrics(7.0)).fetched(13)
    assert window.means() == {"loss": 4.0, "gradient_norm": 7.5}


def test_the_step_that_was_not_finite_is_named():
    window = MetricsWindow().with_step(metrics(1.0)).fetched(40)
    window = window.with_step(metrics(2.0)).with_step(metrics(3.0, finite=0.0))
    window = window.with_step(metrics(4.0))
    with pytest.raises(TrainingError, match=r"step 42 is not finite \(loss 3.0, gradient norm 6.0"):
        window.fetched(43)
