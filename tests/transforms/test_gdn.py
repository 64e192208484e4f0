"""Generalised divisive normalisation."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.transforms.gdn import GDN


def _reference(v, beta, gamma, inverse):
    norm = np.sqrt(beta + np.einsum("ij,bhwj->bhwi", gamma, v**2))
    return v * norm if inverse else v / norm


def test_gdn_equals_its_formula_with_learned_values():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    beta, gamma = rng.uniform(0.5, 2, 5), rng.uniform(0, 0.5, (5, 5))
    params = {
        "params": {
            "beta": jnp.sqrt(jnp.asarray(beta, jnp.float32)),
            "gamma": jnp.sqrt(jnp.asarray(gamma, jnp.float32)),
        }
    }
    for inverse in (False, True):
        out = GDN(inverse=inverse).apply(params, v)
        np.testing.assert_allclose(out, _reference(v, beta, gamma, inverse), rtol=1e-5)


def test_gdn_starts_as_published():
    v = jax.random.normal(jax.random.key(0), (1, 2, 2, 3))
    out, _ = GDN().init_with_output(jax.random.key(1), v)
    np.testing.assert_allclose(
        out, _reference(np.asarray(v), np.ones(3), 0.1 * np.eye(3), False), rtol=1e-5
    )


def test_parameters_stay_non_negative_whatever_a_step_does():
    v = jax.random.normal(jax.random.key(0), (1, 4, 4, 3))
    params = {"params": {"beta": -jnp.ones(3), "gamma": -jnp.ones((3, 3))}}
    out = GDN().apply(params, v)
    # gamma is bounded to zero and beta to its small minimum: a division by sqrt(1e-6).
    np.testing.assert_allclose(out, v / np.sqrt(1e-6), rtol=1e-3)
