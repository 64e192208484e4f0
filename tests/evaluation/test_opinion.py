"""What people say: rows that are made again to the stated rate, and a loader for TID's layout."""

import csv

import numpy as np
import pytest
from PIL import Image

from jaxcodec import distortions
from jaxcodec.distortions import mse
from jaxcodec.evaluation import opinion
from jaxcodec.evaluation.coder import EvaluationError


@pytest.fixture
def rated(shared_dir):
    data = shared_dir / "data"
    return opinion.mucped23(data / "subjective" / "mucped23", data / "test" / "cid22_validation")


def test_fifteen_rows_are_made_again(rated):
    assert len(rated) == 15
    assert all(len(each.pairs) == 49 and each.low < each.score < each.high for each in rated)


@pytest.mark.parametrize(
    ("name", "bpp", "psnr_db"),
    [("libjpeg-turbo-q55-yuv420", 0.890062, 32.295), ("mozjpeg-q90-yuv444", 2.4954896, 39.390)],
)
def test_their_rates_and_closeness_are_those_that_are_known(rated, name, bpp, psnr_db):
    (row,) = (each for each in rated if each.name == name)
    found = np.mean([pair.bpp() for pair in row.pairs])
    assert found == pytest.approx(bpp, abs=2e-6)
    (value,) = opinion.measured([row], lambda a, b: float(mse.psnr_db(a, b)))
    assert value == pytest.approx(psnr_db, abs=6e-4)


KNOWN = {
    "libjpeg-turbo-q55-yuv420": (32.295, 0.9241, 0.9814),
    "libjpeg-turbo-q75-yuv420": (34.072, 0.9437, 0.9877),
    "libjpeg-turbo-q95-yuv444": (42.926, 0.9861, 0.9985),
    "mozjpeg-q70-yuv420": (33.082, 0.9355, 0.9868),
    "mozjpeg-q90-yuv444": (39.390, 0.9786, 0.9976),
}
"""PSNR, SSIM and MS-SSIM of rows, means over the 49 pictures."""


@pytest.mark.long
def test_all_rates_are_those_of_the_table_and_five_rows_are_as_close_as_is_known(rated, shared_dir):
    with open(shared_dir / "data" / "subjective" / "mucped23" / "elo.csv") as file:
        stated = {row["method"]: float(row["bpp"]) for row in csv.DictReader(file)}
    for row in rated:
        bpp = np.mean([pair.bpp() for pair in row.pairs])
        assert bpp == pytest.approx(stated[row.name], abs=2e-6)
    found = {row.name: row for row in rated if row.name in KNOWN}
    assert len(found) == len(KNOWN)
    for name, expected in KNOWN.items():
        for distance, value, digits in zip(
            ("mse", "ssim", "ms_ssim"), expected, (6e-4, 6e-5, 6e-5), strict=True
        ):
            of = distortions.get(distance)
            (own,) = opinion.measured([found[name]], lambda a, b, of=of: float(of.value(a, b)))
            assert own == pytest.approx(value, abs=digits)


def test_the_pairs_that_are_told_apart_are_those_of_the_table(rated):
    own = opinion.agreement(rated, np.array([row.score for row in rated]), higher_is_better=True)
    assert (own.told, own.wrong, own.correlation.rho) == (94, 0, 1.0)


def test_pictures_or_scores_that_are_missing_are_named(tmp_path):
    with pytest.raises(EvaluationError, match="no pictures in .*nowhere"):
        opinion.mucped23(tmp_path, tmp_path / "nowhere")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(EvaluationError, match="cannot read .*elo.csv: No such file"):
        opinion.mucped23(tmp_path, tmp_path)
    (tmp_path / "elo.csv").write_text("a,b\n1,2\n")
    with pytest.raises(EvaluationError, match="no columns elo, method, p99Hi, p99Low"):
        opinion.mucped23(tmp_path, tmp_path)


@pytest.fixture
def tid(tmp_path, photo):
    """A folder in TID's layout, with its mixture of capitals."""
    for part in ("reference_images", "distorted_images"):
        (tmp_path / part).mkdir()
    Image.fromarray(photo[:32, :40]).save(tmp_path / "reference_images" / "I01.BMP")
    lines = []
    for level in (1, 2, 3):
        noise = np.random.default_rng(level).normal(0, 8 * level, (32, 40, 3))
        pixels = (photo[:32, :40] + noise).clip(0, 255).astype(np.uint8)
        name = f"i01_02_{level}.bmp"
        Image.fromarray(pixels).save(tmp_path / "distorted_images" / name)
        lines.append(f"{6 - level:.4f} I01_02_{level}.bmp")
    (tmp_path / "mos_with_names.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_tids_layout_is_read(tid):
    rated = opinion.tid2013(tid)
    assert [(each.name, each.score) for each in rated] == [
        ("i01_02_1.bmp", 5), ("i01_02_2.bmp", 4), ("i01_02_3.bmp", 3),
    ]  # fmt: skip
    values = opinion.measured(rated, lambda a, b: float(mse.mse_255(a, b)))
    assert values[0] < values[1] < values[2] and rated[0].pairs[0].bpp is None
    found = opinion.agreement(rated, values, higher_is_better=False)
    assert found.correlation.rho == pytest.approx(1) and found.told == 0


def test_what_is_not_tids_layout_is_one_sentence(tid):
    (tid / "mos_with_names.txt").write_text("5.0 i09_01_1.bmp\n")
    with pytest.raises(EvaluationError, match="the line '5.0 i09_01_1.bmp' is not a score and"):
        opinion.tid2013(tid)
    (tid / "mos_with_names.txt").unlink()
    with pytest.raises(EvaluationError, match="is not laid out as TID 2013 .*mos_with_names"):
        opinion.tid2013(tid)


def test_pairs_whose_intervals_overlap_are_not_told():
    def rated(name, score):
        return opinion.Rated(name, score, score - 1, score + 1, ())

    rows = [rated("a", 0.0), rated("b", 1.5), rated("c", 4.0), rated("d", 9.0)]
    found = opinion.agreement(rows, np.array([3.0, 2.0, 5.0, 4.0]), higher_is_better=True)
    assert (found.told, found.wrong) == (5, 1)
    other = opinion.agreement(rows, -np.array([3.0, 2.0, 5.0, 4.0]), higher_is_better=False)
    assert other == found and found.correlation.rho == pytest.approx(0.6)
