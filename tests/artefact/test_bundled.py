"""The codec that comes with the package: its promises of size, cost, rate and quality."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxcodec
from jaxcodec.artefact import bundled
from jaxcodec.codec import symbols, tiles
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.runtime import convolution

QUALITIES = (0, 35, 70, 100)


def test_the_default_is_a_name_for_one_of_the_files():
    (info,) = [info for info in bundled.available() if "default" in info.aliases]
    assert info.name == bundled.ALIASES["default"] and info.name != "default"
    assert bundled.find("default") == bundled.find(info.name) == info.path
    assert jaxcodec.load("default") == jaxcodec.load(info.name)


def test_a_name_is_of_a_bundled_file_and_others_are_paths(tmp_path):
    for info in bundled.available():
        assert bundled.name_of(info.path) == info.name
    assert bundled.name_of(tmp_path / "patch-2026.codec") == str(tmp_path / "patch-2026.codec")


@pytest.fixture(scope="module")
def codec():
    return jaxcodec.load("default")


def test_its_file_is_small_and_listed():
    (info,) = [info for info in bundled.available() if "default" in info.aliases]
    assert info.size_bytes <= 16_000_000
    low, high = info.bpp_range
    assert low < 0.15 and high > 1.0


def test_decoding_takes_at_most_30_kmac_per_pixel(codec, monkeypatch):
    """All networks, integer ones included, with plain convolutions; as XLA counts operations."""
    monkeypatch.setattr(convolution, "choose_form", lambda *_: convolution.Form.XLA)
    size = 256
    channels = codec.params["params"]["prior"]["bias_0"].shape[0]
    shapes = [
        (1, size // codec.geometry.stride, size // codec.geometry.stride, channels),
        (1, size // codec.geometry.latent_stride, size // codec.geometry.latent_stride,
         codec.geometry.channels),
    ]  # fmt: skip

    def decode_networks(codec, symbol, quality):
        order = codec.order.decode(codec.integer, *shapes, quality, tiles.whole)
        request, tables = next(order), []
        try:
            while True:
                tables.append(request.indices)
                request = order.send(jnp.broadcast_to(symbol, np.shape(request.indices)))
        except StopIteration as end:
            return tables, symbols.synthesise(codec, end.value, quality, run=tiles.whole)

    given = codec, np.int32(1), np.zeros(1, np.int32)
    cost = jax.jit(decode_networks).lower(*given).cost_analysis()
    assert 1_000 < cost["flops"] / 2 / size**2 < 30_000


@pytest.mark.long
def test_the_rate_of_a_picture_does_not_depend_on_its_tiling(codec, photo):
    """Crops of 128 in training made tiles far cheaper than pictures; 256 must not."""
    header = len(jaxcodec.encode(codec, photo[:1, :1]))
    tiles = [photo[top : top + 256, left : left + 256] for top in (0, 256) for left in (0, 256)]
    for quality in QUALITIES:
        whole = len(jaxcodec.encode(codec, photo, quality=quality)) - header
        parts = sum(len(jaxcodec.encode(codec, tile, quality=quality)) - header for tile in tiles)
        assert parts == pytest.approx(whole, rel=0.03)


def test_more_quality_costs_more_and_comes_closer(codec, photo):
    picture = photo[:256, 128:384]
    files = [jaxcodec.encode(codec, picture, quality=quality) for quality in QUALITIES]
    assert (np.diff([len(file) for file in files]) > 0).all()
    distances = [float(psnr_db(picture, jaxcodec.decode(codec, file))) for file in files]
    assert (np.diff(distances) > 0).all()


@pytest.mark.parametrize("bpp", [0.25, 0.5, 1.0])
def test_it_beats_jpeg_at_the_size_that_was_asked_for(codec, photo, bpp):
    picture = photo[:256, 128:384]
    data = jaxcodec.encode(codec, picture, bpp=bpp)
    assert 0.93 * bpp < 8 * len(data) / picture[..., 0].size <= bpp
    for quality in range(1, 96):
        file = io.BytesIO()
        Image.fromarray(picture).save(
            file, "JPEG", quality=quality, optimize=True, subsampling="4:2:0"
        )
        if file.tell() >= len(data):
            break
    jpeg = np.asarray(Image.open(file))
    assert psnr_db(picture, jaxcodec.decode(codec, data)) > psnr_db(picture, jpeg) + 0.5
