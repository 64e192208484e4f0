"""Files of a given closeness."""

import dataclasses
import re

import numpy as np
import pytest
import small_codecs
from hypothesis import example, given, settings
from hypothesis import strategies as st

import jaxcodec
from jaxcodec.distortions.distortion import similarity_db
from jaxcodec.distortions.ms_ssim import ms_ssim
from jaxcodec.distortions.mse import psnr_db
from jaxcodec.distortions.ssim import ssim
from jaxcodec.errors import RateError
from jaxcodec.image import Picture
from jaxcodec.targets.encode import encode_picture
from jaxcodec.targets.target import AtLeast


@pytest.fixture(scope="module")
def codec():
    return jaxcodec.load("patch-2026")


@pytest.fixture(scope="module")
def pixels(photo):
    return np.ascontiguousarray(photo[100:270, 160:340])


@pytest.mark.parametrize("target", [27.0, 33.3, 37.0])
def test_a_psnr_is_kept_and_hardly_exceeded(codec, pixels, target):
    decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, psnr=target))
    assert target <= float(psnr_db(decoded, pixels)) <= target + 0.05


def test_an_ms_ssim_is_kept_and_hardly_exceeded(codec, pixels):
    decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, pixels, ms_ssim=0.97))
    above = similarity_db(ms_ssim(decoded, pixels)) - similarity_db(0.97)
    assert 0 <= above <= 0.05


def test_any_metric_can_be_kept(codec, pixels):
    encoded = encode_picture(codec, Picture(pixels), AtLeast("ssim", 0.9))
    value = float(ssim(jaxcodec.decode(codec, encoded.data), pixels))
    assert 0 <= similarity_db(value) - similarity_db(0.9) <= 0.05
    assert encoded.reached == pytest.approx(value)


def test_grey_and_alpha_count_as_they_should(codec, pixels):
    grey = pixels[..., :1]
    assert (
        32
        <= float(psnr_db(jaxcodec.decode(codec, jaxcodec.encode(codec, grey, psnr=32.0)), grey))
        <= 32.05
    )
    seen = pixels[..., 0] > 60  # the others are transparent, and have no part in it
    assert 0.1 < seen.mean() < 0.9
    alpha = np.concatenate([pixels, np.where(seen, pixels[..., 0], 0)[..., None]], axis=-1)
    decoded = jaxcodec.decode(codec, jaxcodec.encode(codec, alpha, psnr=32.0))[..., :3]
    assert 32 <= float(psnr_db(decoded[seen][None], pixels[seen][None])) <= 32.05
    kept = jaxcodec.decode(
        codec, jaxcodec.encode(codec, alpha, psnr=32.0, keep_hidden_colour=True)
    )[..., :3]
    assert 32 <= float(psnr_db(kept, pixels)) <= 32.05


def test_a_codec_of_one_quality_does_it_by_its_step(codec, pixels):
    one = dataclasses.replace(codec, variable=False)  # its lowest quality alone
    encoded = encode_picture(one, Picture(pixels), psnr=29.0)
    assert 29 <= float(psnr_db(jaxcodec.decode(one, encoded.data), pixels)) <= 29.05
    assert encoded.quality is None and encoded.step < 1


@pytest.mark.long
def test_what_cannot_be_is_an_error_that_names_the_reach_or_the_nearest(codec, pixels):
    with pytest.raises(
        RateError, match=r"99 dB.* reaches [\d.]+ to [\d.]+ dB.*nearest=True \(--nearest\)"
    ):
        jaxcodec.encode(codec, pixels, psnr=99.0)
    nearest = encode_picture(codec, Picture(pixels), psnr=99.0, nearest=True)
    assert "the nearest file found has" in nearest.notes[-1]
    assert nearest.quality == 100 and nearest.step < 0.1
    coarsest = encode_picture(codec, Picture(pixels), psnr=1.0, nearest=True)
    assert coarsest.quality == 0 and coarsest.step > 10


@pytest.mark.parametrize(
    ("targets", "named"),
    [
        ({"psnr": -3.0}, "PSNR of -3"),
        ({"psnr": float("nan")}, "PSNR of nan"),
        ({"ms_ssim": 1.0}, "MS-SSIM of 1"),
        ({"ms_ssim": 0.9, "bpp": 0.5}, "bpp and ms_ssim"),
    ],
)
def test_what_makes_no_sense_is_named(codec, pixels, targets, named):
    with pytest.raises(RateError, match=named):
        jaxcodec.encode(codec, pixels, **targets)


def test_ms_ssim_takes_pictures_of_a_size(codec, pixels):
    with pytest.raises(RateError, match="161 pixels"):
        jaxcodec.encode(codec, pixels[:100], ms_ssim=0.9)


