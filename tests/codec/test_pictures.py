import io
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest
import small_codecs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

import jaxcodec
from jaxcodec import models
from jaxcodec.artefact import codec_file
from jaxcodec.codec import decode, decode_picture, encode, encode_picture
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container, sections
from jaxcodec.errors import BitstreamError, CodecError, ImageError, RateError
from jaxcodec.image import Picture, hidden, pad_to_multiple, standard_profiles, to_float


def test_a_picture_round_trips(any_codec, face):
    data = encode(any_codec, face)
    decoded = decode(any_codec, data)
    assert decoded.dtype == np.uint8
    assert decoded.shape == face.shape
    header = container.read_header(data)
    assert (header.codec_id, header.width, header.height, header.channels) == (
        any_codec.id,
        60,
        48,
        3,
    )
    assert len(data) - sum(header.part_bytes) <= 43


@pytest.mark.parametrize("name", ["tiny", "one_quality", "patch", "four_step", "normalised"])
def test_the_decoded_picture_is_the_models_own_reconstruction(name, face):
    codec, model = small_codecs.build(name), models.build(small_codecs.DESCRIPTIONS[name])
    padded = to_float(pad_to_multiple(face, codec.geometry.stride))[None]
    quality = np.array([0.5 if codec.variable else 0.0], np.float32)
    output = jax.jit(
        lambda params: model.apply(params, padded, quality, jax.random.key(0), kind="round")
    )(codec.params)
    expected = np.asarray(output.image)[0, : face.shape[0], : face.shape[1]].clip(0, 1) * 255
    data = encode(codec, face)
    assert np.abs(decode(codec, data) - expected).max() < 0.51
    # Never above the estimate; below it only where an escape is cheaper than the floor of the
    # likelihood.
    parts = container.read_header(data).part_bytes
    bits, words = output.bits[0], 32 * len(parts)  # of which each part ends in one that is not full
    assert 0.8 * bits < 8 * sum(parts) < 1.01 * bits + words


def test_the_start_of_the_patch_network_keeps_the_picture(codec, face):
    error = decode(codec, encode(codec, face, quality=100)).astype(float) - face
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 25


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([1, 3, 4]),
    st.booleans(),
    st.integers(0, 1000),
)
def test_every_size_and_channel_count_round_trips(height, width, channels, profiled, seed):
    codec = small_codecs.build("tiny")
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, channels), np.uint8)
    icc = rng.bytes(seed) if profiled else None
    picture = decode_picture(codec, encode_picture(codec, Picture(pixels, icc)).data)
    assert picture.pixels.shape == pixels.shape
    assert picture.pixels.dtype == np.uint8
    assert picture.icc == icc
    if channels == 4:
        assert np.array_equal(picture.pixels[:, :, 3], pixels[:, :, 3])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_pixel_round_trips(any_codec, channels):
    pixels = np.full((1, 1, channels), 77, np.uint8)
    decoded = decode(any_codec, encode(any_codec, pixels))
    assert decoded.shape == (1, 1, channels)


def test_grey_is_the_mean_of_the_colours_that_its_copy_in_colour_gives(tiny, face):
    grey = face[:, :, :1]
    as_colour = decode(tiny, encode(tiny, np.repeat(grey, 3, axis=-1))).astype(float)
    decoded = decode(tiny, encode(tiny, grey))
    assert decoded.shape == grey.shape
    assert np.abs(decoded[:, :, 0] - as_colour.mean(-1)).max() <= 1


def test_the_border_does_not_depend_on_what_lies_beyond_the_picture(tiny, face):
    padded = np.pad(face, ((0, 16), (0, 4), (0, 0)), mode="edge")
    whole = decode(tiny, encode(tiny, padded))
    assert np.array_equal(decode(tiny, encode(tiny, face)), whole[:48, :60])


def test_encoding_twice_gives_identical_bytes(any_codec, face):
    assert encode(any_codec, face) == encode(any_codec, face)


