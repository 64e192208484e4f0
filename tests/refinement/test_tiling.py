"""Large pictures in tiles: what they cover, how they are joined, and that what comes of them is no
worse.
"""

import numpy as np
import pytest
import small_codecs
from skimage import data

import jaxcodec
from jaxcodec.coding import container
from jaxcodec.distortions.mse import DISTORTION as MSE
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.refinement import methods, tiling

SETTINGS = methods.make("ssl")
QUICK = {
    "method": "ssl_descent",
    "steps": 40,
    "every": 20,
    "learning_rate": 0.02,
    "trade_off": 1e-6,
}


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("tiny")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """uint8 (200, 60, 3)."""
    return data.astronaut()[20:220, 160:220]


def test_tiles_cover_a_picture_and_join_to_it(codec):
    stride = codec.geometry.stride
    pixels = np.arange(7 * 9 * stride**2 * 3).astype(np.uint8).reshape(7 * stride, 9 * stride, 3)
    parts = tiling.split(codec, pixels, 7 * stride - 5, 9 * stride - 3, 16 * stride**2)
    assert len(parts) > 1 and len({part.pixels.shape for part in parts}) == 1
    assert all(part.pixels[..., 0].size <= 16 * stride**2 for part in parts)
    assert max(part.row.start * stride + part.height for part in parts) == 7 * stride - 5
    assert max(part.column.start * stride + part.width for part in parts) == 9 * stride - 3
    assert sum(part.share * part.pixels[..., 0].size for part in parts) == pytest.approx(
        pixels[..., 0].size
    )
    np.testing.assert_array_equal(
        tiling.join(codec, parts, [part.pixels[None] for part in parts])[0], pixels
    )


def test_memory_grows_with_pixels(codec):
    less, more = (
        tiling.pixels_within(codec, SETTINGS, MSE, gigabytes << 30) for gigabytes in (1, 2)
    )
    assert more == pytest.approx(2 * less, abs=2)


@pytest.fixture(scope="module")
def tiled(codec, photo):
    """Latents of the picture in tiles, and how many those were."""
    pixels = tiling.pixels_within(codec, SETTINGS, MSE, 1 << 40)
    of_a_tile = (
        int(12 * codec.geometry.stride**2 / pixels * (1 << 40)) + 1
    )  # bytes for 6 by 2 strides
    seen = []
    (latents,) = jaxcodec.refine(
        codec, [photo], **QUICK, memory_bytes=of_a_tile, progress=seen.append
    )
    return latents, seen[0].batches


@pytest.mark.long
def test_a_tiled_picture_is_no_worse_and_weighs_what_was_said(codec, photo, tiled):
    latents, tiles = tiled
    assert tiles > 1
    assert latents.best.loss < latents.start.loss
    file = jaxcodec.encode(codec, photo, latents=latents)
    assert 8 * sum(container.read_header(file).part_bytes) == pytest.approx(
        latents.best.bits, rel=0.005, abs=64
    )
    assert float(psnr_db(jaxcodec.decode(codec, file), photo)) == pytest.approx(
        latents.best.psnr_db, abs=1e-3
    )
