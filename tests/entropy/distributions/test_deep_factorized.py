"""The deep factorized density."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.entropy.distributions.deep_factorized import DeepFactorized


def apply(model, params, *values, method=None):
    """What a density gives, compiled in one piece: operation by operation takes far longer."""
    return jax.jit(functools.partial(model.apply, method=method))(params, *values)


@pytest.fixture(scope="module")
def trained():
    """A density with parameters away from their start, of three channels."""
    model = DeepFactorized(3)
    params = model.init(jax.random.key(0), jnp.zeros((1, 3)))
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [
        leaf + 0.5 * jax.random.normal(key, leaf.shape)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return model, jax.tree.unflatten(tree, moved)


def test_masses_of_all_integers_sum_to_one(trained):
    model, params = trained
    values = jnp.arange(-3000, 3001, dtype=jnp.float32)[:, None] * jnp.ones((1, 3))
    mass = np.asarray(apply(model, params, values), np.float64)
    np.testing.assert_allclose(mass.sum(axis=0), 1, atol=1e-4)
    assert (mass >= 1e-9 * 0.999).all()


def test_the_median_is_zero_by_construction(trained):
    model, params = trained
    np.testing.assert_array_equal(model.apply(params, jnp.zeros((1, 3)), method="logits"), 0)


def test_a_symmetric_density_gives_its_median_its_mass():
    """Logits at -1/2 and 1/2 that cancel exactly must not leave a mass of zero."""
    model = DeepFactorized(2)
    start = model.init(jax.random.key(0), jnp.zeros((1, 2)))
    symmetric = jax.tree.map_with_path(
        lambda path, leaf: 0 * leaf if "bias" in path[-1].key else leaf, start
    )
    mass = apply(model, symmetric, jnp.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]))
    np.testing.assert_allclose(mass[0], mass[2], rtol=1e-5)
    assert (mass[1] > mass[0]).all()


def test_the_cumulative_grows(trained):
    model, params = trained
    logits = apply(
        model, params, jnp.linspace(-50, 50, 501)[:, None] * jnp.ones((1, 3)), method="logits"
    )
    assert (np.diff(logits, axis=0) > 0).all()


def test_the_formula_of_the_paper_by_hand(trained):
    """c = f_K o ... o f_1 with f_k(x) = g_k(softplus(H_k) x + b_k), in NumPy."""
    model, params = trained
    values = {name: np.asarray(leaf, np.float64) for name, leaf in params["params"].items()}

    def cumulative_logit(x, channel):
        h = np.array([x])
        for k in range(4):
            h = np.log1p(np.exp(values[f"matrix_{k}"][channel])) @ h + values[f"bias_{k}"][channel]
            if k < 3:
                h = h + np.tanh(values[f"factor_{k}"][channel]) * np.tanh(h)
        return h[0]

    x = np.array([[-3.7, 0.2, 5.1]], np.float32)
    expected = [cumulative_logit(x[0, c], c) - cumulative_logit(0.0, c) for c in range(3)]
    np.testing.assert_allclose(apply(model, params, x, method="logits")[0], expected, rtol=1e-4)


def test_it_starts_as_a_logistic_of_scale_ten():
    """Factors are zero at the start and the matrices' product is 1 / 10, so that the logit less
    that at zero is v / 10.
    """
    model = DeepFactorized(2)
    params = model.init(jax.random.key(3), jnp.zeros((1, 2)))
    assert [params["params"][f"matrix_{k}"].shape for k in range(4)] == [
        (2, 3, 1),
        (2, 3, 3),
        (2, 3, 3),
        (2, 1, 3),
    ]
    biases = jnp.concatenate([params["params"][f"bias_{k}"].ravel() for k in range(4)])
    assert -0.5 <= biases.min() < -0.2 and 0.2 < biases.max() <= 0.5
    assert len(np.unique(biases)) == biases.size
    values = np.array([[-35.0, 4.0], [0.0, 120.0]], np.float32)
    np.testing.assert_allclose(
        apply(model, params, values, method="logits"), values / 10, rtol=1e-4, atol=1e-5
    )
    narrow = DeepFactorized(2, widths=(5,), init_scale=2.0)
    params = narrow.init(jax.random.key(3), jnp.zeros((1, 2)))
    np.testing.assert_allclose(
        apply(narrow, params, values, method="logits"), values / 2, rtol=1e-4, atol=1e-5
    )


def test_both_tails_are_told_to_the_last_bits():
    """Of a logistic of scale 10 the mass of v is s(v + .5) - s(v - .5); as float32 near 1 these
    would cancel.
    """
    model = DeepFactorized(1)
    params = model.init(jax.random.key(0), jnp.zeros((1, 1)))
    v = np.array([-150.0, -100.0, -1.0, 1.0, 100.0, 150.0])
    lower_tail = -np.abs(v)
    expected = 1 / (1 + np.exp(-(lower_tail + 0.5) / 10)) - 1 / (
        1 + np.exp(-(lower_tail - 0.5) / 10)
    )
    np.testing.assert_allclose(
        apply(model, params, jnp.asarray(v)[:, None])[:, 0], expected, rtol=1e-3
    )
    wide = 1 / (1 + np.exp(-(lower_tail + 1.5) / 10)) - 1 / (1 + np.exp(-(lower_tail - 1.5) / 10))
    mass = apply(model, params, jnp.asarray(v)[:, None], 3.0, method="likelihood")
    np.testing.assert_allclose(mass[:, 0], wide, rtol=1e-3)


def test_gradients_of_the_mass_are_those_of_float64(trained):
    model, params = trained
    values = {name: np.asarray(leaf, np.float64) for name, leaf in params["params"].items()}

    def mass(v, channel, step=1.0):
        logits = []
        for x in (v + 0.5 * step, v - 0.5 * step, 0.0):
            h = np.array([x])
            for k in range(4):
                h = (
                    np.log1p(np.exp(values[f"matrix_{k}"][channel])) @ h
                    + values[f"bias_{k}"][channel]
                )
                h = h + np.tanh(values[f"factor_{k}"][channel]) * np.tanh(h) if k < 3 else h
            logits.append(h[0])
        upper, lower = (1 / (1 + np.exp(logits[2] - logit)) for logit in logits[:2])
        return upper - lower

    v = np.array([[-2.3, 0.4, 3.1]])
    np.testing.assert_allclose(
        apply(model, params, jnp.asarray(v))[0], [mass(v[0, c], c) for c in range(3)], rtol=1e-4
    )
    got = jax.grad(lambda v: apply(model, params, v).sum())(jnp.asarray(v))[0]
    expected = [(mass(v[0, c] + 1e-5, c) - mass(v[0, c] - 1e-5, c)) / 2e-5 for c in range(3)]
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6)
    of_step = jax.grad(
        lambda step: apply(model, params, jnp.asarray(v), step, method="likelihood").sum()
    )(1.0)
    expected = [(mass(v[0, c], c, 1 + 1e-5) - mass(v[0, c], c, 1 - 1e-5)) / 2e-5 for c in range(3)]
    assert of_step == pytest.approx(sum(expected), rel=1e-3)
    leaves = jax.grad(lambda params: apply(model, params, jnp.asarray(v)).sum())(params)["params"]
    # The last bias alone has none: the logit at zero, which has it too, is taken off.
    assert {name for name, leaf in leaves.items() if not jnp.any(leaf != 0)} == {"bias_3"}


def test_far_values_stay_bounded_and_have_a_gradient_that_pulls_them_back(trained):
    model, params = trained
    far = jnp.full((1, 3), 1e4)
    bits = lambda v: -jnp.log2(apply(model, params, v)).sum()  # noqa: E731
    assert jnp.isfinite(bits(far))
    gradient = jax.grad(bits)(jnp.full((1, 3), 30.0))
    assert (gradient > 0).all()


def test_a_density_that_is_not_centred_has_a_median_to_round_about():
    model = DeepFactorized(2, widths=(3, 3, 3, 3), centred=False)
    params = model.init(jax.random.key(0), jnp.zeros((1, 2)))["params"] | {
        "median": jnp.array([0.3, -4.4])
    }
    values = jnp.array([[1.0, -3.0], [0.7, -4.95]])
    symbols = apply(model, {"params": params}, values, method="to_symbols")
    np.testing.assert_array_equal(symbols, [[1, 1], [0, -1]])
    assert symbols.dtype == jnp.int32
    back = apply(model, {"params": params}, symbols, method="from_symbols")
    np.testing.assert_allclose(back, [[1.3, -3.4], [0.3, -5.4]], rtol=1e-6)
    mass = apply(model, {"params": params}, symbols, method="symbol_likelihood")
    np.testing.assert_array_equal(mass, apply(model, {"params": params}, back))
    # The logits are those of the formula, not shifted: biases alone make that at zero.
    assert jnp.any(apply(model, {"params": params}, jnp.zeros((1, 2)), method="logits") != 0)
