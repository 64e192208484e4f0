"""Between pixels and symbols."""

import dataclasses
import zlib

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec.codec import encode, symbols, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.entropy.order import Symbols
from jaxcodec.errors import BitstreamError

QUALITY = np.array([5000], np.int32)


@pytest.mark.parametrize("name", ["tiny", "factorized", "four_step", "normalised"])
def test_symbols_are_residuals_to_the_nearest_and_shapes_are_the_codecs(name, photo):
    codec = small_codecs.build(name)
    analysis = symbols.analyse(codec, photo[None, 100:164, 200:296], QUALITY)
    found = symbols.rounded(codec, analysis)
    assert found.latent.shape == codec.latent_shape((64, 96))
    assert bool(analysis.seen) == (codec.networks.pass_count > 1)
    if not analysis.seen:
        np.testing.assert_array_equal(found.latent, np.rint(np.asarray(analysis.residual)))
    if name == "factorized":
        assert found.hyper is None
    else:
        assert found.hyper.shape == codec.hyper_shape((64, 96))


def test_synthesis_gives_levels_and_grey_is_the_mean_of_the_colours(photo):
    codec = small_codecs.build("tiny")
    analysis = symbols.analyse(codec, photo[None, 100:164, 200:264], QUALITY)
    coded = symbols.rounded(codec, analysis)
    colour, grey = (
        np.asarray(symbols.synthesise(codec, coded, QUALITY, grey=grey, run=tiles.whole))
        for grey in (False, True)
    )
    assert colour.shape == (1, 64, 64, 3) and grey.shape == (1, 64, 64, 1)
    assert colour.dtype == grey.dtype == np.uint8
    inside = ((colour > 0) & (colour < 255)).all(axis=-1)
    assert np.abs(colour.mean(axis=-1) - grey[..., 0])[inside].max() <= 1


def test_the_checksum_is_a_crc_of_identity_hyper_symbols_and_latent():
    hyper, latent = np.array([[[[1, -2]]]]), np.array([[[[3], [2**31 - 1]]]])
    data = b"who" + b"".join(
        int(value).to_bytes(4, "little", signed=True) for value in (1, -2, 3, 2**31 - 1)
    )
    assert container.checksum(Symbols(hyper, latent), b"who") == zlib.crc32(data)
    assert container.checksum(Symbols(None, latent), b"who") == zlib.crc32(data[:3] + data[11:])


def test_other_symbols_than_those_of_the_header_are_an_error(photo):
    codec = small_codecs.build("tiny")
    pixels = np.ascontiguousarray(photo[100:164, 200:264])
    header, _, _ = container.read(encode(codec, pixels, quality=50))
    analysis = symbols.analyse(codec, pixels[None], QUALITY)
    coded = symbols.rounded(codec, analysis)
    symbols.check(coded, header)
    latent = np.array(coded.latent)
    latent[0, 0, 0, 0] += 1
    with pytest.raises(BitstreamError, match="came out otherwise than they were encoded"):
        symbols.check(Symbols(coded.hyper, latent), header)
    with pytest.raises(BitstreamError):
        symbols.check(coded, dataclasses.replace(header, width=60))


@pytest.mark.parametrize("step_index", [0, 800])
def test_symbols_in_passes_are_the_same_in_windows_of_odd_places(photo, step_index, monkeypatch):
    codec = at_step(small_codecs.build("four_step"), step_index)
    pixels = photo[None, :160, :224]
    in_one = symbols.rounded(codec, symbols.analyse(codec, pixels, QUALITY, tiles.whole))
    shown = symbols.synthesise(codec, in_one, QUALITY, run=tiles.whole)
    monkeypatch.setattr(tiles, "PIXEL_BUDGET", 48 * 16**2)
    starts = [row.start for row, _ in tiles.plan(10, 14, codec.geometry.passes.reach, 48)[1]]
    assert any(start % 2 for start in starts)  # of windows: their first place is not the grid's
    analysis = symbols.analyse(codec, pixels, QUALITY)
    tiled = symbols.rounded(codec, analysis)
    for one, other in zip(in_one, tiled, strict=True):
        np.testing.assert_array_equal(one, other)
    pieces = symbols.synthesise(codec, tiled, QUALITY)
    assert np.abs(np.asarray(shown, int) - np.asarray(pieces)).max() <= 1


def test_the_analysis_of_known_symbols_is_that_of_the_picture(photo):
    codec = small_codecs.build("four_step")
    analysis = symbols.analyse(codec, photo[None, 100:164, 200:264], QUALITY)
    again = symbols.of_symbols(codec, analysis.hyper, analysis.residual, QUALITY)
    for one, other in zip(jax.tree.leaves(analysis), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