@pytest.fixture(scope="module")
def tiny():
    """A small codec of random weights, far from any picture, and so with closeness that jumps."""
    return small_codecs.build("tiny")


SHAPES = [(1, 1), (2, 3), (1, 40), (33, 20)]
KINDS = ("flat", "noise", "checkerboard", "ramp")


def made(kind: str, shape: tuple[int, int], channels: int, seed: int) -> np.ndarray:
    """A small picture, uint8 (height, width, channels)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    grey = {
        "flat": np.full(shape, rng.choice([0, 7, 128, 255])),
        "noise": rng.integers(0, 256, shape),
        "checkerboard": 255 * ((rows + columns) % 2),
        "ramp": (rows * 7 + columns * 5) % 256,
    }[kind]
    pixels = np.repeat(grey[..., None], channels, axis=2).astype(np.uint8)
    if channels == 4:
        pixels[..., 3] = rng.integers(1, 256, shape)
    return pixels


def psnr_of(codec, file: bytes, pixels) -> float:
    """That of the colours that a file shows, worked out in float64."""
    colours = min(pixels.shape[2], 3)
    difference = jaxcodec.decode(codec, file).astype(np.float64) - pixels
    error = np.mean(difference[..., :colours] ** 2)
    return 10 * np.log10(255**2 / error) if error else 100.0


def reach_of(codec, pixels) -> tuple[float, float]:
    """What the codec is told to reach with a picture, where it cannot come as close as is asked."""
    try:
        jaxcodec.encode(codec, pixels, psnr=99.9)
    except RateError as problem:
        return tuple(
            map(float, re.search(r"reaches ([\d.]+) to ([\d.]+) dB", str(problem)).groups())
        )
    return 1.0, 99.0


@pytest.mark.long
@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(SHAPES),
    st.sampled_from([1, 3, 4]),
    st.integers(0, 3),
    st.floats(0, 1),
)
@example("noise", (1, 1), 3, 0, 0.75)  # the nearest is found on the way to a coarser step
def test_whatever_is_within_reach_is_found(tiny, kind, shape, channels, seed, part):
    pixels = made(kind, shape, channels, seed)
    low, high = reach_of(tiny, pixels)
    target = low + part * (high - low)
    encoded = encode_picture(tiny, Picture(pixels), psnr=target)
    psnr = psnr_of(tiny, encoded.data, pixels)
    assert psnr >= target - 1e-4  # float32 against float64
    assert encoded.reached == pytest.approx(psnr, abs=1e-3)
    assert (encoded.reached > target + 0.05) == any(
        "at least as close has" in note for note in encoded.notes
    )
    if low <= high - 0.1:
        nearest = encode_picture(tiny, Picture(pixels), psnr=target, nearest=True)
        assert abs(nearest.reached - target) <= abs(encoded.reached - target) + 1e-6


@pytest.mark.parametrize("target", [30.0, 38.0, 41.0, 45.0, 60.0])
def test_a_black_picture_is_met_by_a_small_file(codec, target):
    black = np.zeros((40, 50, 3), np.uint8)
    encoded = encode_picture(codec, Picture(black), psnr=target)
    assert encoded.reached >= target and len(encoded.data) < 70
    assert encoded.notes[-1].startswith(
        f"a PSNR of {target:g} dB cannot be met closely, and the smallest file found"
    )


def test_nearest_is_the_smallest_of_the_nearest(codec):
    """Of a flat picture many files show the same."""
    grey = np.full((40, 50, 1), 128, np.uint8)
    at_least, nearest = (
        encode_picture(codec, Picture(grey), psnr=35.0, nearest=nearest)
        for nearest in (False, True)
    )
    assert abs(nearest.reached - 35) < abs(at_least.reached - 35)
    assert len(nearest.data) < 100


@pytest.mark.long
def test_less_than_any_file_has_is_met_by_the_smallest(codec, pixels):
    encoded = encode_picture(codec, Picture(pixels), psnr=1.0)
    assert encoded.reached > 1 and encoded.quality == 0 and encoded.step > 4
    assert "smallest file found that is at least as close" in encoded.notes[-1]


@pytest.mark.long
def test_an_ms_ssim_is_told_as_one(codec, pixels):
    encoded = encode_picture(codec, Picture(pixels), ms_ssim=0.96)
    assert encoded.reached == pytest.approx(
        float(ms_ssim(jaxcodec.decode(codec, encoded.data), pixels)), abs=1e-5
    )
    assert encode_picture(codec, Picture(pixels), bpp=0.5).reached is None
    with pytest.raises(
        RateError,
        match=r"^an MS-SSIM of 0.99999 cannot be met: .* reaches 0\.\d+ to 0\.99\d+ with this picture",  # noqa: E501
    ):
        jaxcodec.encode(codec, pixels, ms_ssim=0.99999)
