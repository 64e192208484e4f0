"""Convolutions: equal to XLA's own in values and gradients, whichever form computes them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxcodec.runtime import convolution
from jaxcodec.runtime.convolution import conv2d, pointwise, upsample_conv

DIMENSIONS = ("NHWC", "HWIO", "NHWC")
WIDE, NARROW = 17, 3  # channels on both sides of the threshold under which the form changes
SHAPES = st.tuples(
    st.sampled_from([1, 3, 5, 7]), st.integers(1, 3), st.integers(1, 8), st.integers(1, 8)
)


def reference_conv(x, kernel, stride, border):
    pad = kernel.shape[0] // 2
    padded = jnp.pad(
        x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge" if border == "edge" else "constant"
    )
    return lax.conv_general_dilated(
        padded, kernel, (stride, stride), "VALID", dimension_numbers=DIMENSIONS
    )


def reference_upsample(x, kernel, stride):
    low = kernel.shape[0] // 2
    pads = [(low, low + stride - 1)] * 2
    return lax.conv_transpose(
        x, kernel[::-1, ::-1], (stride, stride), pads, dimension_numbers=DIMENSIONS
    )


def draw(seed, *shapes):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape, np.float32) for shape in shapes]


def assert_same_map(function, reference, x, kernel):
    """Values, and both gradients for a random cotangent."""
    cotangent = draw(9, jax.eval_shape(reference, x, kernel).shape)[0]

    def value_and_gradients(of):
        def run(x, kernel, cotangent):
            value, pull_back = jax.vjp(of, x, kernel)
            return value, *pull_back(cotangent)

        return jax.jit(run)(x, kernel, cotangent)

    for got, wanted in zip(
        value_and_gradients(function), value_and_gradients(reference), strict=True
    ):
        np.testing.assert_allclose(
            got, wanted, rtol=1e-4, atol=2e-4 * max(1.0, float(jnp.abs(wanted).max()) / 10)
        )


@settings(max_examples=8, deadline=None, derandomize=True)
@given(SHAPES, st.sampled_from([(WIDE, 2), (NARROW, 2)]), st.sampled_from(["zeros", "edge"]))
def test_conv2d_equals_xla(shape, channels, border):
    size, stride, height, width = shape
    x, kernel = draw(0, (2, height, width, channels[0]), (size, size, *channels))
    assert_same_map(
        lambda x, k: conv2d(x, k, stride, border),
        lambda x, k: reference_conv(x, k, stride, border),
        x,
        kernel,
    )


@settings(max_examples=8, deadline=None, derandomize=True)
@given(SHAPES, st.sampled_from([(2, WIDE), (2, NARROW)]))
def test_upsample_conv_equals_conv_transpose(shape, channels):
    size, stride, height, width = shape
    x, kernel = draw(1, (2, height, width, channels[0]), (size, size, *channels))
    assert_same_map(
        lambda x, k: upsample_conv(x, k, stride),
        lambda x, k: reference_upsample(x, k, stride),
        x,
        kernel,
    )


FORMS = {
    "WINOGRAD 3x3": ((3, 3, 32, 33), 1, (4, 15, 16)),
    "WINOGRAD 5x5": ((5, 5, 32, 40), 2, (4, 63, 61)),
    "PATCHES": ((5, 5, 3, 4), 2, (2, 7, 8)),
    "PHASES": ((5, 5, 17, 4), 2, (2, 11, 10)),
    "XLA": ((5, 5, 3, 17), 2, (2, 11, 10)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_equals_xla_on_a_cpu_and_elsewhere(name, monkeypatch):
    """One layer for each form that a CPU runs; other back ends run XLA's own."""
    kernel_shape, stride, (batch, height, width) = FORMS[name]
    kernel, x = draw(2, kernel_shape, (batch, height, width, kernel_shape[2]))
    kernel *= 0.1
    (small,) = draw(3, (batch, -(-height // stride), -(-width // stride), kernel_shape[3]))
    pad = kernel_shape[0] // 2
    assert convolution.choose_form(kernel_shape, stride, pad, batch, small.shape[1:3]).name in name
    for backend in ("cpu", "gpu"):
        monkeypatch.setattr(convolution.jax, "default_backend", lambda name=backend: name)
        assert_same_map(
            lambda x, k: conv2d(x, k, stride),
            lambda x, k: reference_conv(x, k, stride, "zeros"),
            x,
            kernel,
        )
        transposed = kernel.swapaxes(2, 3)
        assert_same_map(
            lambda x, k: upsample_conv(x, k, stride),
            lambda x, k: reference_upsample(x, k, stride),
            small,
            transposed,
        )
    assert (
        convolution.choose_form(kernel_shape, stride, pad, batch, small.shape[1:3])
        is convolution.Form.XLA
    )


@pytest.mark.parametrize("places", [(), (5,), (2, 3, 4)])
def test_pointwise_is_a_product_with_the_gradients_of_one(places):
    rng = np.random.default_rng(0)
    x, matrix, seen = (
        jnp.float32(rng.normal(size=s)) for s in ((*places, 6), (6, 3), (*places, 3))
    )

    def loss(product, x, matrix):
        return jnp.sum(seen * product(x, matrix) ** 2)

    own, expected = (
        jax.value_and_grad(functools.partial(loss, product), (0, 1))(x, matrix)
        for product in (pointwise, jnp.matmul)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-5), own, expected)
    batched = jax.vmap(pointwise, (0, None))(jnp.stack([x, 2 * x]), matrix)
    np.testing.assert_allclose(batched[1], 2 * pointwise(x, matrix), rtol=1e-5, atol=1e-6)


def test_output_of_upsampling_is_aligned_as_in_pytorch():
    """ConvTranspose2d(k, stride=s, padding=k // 2, output_padding=s - 1) puts tap t of input i at s
    * i + t - k // 2.
    """
    kernel = jnp.arange(1.0, 26.0).reshape(5, 5, 1, 1)
    impulse = jnp.zeros((1, 3, 3, 1)).at[0, 1, 1, 0].set(1.0)
    expected = np.zeros((6, 6))
    expected[0:5, 0:5] = kernel[:, :, 0, 0]
    np.testing.assert_array_equal(upsample_conv(impulse, kernel)[0, :, :, 0], expected)


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_shapes_round_up(size):
    kernel = jnp.ones((5, 5, 2, 3))
    assert conv2d(jnp.ones((1, size, 4, 2)), kernel, 2).shape == (1, -(-size // 2), 2, 3)
    assert upsample_conv(jnp.ones((1, size, 4, 2)), kernel).shape == (1, 2 * size, 8, 3)


def test_jit_and_vmap_change_nothing():
    x, kernel = draw(4, (3, 2, 5, 6, WIDE), (3, 3, WIDE, WIDE))
    kernel = 0.1 * kernel

    def gradients(x):
        def loss(x, kernel):
            return jnp.sum(jnp.sin(upsample_conv(conv2d(x, kernel, 2, "edge"), kernel)))

        return jax.grad(loss, argnums=(0, 1))(x, kernel)

    one_by_one = [gradients(one) for one in x]
    expected = [jnp.stack(parts) for parts in zip(*one_by_one, strict=True)]
    for got, wanted in zip(jax.jit(jax.vmap(gradients))(x), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3)


def test_edge_border_hides_the_border():
    """A constant image stays constant under edge replication, and does not under zeros."""
    image, kernel = jnp.ones((1, 6, 6, 1)), jnp.ones((3, 3, 1, 1))
    np.testing.assert_array_equal(conv2d(image, kernel, border="edge"), 9.0)
    assert conv2d(image, kernel)[0, 0, 0, 0] == 4.0
