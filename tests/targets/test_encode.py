"""Files of the size that was asked for, whatever the codec."""

import numpy as np
import pytest
import small_codecs
from skimage import data

import jaxcodec
from jaxcodec.codec import decode, encode_picture
from jaxcodec.coding import container
from jaxcodec.distortions import DistortionError, get
from jaxcodec.errors import RateError, RefineError
from jaxcodec.image import Picture
from jaxcodec.targets import effort, matching
from jaxcodec.targets import encode as rate_encode

KINDS = sorted(set(small_codecs.DESCRIPTIONS) - {"autoregressive"})
"""The untrained autoregressive codec takes nearly one rate whatever the step; it is tested where it
has one.
"""


@pytest.fixture(scope="module")
def small() -> np.ndarray:
    """uint8 (96, 112, 3)."""
    return data.astronaut()[64:160, 160:272]


def own_bpp(codec, pixels) -> float:
    """What a file takes at the codec's own step."""
    return encode_picture(codec, Picture(pixels)).bpp


@pytest.mark.long_but("0.9-tiny", "1.1-tiny", "0.9-factorized", "0.9-checkerboard")
@pytest.mark.parametrize(
    ("factor", "name"), [(0.9, name) for name in KINDS] + [(1.1, "tiny"), (1.1, "factorized")]
)
def test_every_kind_hits_a_rate_and_decodes(factor, name, small):
    codec = small_codecs.build(name)
    target = factor * own_bpp(codec, small)
    encoded = rate_encode.encode_picture(codec, Picture(small), bpp=target)
    limit = target * small[..., 0].size / 8
    assert limit - max(24, 0.01 * limit) - 1 <= len(encoded.data) <= limit
    assert decode(codec, encoded.data).shape == small.shape
    assert container.read_header(encoded.data).as_dict()["step"] == pytest.approx(
        encoded.step, rel=1e-4
    )


@pytest.mark.parametrize("coder", ["host", "lanes"])
@pytest.mark.parametrize("bpp", [0.3, 1.1])
def test_the_bundled_codec_is_at_most_half_a_percent_below(coder, bpp):
    pixels = data.astronaut()[:320, 100:420]
    codec = jaxcodec.load("patch-2026")
    encoded = rate_encode.encode_picture(codec, Picture(pixels), bpp=bpp, coder=coder)
    assert 0.995 * bpp - 8 / pixels[..., 0].size <= encoded.bpp <= bpp
    assert container.read_header(encoded.data).coder == coder