def test_decoding_in_a_new_process_gives_identical_pixels_without_training_code(
    tiny, face, tmp_path
):
    codec_file.save(tmp_path / "tiny.codec", small_codecs.content("tiny"))
    data = encode(tiny, face)
    (tmp_path / "face.jxc").write_bytes(data)
    script = """
import pathlib, sys, numpy, jaxcodec
numpy.save("face.npy", jaxcodec.decode(jaxcodec.load("tiny.codec"), pathlib.Path("face.jxc").read_bytes()))
print(*sys.modules)
"""  # noqa: E501
    root = pathlib.Path(jaxcodec.__file__).parent.parent
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert np.array_equal(np.load(tmp_path / "face.npy"), decode(tiny, data))
    modules = set(process.stdout.split())
    assert "jaxcodec.coding.host" in modules
    assert not modules & {
        "jaxcodec.training",
        "jaxcodec.artefact.export",
        "optax",
        "orbax.checkpoint",
        "grain",
    }


def test_a_second_picture_of_the_same_size_compiles_nothing(tiny, face):
    decode(tiny, encode(tiny, face, quality=30))
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if "compile" in event else None
    )
    try:
        data = encode(tiny, face[::-1, ::-1], quality=80)
        decode(tiny, data)
        assert compiled == []
        encode(tiny, np.resize(face, (300, 20, 3)))
        assert compiled
    finally:
        jax.monitoring.clear_event_listeners()


def test_quality_goes_into_the_header_and_raises_the_rate(tiny, face):
    sizes = []
    for quality in (0, 33.333, 100):
        encoded = encode_picture(tiny, Picture(face), quality=quality)
        assert container.read_header(encoded.data).quality == round(100 * quality)
        assert encoded.quality == round(quality, 2)
        assert encoded.bpp == 8 * len(encoded.data) / (48 * 60)
        sizes.append(len(encoded.data))
    assert sizes == sorted(set(sizes))
    assert encode(tiny, face) == encode(tiny, face, quality=50)


@pytest.mark.parametrize("name", ["tiny", "one_quality", "normalised"])
def test_a_codec_at_a_step_encodes_at_it(name, face):
    codec = small_codecs.build(name)
    coarse = at_step(codec, 843)
    data = encode(coarse, face)
    assert container.read_header(data).step == 843
    assert len(data) < len(encode(codec, face))
    np.testing.assert_array_equal(decode(codec, data), decode(coarse, data))
    with_effort = jaxcodec.encode(coarse, face, effort=2)
    assert container.read_header(with_effort).step == 843


@pytest.mark.parametrize("quality", [-0.01, 100.01, float("nan"), float("inf")])
def test_a_quality_out_of_range_raises(tiny, face, quality):
    with pytest.raises(RateError, match="from 0 to 100"):
        encode(tiny, face, quality=quality)


def test_a_codec_with_one_quality_takes_none(face):
    fixed = small_codecs.build("one_quality")
    encoded = encode_picture(fixed, Picture(face))
    assert encoded.quality is None
    assert container.read_header(encoded.data).quality is None
    with pytest.raises(RateError, match="has one quality"):
        encode(fixed, face, quality=50)


def test_a_profile_that_is_too_long_is_dropped_with_a_note(tiny, face, monkeypatch):
    monkeypatch.setattr(sections, "MAX_BYTES", 10)
    encoded = encode_picture(tiny, Picture(face, b"x" * 11))
    assert "dropped an ICC profile of 11 bytes" in encoded.notes[0]
    assert jaxcodec.decode(tiny, encoded.data).shape == face.shape


def test_what_describes_a_picture_comes_back(tiny, face):
    fields = {
        "icc": b"of its own",
        "exif": b"II*\0" + bytes(20),
        "xmp": b"<x:xmpmeta/>",
        "dpi": (300.0, 72.009),
    }
    decoded = decode_picture(tiny, encode_picture(tiny, Picture(face, **fields)).data)
    assert {name: getattr(decoded, name) for name in fields} == fields


def test_hidden_colour_has_no_part_in_a_file_unless_it_is_kept(tiny, face):
    """The same picture, with black and with noise where nobody sees it."""
    alpha = np.full((*face.shape[:2], 1), 255, np.uint8)
    alpha[10:40, 12:50] = 0
    noise = np.random.default_rng(0).integers(0, 256, face.shape, np.uint8)
    pictures = [
        np.concatenate([np.where(alpha == 0, under, face), alpha], axis=-1)
        for under in (np.uint8(0), noise)
    ]
    files = [encode(tiny, picture) for picture in pictures]
    assert files[0] == files[1]
    assert np.array_equal(decode(tiny, files[0])[:, :, 3:], alpha)
    kept = [encode(tiny, picture, keep_hidden_colour=True) for picture in pictures]
    assert len({*kept, files[0]}) == 3
    smooth = np.concatenate([hidden.forget(pictures[1]), alpha], axis=-1)
    assert encode(tiny, smooth, keep_hidden_colour=True) == files[0]


