import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import decode, encode, tiles
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
    assert rows * columns <= max(budget, (2 * reach + 1) ** 2 * 4)


@pytest.mark.parametrize("name", sorted(small_codecs.DESCRIPTIONS))
@pytest.mark.parametrize("network", ["analysis", "synthesis"])
def test_the_halo_is_how_far_a_network_reaches(name, network):
    """A NaN spreads exactly to what depends on it."""
    from jaxcodec import models

    unit, side = small_codecs.build(name).networks.latent_stride, 11
    module = getattr(models.build(small_codecs.DESCRIPTIONS[name]), network)
    params = {"params": small_codecs.params(name)["params"][network]}
    scale_in, scale_out = (unit, 1) if network == "analysis" else (1, unit)
    channels = 3 if network == "analysis" else small_codecs.DESCRIPTIONS[name]["gains"]["channels"]
    poisoned = np.zeros((1, side * scale_in, side * scale_in, channels), np.float32)
    middle = slice(side // 2 * scale_in, (side // 2 + 1) * scale_in)
    poisoned[:, middle, middle] = np.nan
    output = jax.jit(module.apply)(params, poisoned, np.zeros(1, np.float32))
    reached = np.isnan(output[0]).any(-1).reshape(side, scale_out, side, scale_out).any((1, 3))
    rows = np.flatnonzero(reached.any(1))
    reach = max(side // 2 - rows[0], rows[-1] - side // 2)
    assert reach <= tiles.halo(small_codecs.DESCRIPTIONS[name][network]) <= reach + 1


@pytest.mark.parametrize("name", sorted(small_codecs.DESCRIPTIONS))
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
