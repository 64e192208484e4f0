"""The order of an autoregressive latent against its definition, place by place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec.entropy import wavefront
from jaxcodec.entropy.context import windows

SIZES = [(1, 1), (1, 7), (5, 1), (4, 2), (3, 5), (6, 9)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_place_comes_once_and_after_all_that_it_sees(height, width):
    fronts = wavefront.order(height, width)
    when = {}
    for t, (places, count) in enumerate(zip(fronts.place, fronts.count, strict=True)):
        for place in places[:count]:
            assert place not in when
            when[int(place)] = t
    assert len(when) == height * width
    for row, column in np.ndindex(height, width):
        for above in range(3):
            for across in range(-2, 3):
                if (above, across) == (0, 0) or (above == 0 and across > 0):
                    continue
                near = row - above, column + across
                if min(near) >= 0 and near[1] < width:
                    assert when[near[0] * width + near[1]] < when[row * width + column]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_blocks_and_back(height, width):
    values = jnp.arange(height * width * 2).reshape(height, width, 2)
    blocks = wavefront.to_blocks(values)
    np.testing.assert_array_equal(wavefront.from_blocks(blocks, height, width), values)


@pytest.mark.parametrize(("height", "width"), [(3, 5), (4, 2), (1, 4)])
def test_the_history_shows_what_a_window_of_the_whole_shows(height, width):
    codes = jax.random.randint(jax.random.key(0), (height, width, 3), -9, 10).astype(jnp.int8)
    expected = windows(codes[None], "autoregressive")[0].reshape(height * width, -1)
    fronts = wavefront.order(height, width)
    rows = fronts.place.shape[1]
    history = wavefront.empty_history(height, width, 3)
    flat = codes.reshape(-1, 3)
    for t, (first, count, places) in enumerate(
        zip(fronts.first, fronts.count, fronts.place, strict=True)
    ):
        now = jnp.int32(t), jnp.int32(first)
        seen = wavefront.window_at(history, *now, rows, fronts.shift)
        np.testing.assert_array_equal(seen[:count], expected[places[:count]])
        inside = (np.arange(rows) < count)[:, None]
        own = jnp.where(inside, flat[places], 0).astype(jnp.int8)
        history = wavefront.remember(history, *now, own, fronts.shift)
