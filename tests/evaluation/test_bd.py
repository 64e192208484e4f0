import json

import numpy as np
import pytest

from jaxcodec.evaluation.bd import Curve, CurveError, bd_quality, bd_rate

BPP = (0.1, 0.2, 0.4, 0.8, 1.6)
PSNR = (26.0, 28.5, 31.2, 34.4, 38.0)


def curve(bpp=BPP, quality=PSNR, name="curve"):
    return Curve(tuple(bpp), tuple(quality), name)


@pytest.mark.parametrize("rate_range", [None, (0.15, 1.0)])
def test_equal_curves_differ_by_nothing(rate_range):
    assert bd_rate(curve(), curve(), rate_range) == pytest.approx(0, abs=1e-9)
    assert bd_quality(curve(), curve(), rate_range) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("factor", [1.1, 0.7])
@pytest.mark.parametrize("rate_range", [None, (0.15, 1.0)])
def test_a_curve_at_other_rates(factor, rate_range):
    scaled = curve(factor * np.array(BPP))
    assert bd_rate(scaled, curve(), rate_range) == pytest.approx(100 * (factor - 1), abs=1e-9)


@pytest.mark.parametrize("rate_range", [None, (0.15, 1.0)])
def test_a_curve_at_other_qualities(rate_range):
    assert bd_quality(curve(quality=np.array(PSNR) + 0.7), curve(), rate_range) == pytest.approx(
        0.7, abs=1e-9
    )


def test_a_straight_line_by_hand():
    # 3 dB a doubling against 2 dB a doubling, from one point: halfway through the common 6 dB the
    # first has saved half a doubling, and halfway through the common two doublings it has gained 1
    # dB.
    steep, flat = curve((1, 2, 4), (30, 33, 36)), curve((1, 2, 4, 8), (30, 32, 34, 36))
    assert bd_rate(steep, flat) == pytest.approx(100 * (2**-0.5 - 1), abs=1e-9)
    assert bd_quality(steep, flat) == pytest.approx(1.0, abs=1e-9)


def test_a_rate_range_cuts_both_curves_where_they_reach_it():
    # Over 1 to 2 bpp the curves have 30 to 33 and 30 to 32 dB: 2 dB in common, a sixth of a
    # doubling saved on average.
    steep, flat = curve((1, 2, 4), (30, 33, 36)), curve((1, 2, 4, 8), (30, 32, 34, 36))
    assert bd_rate(steep, flat, (1, 2)) == pytest.approx(100 * (2 ** (-1 / 6) - 1), abs=1e-9)
    assert bd_quality(steep, flat, (1, 2)) == pytest.approx(0.5, abs=1e-9)
    assert bd_rate(steep, flat, (0.01, 100)) == bd_rate(steep, flat)


def test_order_does_not_matter():
    shuffled = [2, 0, 4, 1, 3]
    mixed = curve(np.array(BPP)[shuffled], np.array(PSNR)[shuffled])
    other = curve(1.3 * np.array(BPP))
    assert bd_rate(mixed, other) == bd_rate(curve(), other)


def test_points_that_nobody_would_choose_do_not_count():
    # Dearer and worse, dearer and equal, equal and worse, and one that is not finite.
    longer = curve((*BPP, 0.5, 0.9, 0.4, 2.0), (*PSNR, 31.0, 34.4, 30.0, np.inf))
    other = curve(1.3 * np.array(BPP))
    assert bd_rate(longer, other) == bd_rate(curve(), other)
    assert bd_quality(longer, other) == bd_quality(curve(), other)


def test_curves_without_overlap_are_refused():
    above = curve(quality=np.array(PSNR) + 20, name="above")
    with pytest.raises(CurveError, match="above and low share no range of quality"):
        bd_rate(above, curve(name="low"))
    far = curve(100 * np.array(BPP), name="far")
    with pytest.raises(CurveError, match="far and low share no range of rates"):
        bd_quality(far, curve(name="low"))
    with pytest.raises(CurveError, match="far has no part within 0.15 to 1 bpp"):
        bd_rate(far, curve(), (0.15, 1))


@pytest.mark.parametrize(
    ("bpp", "quality", "message"),
    [
        ((0.1, 0.2), (30,), "2 rates but 1 qualities"),
        ((0.0, 0.2), (30, 31), "not above 0 bpp"),
        ((0.1,), (30,), "fewer than two points"),
        ((0.1, 0.2), (31, 30), "fewer than two points"),
        ((0.1, 0.2), (30, np.inf), "fewer than two points"),
    ],
)
def test_malformed_curves_are_refused(bpp, quality, message):
    with pytest.raises(CurveError, match=message):
        Curve(bpp, quality)


@pytest.fixture(scope="module")
def published(shared_dir):
    """The published curves of PSNR by name."""
    codecs = json.loads((shared_dir / "reference" / "published_rd_kodak.json").read_text())[
        "codecs"
    ]
    return {name: curve(codec["bpp"], codec["psnr_db"], name) for name, codec in codecs.items()}


@pytest.mark.parametrize(
    ("name", "percent", "tolerance"),
    [
        ("HPCM-Large", -20.0, 0.05),
        ("HPCM-Base", -16.0, 0.05),
        ("LALIC", -15.3, 0.05),
        ("FTIC", -14.6, 0.05),
        ("MLIC+", -13.1, 0.05),
        ("ELIC", -7.0, 0.05),
        ("Cool-Chic 5.0", -6.6, 0.05),
        ("cheng2020-anchor (CompressAI)", 3.7, 0.05),
        ("SGA, 2000 steps (Yang 2020)", 6.1, 0.05),
        ("joint autoregressive (CompressAI)", 11.0, 0.05),
        ("mean-scale hyperprior (CompressAI)", 21.3, 0.05),
        ("BPG 4:4:4", 22, 0.5),
        ("scale hyperprior (CompressAI)", 30.5, 0.05),
        ("factorized (CompressAI)", 68, 0.5),
        ("JPEG", 208, 0.5),
    ],
)
def test_known_levels_against_vtm(published, name, percent, tolerance):
    assert bd_rate(published[name], published["VTM intra (9.1)"]) == pytest.approx(
        percent, abs=tolerance
    )
