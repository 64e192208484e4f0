"""SOAP: against a second implementation, and on a problem that Adam's axes do not suit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxcodec.training.soap import scale_by_soap


def reference(gradients, b1, b2, decay, every):
    """Vyas et al. 2024, algorithm 3, of one matrix in float64; directions of all steps."""
    shape = gradients[0].shape
    left, right = np.eye(shape[0]), np.eye(shape[1])
    covariances = [np.zeros((size, size)) for size in shape]
    mean, square, found = np.zeros(shape), np.zeros(shape), []
    for step, gradient in enumerate(gradients, 1):
        mean = b1 * mean + (1 - b1) * gradient
        if step > 1:
            square = b2 * square + (1 - b2) * (left.T @ gradient @ right) ** 2
            within = left.T @ (mean / (1 - b1**step)) @ right
            size = np.sqrt(square / (1 - b2 ** (step - 1))) + 1e-8
            found.append(left @ (within / size) @ right.T)
        else:
            found.append(np.zeros(shape))
        covariances[0] = decay * covariances[0] + (1 - decay) * gradient @ gradient.T
        covariances[1] = decay * covariances[1] + (1 - decay) * gradient.T @ gradient
        if step == 1 or step % every == 0:
            left = np.linalg.qr(covariances[0] @ left)[0]
            right = np.linalg.qr(covariances[1] @ right)[0]
    return found


@pytest.mark.parametrize("kernel", [False, True])
def test_steps_are_those_of_the_paper(kernel):
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=(6, 5)) * np.geomspace(0.1, 3, 5) for _ in range(12)]
    expected = reference(gradients, 0.9, 0.8, 0.7, 3)
    transform = scale_by_soap(0.9, 0.8, covariance_decay=0.7, every=3)
    shape = (1, 1, 6, 5) if kernel else (6, 5)
    state = transform.init(jnp.zeros(shape))
    update = jax.jit(transform.update)
    for gradient, direction in zip(gradients, expected, strict=True):
        found, state = update(jnp.float32(gradient).reshape(shape), state)
        np.testing.assert_allclose(found.reshape(6, 5), direction, rtol=2e-2, atol=2e-2)


def test_an_axis_that_is_too_long_and_taps_keep_or_have_a_basis():
    state = scale_by_soap(widest=9).init({"kernel": jnp.zeros((3, 3, 16, 4)), "bias": jnp.ones(4)})
    taps, inputs, outputs = state.bases["kernel"]
    assert taps.shape == (9, 9) and inputs is None and outputs.shape == (4, 4)
    assert state.bases["bias"][0].shape == (4, 4)


def test_it_descends_where_the_axes_are_not_those_of_the_curvature():
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (12, 8))
    scale = np.geomspace(1, 1e-3, 12)[:, None] * np.geomspace(1, 1e-2, 8)
    target = jnp.float32(left @ rng.normal(size=(12, 8)) @ right.T)

    def loss(weights):
        within = left.T @ (weights - target) @ right
        return jnp.sum(scale * within**2)

    def after(transform, steps=400):
        transform = optax.chain(transform, optax.scale_by_learning_rate(0.02))

        def step(carry, _):
            weights, state = carry
            updates, state = transform.update(jax.grad(loss)(weights), state, weights)
            return (optax.apply_updates(weights, updates), state), None

        start = jnp.zeros((12, 8))
        (weights, _), _ = jax.lax.scan(step, (start, transform.init(start)), length=steps)
        return float(loss(weights))

    soap = after(scale_by_soap())
    assert np.isfinite(soap) and soap < 0.3 * after(optax.scale_by_adam(0.95, 0.95))
