import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.codec import decode, encode, tiles
from jaxcodec.image import pad_to_multiple
from jaxcodec.models import presets
from jaxcodec.models.build import stride


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


SETTINGS = [
    presets.patch_model(latent=12, width=4, blocks=3, hyper=4, points=2, first_gain=1, last_gain=2),
    presets.mean_scale_model(2, 3),
    presets.factorized_model(2, 3, kernels=(9, 5, 3), strides=(4, 2, 1)),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["patch", "mean_scale", "factorized"])
@pytest.mark.parametrize("network", ["analysis", "synthesis"])
def test_the_halo_is_how_far_a_network_reaches(settings, network):
    """A NaN spreads exactly to what depends on it."""
    module, side = getattr(models.build(settings), network), 9
    unit = stride({"analysis": settings["analysis"]})
    scale_in, scale_out, channels = (unit, 1, 3) if network == "analysis" else (1, unit, settings["gains"]["channels"])
    poisoned = np.zeros((1, side * scale_in, side * scale_in, channels), np.float32)
    middle = slice(side // 2 * scale_in, (side // 2 + 1) * scale_in)
    poisoned[:, middle, middle] = np.nan
    quality = np.zeros(1, np.float32)
    shapes = jax.eval_shape(module.init, jax.random.key(0), poisoned, quality)
    params = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), shapes)
    output = jax.jit(module.apply)(params, poisoned, quality)
    reached = np.isnan(output[0]).any(-1).reshape(side, scale_out, side, scale_out).any((1, 3))
    rows, columns = np.flatnonzero(reached.any(1)), np.flatnonzero(reached.any(0))
    assert (rows == columns).all()
    reach = max(side // 2 - rows[0], rows[-1] - side // 2)
    assert reach == tiles.halo(settings[network])


@pytest.mark.parametrize("name", ["patch", "factorized"])
def test_tiles_give_what_one_run_gives(name, photo, monkeypatch):
    codec = small_codecs.build(name)
    pixels = pad_to_multiple(photo[:150, :200], codec.networks.stride)
    quality = np.array([0.5], np.float32)

    def latent(budget):
        unit = codec.networks.latent_stride
        return tiles.run(lambda x: codec.networks.latent(codec.params, x, quality), (pixels[None],), (unit, 1),
                         codec.networks.halos[0], budget // unit**2)  # fmt: skip

    whole, tiled = np.asarray(latent(1 << 20)), latent(96 * 96)
    assert np.abs(tiled - whole).max() < 1e-4 * np.abs(whole).max()

    data = encode(codec, photo[:150, :200])
    whole = decode(codec, data).astype(int)
    monkeypatch.setattr(tiles, "PIXEL_BUDGET", 96 * 96)
    assert np.abs(decode(codec, data) - whole).max() <= 1
