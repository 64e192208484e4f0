"""One step of training and of validation, on a model of one matrix."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcodec.models.output import Output
from jaxcodec.objectives.rate_distortion import RateDistortion
from jaxcodec.training import state as train_state
from jaxcodec.training.step import make_train_step, make_validation_step

OBJECTIVE = RateDistortion(0.01, 0.01)


class OneMatrix(nn.Module):
    """A reconstruction by one matrix over the colours, at a rate that grows with its noisy entries."""

    @nn.compact
    def __call__(self, image, quality, key, kind="noise"):
        matrix = self.param("matrix", nn.initializers.normal(0.1), (3, 3))
        noise = jax.random.uniform(key, image.shape) - 0.5 if kind == "noise" else 0.0
        bits = jnp.sum(jnp.square(image @ matrix + 0.01 * noise), axis=(1, 2, 3)) * (1 + quality)
        return Output(image @ matrix, bits, jnp.zeros_like(bits))


def make(rate=1e-2, seed=0, average_decay=0.999):
    model, transform = OneMatrix(), optax.adam(rate)
    state = train_state.create(model, transform, 8, seed)
    step = make_train_step(model, OBJECTIVE, transform, surrogate="noise", seed=seed, average_decay=average_decay)
    return state, jax.jit(step)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)


def test_steps_lower_the_loss_and_count(images):
    state, step = make()
    losses = []
    for _ in range(50):
        state, metrics = step(state, images)
        losses.append(float(metrics["loss"]))
        assert metrics["finite"] == 1
    assert int(state.step) == 50
    assert losses[-1] < 0.8 * losses[0]


def test_a_step_is_a_function_of_state_and_batch(images):
    state, step = make()
    once, again = step(state, images), step(state, images)
    jax.tree.map(np.testing.assert_array_equal, once, again)
    _, later = step(state.replace(step=state.step + 1), images)  # another step has other noise and qualities
    assert later["bpp"] != once[1]["bpp"]


def test_seeds_give_other_starts_and_other_noise(images):
    (first, step), (other, other_step) = make(seed=0), make(seed=1)
    assert not np.array_equal(first.params["params"]["matrix"], other.params["params"]["matrix"])
    assert step(first, images)[1]["bpp"] != other_step(first, images)[1]["bpp"]


def test_the_average_follows_the_parameters(images):
    state, step = make(average_decay=0.5)
    before = np.asarray(state.average["params"]["matrix"])
    after, _ = step(state, images)
    decay = min(0.5, 1 / 10)  # short at the first step
    expected = decay * before + (1 - decay) * np.asarray(after.params["params"]["matrix"])
    np.testing.assert_allclose(after.average["params"]["matrix"], expected, rtol=1e-5)


def test_a_step_that_is_not_finite_changes_nothing(images):
    state, step = make()
    state, _ = step(state, images)
    spoilt = state.replace(params=jax.tree.map(lambda leaf: leaf.at[0, 0].set(jnp.nan), state.params))
    after, metrics = step(spoilt, images)
    assert metrics["finite"] == 0
    jax.tree.map(np.testing.assert_array_equal, after, spoilt)


def test_validation_sees_real_rounding_and_gives_pixels(images):
    state, _ = make()
    identity = jax.tree.map(lambda leaf: jnp.eye(3), state.params)
    validate = jax.jit(make_validation_step(OneMatrix(), OBJECTIVE))
    metrics, reconstruction = validate(identity, images, jnp.full(4, 0.5), ())
    np.testing.assert_array_equal(reconstruction, images)
    assert metrics["mse_255"] == pytest.approx(0, abs=1e-6)
    assert metrics["bpp"] == pytest.approx(1.5 * 3 * np.mean((images / 255.0) ** 2), rel=1e-4)
    again, _ = validate(identity, images, jnp.full(4, 0.5), ())
    assert again["bpp"] == metrics["bpp"]
