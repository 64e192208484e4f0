"""Parts of the Laplacian pyramids, and what both distances made of them keep."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import nlpd as nlpd_reference
from scipy.signal import correlate2d

from jaxcodec.distortions import laplacian
from jaxcodec.distortions.nlpd_2016 import nlpd_2016
from jaxcodec.distortions.nlpd_2017 import nlpd_2017

BOTH = pytest.mark.parametrize("nlpd", [nlpd_2016, nlpd_2017])


def test_powers_are_exact_but_near_zero_where_they_are_linear():
    values = jnp.array([0.0, 1e-11, 2e-10, 1e-3, 2.0])
    powers = laplacian.power(values, 0.3)
    np.testing.assert_allclose(powers[2:], np.float64(values[2:]) ** 0.3, rtol=1e-5)
    assert powers[0] == 0 and 0 < powers[1] < powers[2]
    slopes = jax.vmap(jax.grad(lambda value: laplacian.power(value, 0.3)))(values)
    assert np.isfinite(slopes).all() and (slopes > 0).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_correlation_is_scipys(stride):
    rng = np.random.default_rng(0)
    image, taps, line = rng.normal(size=(2, 17, 20)), rng.normal(size=(5, 5)), rng.normal(size=5)
    for own, kernel in (
        (laplacian.correlate(jnp.asarray(image), taps, stride), taps),
        (laplacian.smoothed(jnp.asarray(image), line, stride), np.outer(line, line)),
    ):
        expected = [correlate2d(plane, kernel, mode="valid")[::stride, ::stride] for plane in image]
        np.testing.assert_allclose(own, expected, atol=1e-4)


def test_zeros_come_between_samples():
    image = jnp.arange(1.0, 7).reshape(1, 2, 3)
    expected = np.zeros((1, 6, 9))
    expected[0, 1:4:2, 1:6:2] = image[0]
    np.testing.assert_array_equal(laplacian.sparse(image, 1, (6, 9)), expected)


@BOTH
@pytest.mark.parametrize(
    "image",
    [
        np.full((65, 66, 1), 0.5), np.zeros((65, 66, 1)), np.ones((65, 66, 1)),
        np.random.default_rng(0).uniform(-0.3, 1.3, (65, 66, 1)),
    ],
    ids=["flat", "black", "white", "beyond"],
)  # fmt: skip
def test_gradients_are_finite_and_lead_down(image, nlpd):
    image = jnp.asarray(image, jnp.float32)
    rng = np.random.default_rng(1)
    other = image + rng.normal(0, 0.05, image.shape).astype(np.float32)
    gradient = jax.grad(nlpd)(image, image)
    assert np.isfinite(gradient).all() and float(nlpd(image, image)) < 1e-6
    before, gradient = jax.value_and_grad(nlpd)(other, image)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    step = 0.02 * before / jnp.sum(jnp.square(gradient))
    assert nlpd(other - step * gradient, image) < before


@BOTH
def test_vmap_gives_what_one_by_one_gives(nlpd, photo):
    a, b = np.stack([photo[:80, :80], photo[90:170, 90:170]]), np.stack([photo[1:81, :80]] * 2)
    np.testing.assert_allclose(jax.vmap(nlpd)(a, b), nlpd(a, b), rtol=1e-5)


@BOTH
def test_equal_images_are_at_zero_without_a_gradient_inside_jit(nlpd):
    image = jnp.asarray(np.random.default_rng(0).uniform(size=(99, 101, 3)), jnp.float32)
    distance, gradient = jax.jit(jax.value_and_grad(nlpd))(image, image)
    assert distance == 0 and not np.any(gradient)


@pytest.mark.parametrize(
    ("name", "grey", "amplitude"),
    [("nlpd_2017", 128, 1), ("nlpd_2017", 5, 1), ("nlpd_2016", 128, 1), ("nlpd_2016", 5, 1)],
)
def test_small_differences_are_those_of_the_reference(name, grey, amplitude):
    rng = np.random.default_rng(0)
    a = np.full((96, 96), grey, np.uint8)
    b = np.clip(np.rint(a + rng.normal(0, amplitude, a.shape)), 0, 255).astype(np.uint8)
    expected = getattr(nlpd_reference, name)(a.astype(np.float64), b.astype(np.float64))
    found = {"nlpd_2016": nlpd_2016, "nlpd_2017": nlpd_2017}[name](a[..., None], b[..., None])
    assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("one", "other"), [(10, 11), (0, 4)])
def test_flat_images_that_hardly_differ_are_those_of_the_reference(one, other):
    a, b = (np.full((96, 96), grey, np.uint8) for grey in (one, other))
    expected = nlpd_reference.nlpd_2017(a.astype(np.float64), b.astype(np.float64))
    assert float(nlpd_2017(a[..., None], b[..., None])) == pytest.approx(expected, rel=1e-3)
