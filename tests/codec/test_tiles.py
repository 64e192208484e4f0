import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import decode, encode, tiles
from jaxcodec.entropy.geometry import Windows
from jaxcodec.image import pad_to_multiple


@pytest.mark.parametrize("size", [1, 5, 17, 64])
@pytest.mark.parametrize("reach", [0, 1, 3])
@pytest.mark.parametrize("budget", [1, 30, 100, 10_000])
def test_windows_cover_the_grid_once_with_their_halo(size, reach, budget):
    height, width = size, 2 * size
    (rows, columns), places = tiles.plan(height, width, reach, budget)
    covered = np.zeros((height, width), int)
    for row, column in places:
        covered[row.first : row.stop, column.first : column.stop] += 1
        for span, window, side in ((row, rows, height), (column, columns, width)):
            assert 0 <= span.start <= span.first < span.stop <= span.start + window <= side
            assert span.start == 0 or span.first - span.start >= reach
            assert span.start + window == side or span.start + window - span.stop >= reach
    assert (covered == 1).all()
    assert rows * columns <= max(budget, (2 * reach + 1) ** 2)


def test_a_grid_within_the_budget_is_one_window():
    assert tiles.plan(30, 40, 3, 1200) == ((30, 40), [(tiles.Span(0, 0, 30), tiles.Span(0, 0, 40))])


def test_little_is_computed_twice():
    for height, width in ((88, 128), (512, 512), (4, 4096), (300, 70)):
        (rows, columns), places = tiles.plan(height, width, 2, 4096)
        assert rows * columns * len(places) < 1.2 * height * width


@pytest.mark.parametrize("name", ["patch", "factorized"])
def test_windows_give_what_one_run_gives(name, photo):
    codec = small_codecs.build(name)
    pixels = pad_to_multiple(photo[:150, :200], codec.geometry.stride)
    quality = np.array([5000], np.int32)

    def latent(budget):
        return tiles.run(
            codec.geometry.analysis,
            lambda x: codec.networks.latent(codec.params, x, quality),
            pixels[None],
            budget=budget,
        )

    whole, tiled = np.asarray(latent(1 << 20)), latent(96 * 96)
    assert np.abs(tiled - whole).max() < 1e-4 * np.abs(whole).max()


@pytest.mark.parametrize("name", ["factorized", "autoregressive", "four_step", "normalised"])
def test_a_picture_in_windows_has_the_symbols_of_one_in_one_piece(name, photo, monkeypatch):
    codec = small_codecs.build(name)
    picture = photo[:150, :200]
    in_one = encode(codec, picture)
    monkeypatch.setattr(tiles, "PIXEL_BUDGET", 96 * 96)
    # Integer networks give the same in windows, and float ones what rounds to the same here.
    assert encode(codec, picture) == in_one
    tiled = decode(codec, in_one).astype(int)
    monkeypatch.undo()
    assert np.abs(tiled - decode(codec, in_one)).max() <= 1


def test_several_arrays_are_joined_each():
    grid = np.arange(600, dtype=np.float32).reshape(1, 20, 30, 1)
    windows = Windows(into=1, out=1, reach=1, pixels=1)
    doubled, halved = tiles.run(
        windows, lambda x: (2 * x, (x // 2).astype(np.int32)), grid, budget=50
    )
    assert np.array_equal(doubled, 2 * grid)
    assert np.array_equal(halved, grid // 2)
    assert halved.dtype == np.int32
