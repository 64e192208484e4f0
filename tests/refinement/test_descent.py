"""Descent over symbols: what moves are expected to be worth, which are tried, and which are
kept.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

import jaxcodec
from jaxcodec import image
from jaxcodec.codec import cost
from jaxcodec.refinement import descent, problem
from jaxcodec.refinement.criterion import Criterion
from jaxcodec.refinement.padded_image import PaddedImage
from jaxcodec.refinement.problem import MSE

TRADE_OFF = 0.01


@pytest.fixture(scope="module")
def codec():
    """The bundled one: of random weights, pixels are clipped, and no move changes them."""
    return jaxcodec.load("patch-2026")


@pytest.fixture(scope="module")
def padded(codec) -> PaddedImage:
    """A picture of 120 x 128, padded to what the stride asks for."""
    photo = data.astronaut()[64:184, 160:288]
    pixels = image.pad_to_multiple(photo[None], codec.geometry.stride)
    height, width = (np.int32(side) for side in photo.shape[:2])
    return jax.device_put(PaddedImage(pixels, np.full(1, 3000, np.int32), height, width))


@pytest.fixture(scope="module")
def begun(codec, padded):
    """Variables, the ground and the start of a descent, and a compiled step: (state, key) -> state
    and what was seen.
    """
    variables = jax.jit(problem.start)(codec, padded)
    ground, start = begin(codec, padded, variables, jax.random.key(0), 0.0, MSE)
    step = jax.jit(
        lambda state, key: descent.step(
            codec, padded, ground, variables, state, jnp.float32(TRADE_OFF), key, MSE
        )
    )
    return variables, ground, start, step


# In one piece each: operation by operation they take far longer.
begin = jax.jit(descent.begin)
measure = jax.jit(problem.measure)


def loss_of(codec, padded, variables, state) -> float:
    measured = measure(codec, padded, variables._replace(latent=state.latent))
    return float(TRADE_OFF * measured.mse_255 + measured.bits / padded.pixel_count)


def test_the_true_loss_falls_and_is_known_on_the_way(codec, padded, begun):
    variables, _, start, step = begun
    state, losses = start, []
    for index in range(20):
        state, (loss, _, _) = step(state, jax.random.fold_in(jax.random.key(1), index))
        losses.append(float(loss))
    before, after = (
        loss_of(codec, padded, variables, start),
        loss_of(codec, padded, variables, state),
    )
    assert after < 0.995 * before
    np.testing.assert_allclose(losses[0], before, rtol=0.01)  # but for the 8 bits of a pixel
    assert losses[-1] < losses[10] < losses[0]


def test_the_start_has_the_same_symbols_on_their_grid(codec, padded, begun):
    variables, ground, start, _ = begun
    _, symbols = problem.rounded(codec, padded, variables.latent, ground.centre)
    residual, again = problem.rounded(codec, padded, start.latent, ground.centre)
    assert np.array_equal(symbols, again)
    np.testing.assert_allclose(residual, symbols * codec.step, atol=1e-4)


def test_it_may_begin_from_symbols_that_cost_less(codec, padded, begun):
    variables, ground, start, _ = begun
    _, spared = begin(codec, padded, variables, jax.random.key(0), cost.worth(codec), MSE)
    (_, nearest), (_, fewer) = (
        problem.rounded(codec, padded, each.latent, ground.centre) for each in (start, spared)
    )
    moved = np.asarray(nearest - fewer)
    assert 0 < (moved != 0).mean() < 0.1 and np.array_equal(
        np.sign(moved), np.sign(nearest) * (moved != 0)
    )
    before, after = (
        measure(codec, padded, variables._replace(latent=each.latent)).bits
        for each in (start, spared)
    )
    assert after < 0.99 * before


def test_bits_around_are_those_of_symbols_one_less_and_one_more(codec, padded, begun):
    _, ground, start, _ = begun
    _, symbols = problem.rounded(codec, padded, start.latent, ground.centre)
    around = cost.latent_bits_around(codec, symbols, ground.side)
    for change, bits in zip((-1, 0, 1), around, strict=True):
        assert np.array_equal(bits, cost.latent_bits(codec, symbols + change, ground.side))


@pytest.mark.long
def test_curvature_is_what_a_move_without_slope_costs(codec, padded, begun):
    """Of a grey picture, whose error is that of the mean of the channels."""
    variables, _, start, _ = begun
    ground, _ = begin(codec, padded, variables, jax.random.key(0), 0.0, Criterion(grey=True))

    @jax.jit
    def error(latent):
        difference = padded.pixels / 255.0 - problem.decoded(
            codec, padded, variables._replace(latent=latent)
        )
        grey = difference.mean(axis=-1, keepdims=True)
        return 255**2 * padded.mean(jnp.square(grey))

    slope = jax.jit(jax.grad(error))(start.latent)
    rng, told, real = np.random.default_rng(0), [], []
    for _ in range(60):
        place = tuple(rng.integers(side) for side in start.latent.shape)
        moved = start.latent.at[place].add(codec.step)
        real.append(float(error(moved) - error(start.latent) - codec.step * slope[place]))
        told.append(float(ground.curvature[place[-1]]) / 2)
    assert 0.5 < np.sum(told) / np.sum(real) < 2
    assert np.corrcoef(told, real)[0, 1] > 0.3


def test_at_most_one_symbol_of_a_window_moves_and_by_one(codec, begun):
    _, _, start, step = begun
    state, _ = step(start, jax.random.key(3))
    moved = np.rint(
        (np.asarray(state.latent) - np.asarray(start.latent)) / float(codec.step)
    ).astype(int)
    assert set(np.unique(moved)) <= {-1, 0, 1} and moved.any()
    tried = (moved != 0) | np.asarray(state.failed_up) | np.asarray(state.failed_down)
    rows, columns = (-(-side // descent.WINDOW) + 1 for side in moved.shape[1:3])
    assert tried.sum() <= rows * columns


def test_what_failed_is_not_tried_again(codec, begun):
    _, _, start, step = begun
    failed = jnp.ones(start.latent.shape, bool)
    state, _ = step(start._replace(failed_up=failed, failed_down=failed), jax.random.key(3))
    assert np.array_equal(state.latent, start.latent)
    state, _ = step(start._replace(failed_up=failed), jax.random.key(3))
    assert (np.asarray(state.latent) <= np.asarray(start.latent)).all()


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 3), (3, 2)])
def test_windows_part_all_places(top, left):
    values = jnp.asarray(np.random.default_rng(0).normal(size=(9, 6)), jnp.float32)
    windows = descent.Windows(values.shape, jnp.int32(top), jnp.int32(left))
    np.testing.assert_allclose(windows.total(values).sum(), values.sum(), rtol=1e-5)
    least = np.asarray(windows.everywhere(windows.least(values)))
    for row, column in np.ndindex(*values.shape):
        own = [(place + shift) // descent.WINDOW for place, shift in ((row, top), (column, left))]
        first = [
            max(number * descent.WINDOW - shift, 0)
            for number, shift in zip(own, (top, left), strict=True)
        ]
        end = [
            (number + 1) * descent.WINDOW - shift
            for number, shift in zip(own, (top, left), strict=True)
        ]
        assert least[row, column] == values[first[0] : end[0], first[1] : end[1]].min()


@pytest.mark.long
def test_vmap_changes_nothing(codec, begun):
    _, _, start, step = begun
    keys = jax.random.split(jax.random.key(2), 2)
    together, _ = jax.vmap(functools.partial(step, start))(keys)
    for index, key in enumerate(keys):
        alone, _ = step(start, key)
        np.testing.assert_allclose(together.latent[index], alone.latent, atol=1e-5)
