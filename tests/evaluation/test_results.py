"""What an evaluation found, and its forms as JSON and CSV."""

import csv
import io
import json

import pytest

from jaxcodec.evaluation import results


def test_json_holds_everything_and_null_for_what_is_not_finite(evaluation):
    found = json.loads(results.to_json(evaluation))
    assert [each["name"] for each in found["images"]] == ["a", "<b>"]
    assert (found["images"][0]["width"], found["images"][0]["height"]) == (20, 10)
    assert [coder["name"] for coder in found["coders"]] == ["mine", "theirs & others"]
    first, last = found["coders"][0]["mean"]
    assert (first["bpp"], first["psnr_db"]) == (0.5, 30.5)
    assert last["psnr_db"] is None
    assert found["left_out"] == [{"name": "c", "reason": "it is broken"}]
    assert found["machine"] == evaluation.machine and found["workers"] == 1


def test_csv_has_a_row_for_every_picture_and_one_for_their_mean(evaluation):
    rows = list(csv.DictReader(io.StringIO(results.to_csv(evaluation).decode())))
    assert [row["image"] for row in rows] == ["a", "<b>", "mean"] * 4
    assert [row["coder"] for row in rows] == ["mine"] * 6 + ["theirs & others"] * 6
    assert float(rows[2]["psnr_db"]) == pytest.approx(30.5) and rows[0]["bytes"] == "12"


def test_deltas_have_a_file_of_their_own(evaluation):
    rows = list(csv.DictReader(io.StringIO(results.to_bd_csv(evaluation).decode())))
    against = [row for row in rows if row["anchor"] == "theirs & others"]
    ranges = [("", ""), ("0.15", "1.0")]
    assert [(row["metric"], row["lowest_bpp"], row["highest_bpp"]) for row in against] == [
        (metric, *ends) for metric in ("psnr_db", "ssim_db", "ssimulacra2") for ends in ranges
    ]
    assert {row["same_pictures"] for row in against} == {"True"}
    assert "fewer than two points" in against[0]["problem"] and against[0]["bd_rate"] == ""


def test_results_tell_which_metrics_they_have(evaluation):
    found = json.loads(results.to_json(evaluation))["metrics"]
    assert [metric["key"] for metric in found][:4] == ["psnr_db", "ms_ssim", "ssim", "ssimulacra2"]
    assert all(metric["source"] for metric in found)


def test_published_curves_are_written_by_metric(evaluation):
    (published,) = json.loads(results.to_json(evaluation))["published"]
    assert published["psnr_db"] == [30.0, 31.0] and published["ms_ssim"] == []


def test_a_reader_is_warned_of_what_is_left_out_and_of_other_pictures(evaluation):
    assert evaluation.elsewhere() == {"Paper"}
    left_out, elsewhere = evaluation.warnings()
    assert left_out == "c is left out: it is broken"
    assert elsewhere.startswith("the published curves of Kodak were measured on other pictures")


def test_every_tested_curve_is_compared_with_all_others(evaluation):
    rows = evaluation.comparisons()
    assert {(row["test"], row["anchor"]) for row in rows} == {
        ("mine", "theirs & others"),
        ("mine", "Paper"),
    }
    assert {row["anchor"]: row["same_pictures"] for row in rows} == {
        "theirs & others": True,
        "Paper": False,
    }
    assert [curve.name for curve in evaluation.curves()] == ["mine", "theirs & others", "Paper"]