def test_a_picture_that_nobody_sees_costs_as_a_flat_one(tiny, face):
    unseen = np.concatenate([face, np.zeros_like(face[:, :, :1])], axis=-1)
    flat = np.full_like(unseen, 128)
    flat[:, :, 3] = 0
    assert encode(tiny, unseen) == encode(tiny, flat, keep_hidden_colour=True)


def test_an_image_of_pillow_is_a_picture(tiny, face):
    assert encode(tiny, Image.fromarray(face)) == encode(tiny, face)
    turned = Image.Exif()
    turned[274] = 6
    stored = io.BytesIO()
    Image.fromarray(face).save(stored, "PNG", exif=turned, dpi=(300, 300))
    picture = decode_picture(tiny, encode(tiny, Image.open(stored)))
    assert picture.pixels.shape == (60, 48, 3)
    assert picture.dpi == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_an_image_of_pillow_in_other_colours_is_converted_with_a_note(tiny, face, mode):
    """And not taken as the numbers that it holds."""
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        other = ImageCms.profileToProfile(Image.fromarray(face), srgb, lab, outputMode="LAB")
    else:
        other = Image.fromarray(face).convert(mode)
    encoded = encode_picture(tiny, other)
    assert container.read_header(encoded.data).channels == 3
    assert any(mode.lower() in note.lower() for note in encoded.notes)
    decoded, expected = decode(tiny, encoded.data).astype(int), decode(tiny, encode(tiny, face))
    assert np.abs(decoded - expected).mean() < 8


def test_what_decode_writes_is_read_again(tiny, face, tmp_path):
    """A profile of 1.5 MB, which is too long for Pillow's own limit."""
    noise = np.random.default_rng(0).bytes(1_500_000)
    profile = (
        standard_profiles.content(2)
        .replace(b"rXYZ", b"....")
        .replace(b"gXYZ", b"rXYZ")
        .replace(b"....", b"gXYZ")
    )
    profile = (
        (len(profile) + len(noise)).to_bytes(4, "big") + profile[4:] + noise
    )  # no standard one any more
    decoded = decode_picture(tiny, encode(tiny, Picture(face, profile)))
    assert jaxcodec.write_image(tmp_path / "a.png", decoded) == ()
    again = jaxcodec.read_image(tmp_path / "a.png")
    assert np.array_equal(again.pixels, decoded.pixels)
    assert again.icc == profile


@pytest.mark.parametrize("wrong", ["photo.png", pathlib.Path("photo.png"), [[1, 2]], None, 5])
def test_what_is_no_picture_is_refused_by_its_type(tiny, wrong):
    with pytest.raises(ImageError, match=f"a {type(wrong).__name__} is no picture"):
        encode(tiny, wrong)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), np.uint8)]
)
def test_arrays_that_are_no_picture_are_refused(tiny, array):
    with pytest.raises(ImageError, match="an image must be uint8 of shape"):
        encode(tiny, array)


def test_any_kind_of_bytes_decodes_and_nothing_else(tiny, face):
    data = encode(tiny, face)
    for same in (bytearray(data), memoryview(data)):
        assert np.array_equal(decode(tiny, same), decode(tiny, data))
    for wrong, remedy in (
        (np.frombuffer(data, np.uint8), "its bytes"),
        ("photo.jxc", "read_bytes"),
        (None, "its bytes"),
    ):
        with pytest.raises(
            BitstreamError, match=f"a {type(wrong).__name__} is no .jxc file, .*{remedy}"
        ):
            decode(tiny, wrong)


def test_the_name_of_a_codec_is_no_codec(tiny, face):
    data = encode(tiny, face)
    for call in (
        lambda: encode("default", face),
        lambda: decode("default", data),
        lambda: jaxcodec.encode(None, face, bpp=1),
    ):
        with pytest.raises(CodecError, match=r"is not a codec; give what jaxcodec\.load"):
            call()