def test_where_the_size_jumps_single_symbols_are_spared(small, monkeypatch):
    """With a context the size can jump from one step to the next: here it does at every 2,000th
    alone.
    """
    codec = small_codecs.build("patch")
    whole = matching.file_at

    def coarse(codec, source, hundredths, analysis, step_index, *tau):
        return whole(codec, source, hundredths, analysis, step_index // 2000 * 2000, *tau)

    monkeypatch.setattr(matching, "file_at", coarse)
    target = 0.9 * own_bpp(codec, small)
    encoded = rate_encode.encode_picture(codec, Picture(small), bpp=target)
    limit = target * small[..., 0].size / 8
    assert limit - max(24, 0.01 * limit) - 1 <= len(encoded.data) <= limit
    assert decode(codec, encoded.data).shape == small.shape


def test_alpha_and_profile_count(small):
    codec = small_codecs.build("patch")
    rgba = np.concatenate([small, small[:, ::-1, :1]], axis=-1)
    target = own_bpp(codec, rgba) + 0.2
    data = rate_encode.encode_picture(codec, Picture(rgba, bytes(range(256))), bpp=target).data
    assert {"alpha", "icc"} <= container.read_header(data).section_bytes.keys()
    assert 8 * len(data) / small[..., 0].size <= target


def test_out_of_reach_names_what_weighs(small):
    codec, heavy = small_codecs.build("patch"), np.random.default_rng(0).bytes(2000)
    with pytest.raises(
        RateError,
        match=r"400 bytes cannot be met: .*its ICC profile takes 2,0\d\d bytes; --no-icc drops it",
    ):
        rate_encode.encode_picture(codec, Picture(small, heavy), max_bytes=400)
    with pytest.raises(RateError, match=r"its EXIF block takes 2,0\d\d bytes; --strip drops it"):
        rate_encode.encode_picture(codec, Picture(small, exif=heavy), bpp=0.01)
    with pytest.raises(RateError) as caught:
        rate_encode.encode_picture(codec, Picture(small, dpi=(72.0, 72.0)), max_bytes=40)
    assert "takes" not in str(caught.value)


def test_max_bytes_is_kept_to(small):
    codec = small_codecs.build("patch")
    limit = len(jaxcodec.encode(codec, small)) + 50
    size = len(jaxcodec.encode(codec, small, max_bytes=limit))
    assert limit - max(24, 0.01 * limit) <= size <= limit


def test_out_of_reach_names_the_range_and_nearest_takes_its_end(small):
    codec = small_codecs.build("patch")
    for bpp, side in ((0.001, 0), (60.0, 1)):
        with pytest.raises(
            RateError,
            match=r"the codec patch reaches [\d.]+ to [\d.]+ bpp.*nearest=True \(--nearest\)",
        ) as caught:
            rate_encode.encode_picture(codec, Picture(small), bpp=bpp)
        words = str(caught.value).split()
        reach = [float(words[words.index("to") + way]) for way in (-1, 1)]
        encoded = rate_encode.encode_picture(codec, Picture(small), bpp=bpp, nearest=True)
        assert encoded.bpp == pytest.approx(reach[side], rel=0.01)
        assert "out of reach" in encoded.notes[-1]


def test_what_max_bytes_cannot_fill_is_no_error(small):
    codec = small_codecs.build("patch")
    encoded = rate_encode.encode_picture(codec, Picture(small), max_bytes=10**6)
    assert encoded.data == jaxcodec.encode(codec, small, quality=100)
    assert encoded.notes[-1].startswith(
        f"1000000 bytes are {10**6 - len(encoded.data)} more than the best quality"
    )
    filled = rate_encode.encode_picture(codec, Picture(small), max_bytes=10**6, nearest=True)
    assert len(encoded.data) < len(filled.data) < 10**6 and filled.step < 0.1
    with pytest.raises(RateError, match="40 bytes cannot be met"):
        rate_encode.encode_picture(codec, Picture(small), max_bytes=40)


def test_a_codec_of_one_quality_is_filled_to_a_fourth_of_its_step(small):
    codec = small_codecs.build("one_quality")
    limit = int(1.08 * len(jaxcodec.encode(codec, small)))
    assert limit - 24 <= len(jaxcodec.encode(codec, small, max_bytes=limit)) <= limit
    encoded = rate_encode.encode_picture(codec, Picture(small), max_bytes=10**7)
    assert encoded.step == pytest.approx(0.25, rel=1e-3)
    assert "more than a fourth of its step" in encoded.notes[-1]


@pytest.mark.parametrize("target", [{"bpp": 1e308}, {"max_bytes": 10**400}])
def test_a_monstrous_target_is_an_error_or_a_bound(small, target):
    codec = small_codecs.build("patch")
    if "bpp" in target:
        with pytest.raises(RateError, match=r"1e\+308 bpp cannot be met"):
            jaxcodec.encode(codec, small, **target)
    else:
        assert jaxcodec.encode(codec, small, **target) == jaxcodec.encode(codec, small, quality=100)


def test_without_effort_it_is_the_plain_encoder(small):
    codec = small_codecs.build("patch")
    assert jaxcodec.encode(codec, small, effort=0) == jaxcodec.codec.encode(codec, small)
    assert jaxcodec.encode(codec, small, quality=20, effort=0) == jaxcodec.codec.encode(
        codec, small, quality=20
    )


def test_without_a_word_it_is_the_default_effort(small):
    codec = small_codecs.build("patch")
    assert jaxcodec.encode(codec, small) == jaxcodec.encode(codec, small, effort=effort.DEFAULT)


@pytest.mark.long_but("tiny", "factorized", "checkerboard")
@pytest.mark.parametrize("name", sorted(small_codecs.DESCRIPTIONS))
def test_every_kind_is_rounded_for_a_low_rate_at_a_quality_too(name, small):
    codec = small_codecs.build(name)
    plain, spared = (rate_encode.encode_picture(codec, small, effort=level) for level in (0, 2))
    assert len(spared.data) <= len(plain.data)
    assert (spared.quality, spared.step, spared.notes) == (plain.quality, 1.0, ())
    assert decode(codec, spared.data).shape == small.shape


@pytest.mark.long
def test_more_effort_takes_fewer_bits_for_the_same_loss():
    """Of the bundled codec, under the trade-off that it has with the picture."""
    pixels, codec = data.astronaut()[40:168, 160:288], jaxcodec.load("patch-2026")
    (latents,) = jaxcodec.refine(codec, [pixels], quality=40, steps=1, every=1)
    losses, sizes = [], []
    for level in (0, 1, 2, 3):
        file = jaxcodec.encode(codec, pixels, quality=40, effort=level)
        error = np.square(decode(codec, file).astype(np.float64) - pixels).mean()
        losses.append(latents.trade_off * error + 8 * len(file) / pixels[..., 0].size)
        sizes.append(len(file))
    assert max(losses[1:3]) < losses[0] and losses[3] < min(losses[:3])
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.long
def test_a_level_that_refines_is_a_number_of_steps(small):
    codec = small_codecs.build("tiny")
    by_level, by_steps = (
        jaxcodec.encode(codec, small, quality=60, **named)
        for named in ({"effort": 3}, {"refine": 25})
    )
    assert by_level == by_steps


def test_refinement_weighs_the_distortion_that_is_given(small):
    codec = small_codecs.build("tiny")
    by_ssim = jaxcodec.encode(codec, small, quality=60, refine=25, distortion="ssim")
    by_own = jaxcodec.encode(codec, small, quality=60, refine=25, distortion=get("ssim"))
    assert by_ssim == by_own != jaxcodec.encode(codec, small, quality=60, refine=25)
    assert decode(codec, by_ssim).shape == small.shape


def test_a_distortion_that_nothing_would_weigh_raises(small):
    codec = small_codecs.build("tiny")
    with pytest.raises(RefineError, match="^SSIM is weighed by refinement alone; give an effort"):
        jaxcodec.encode(codec, small, effort=2, distortion="ssim")
    with pytest.raises(DistortionError, match="^there is no distortion 'psnr'; choose from"):
        jaxcodec.encode(codec, small, effort=3, distortion="psnr")
    with pytest.raises(RefineError, match="^MS-SSIM takes sides of 161 pixels or more, and a"):
        jaxcodec.encode(codec, small, refine=5, distortion="ms_ssim")


def test_levels_that_do_not_refine_are_alike_at_a_size(small):
    codec = small_codecs.build("tiny")
    bpp = own_bpp(codec, small)
    files = {jaxcodec.encode(codec, small, bpp=bpp, effort=level) for level in (0, 1, 2)}
    assert len(files) == 1


def test_effort_beside_another_word_for_it_raises(small):
    codec = small_codecs.build("tiny")
    with pytest.raises(RefineError, match="^effort and refine were given together; give one"):
        jaxcodec.encode(codec, small, effort=3, refine=25)
    (latents,) = jaxcodec.refine(codec, [small], steps=1, every=1)
    with pytest.raises(RateError, match="^effort and latents were given together; give one"):
        jaxcodec.encode(codec, small, effort=0, latents=latents)
    with pytest.raises(RateError, match="^distortion and latents were given together; give one"):
        jaxcodec.encode(codec, small, distortion="ssim", latents=latents)


def test_a_second_rate_compiles_nothing(small):
    import jax

    codec, compiled = small_codecs.build("patch"), []
    jaxcodec.encode(codec, small, bpp=own_bpp(codec, small))
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(event) if "compile" in event else None
    )
    try:
        data = jaxcodec.encode(codec, small[::-1], bpp=1.1 * own_bpp(codec, small))
        assert compiled == []
        decode(codec, data)
    finally:
        jax.monitoring.clear_event_listeners()


@pytest.mark.parametrize(
    "target",
    [{"bpp": 0}, {"bpp": -1}, {"bpp": float("nan")}, {"bpp": float("inf")}, {"max_bytes": 0}],
)
def test_a_senseless_target_raises(small, target):
    with pytest.raises(RateError, match="makes no sense"):
        jaxcodec.encode(small_codecs.build("tiny"), small, **target)


def test_two_targets_raise(small):
    with pytest.raises(RateError, match="quality and bpp were given together; give one"):
        jaxcodec.encode(small_codecs.build("tiny"), small, quality=50, bpp=1)
