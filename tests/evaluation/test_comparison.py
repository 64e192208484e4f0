import base64
import csv
import dataclasses
import html.parser
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from jaxcodec.errors import DataError
from jaxcodec.evaluation import comparison
from jaxcodec.evaluation.bd import Curve, bd_rate
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.curves import MeanCurve

PUBLISHED = [
    MeanCurve("Paper <1>", "a source", (0.5, 1.0, 2.0, 4.0), {"psnr_db": (20, 25, 30, 40)})
]
PLOTS = ("psnr_db", "ssim_db", "ssimulacra2")
FILES = {f"rd_{metric}.{suffix}" for metric in PLOTS for suffix in ("png", "svg")} | {
    "results.json", "results.csv", "bd.csv", "report.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory, pictures, coarse):
    """The folder of an evaluation of two coders of which the second needs 20 bytes more."""

    class Wasteful(coarse):
        def encode(self, pixels, point):
            return super().encode(pixels, point) + bytes(20)

        def decode(self, data, point):
            return super().decode(data[:-20], point)

    folder = tmp_path_factory.mktemp("results") / "new" / "folder"
    comparison.run(
        [coarse("mine")],
        [Wasteful("theirs")],
        pictures,
        folder,
        published=PUBLISHED,
        example_count=2,
    )
    return folder


@pytest.fixture(scope="module")
def results(out):
    return json.loads((out / "results.json").read_text())


def test_all_files_are_there_and_no_others(out):
    assert {path.name for path in out.iterdir()} == FILES


def test_results_tell_what_was_measured_and_where(results):
    assert [image["name"] for image in results["images"]] == ["a.png", "b.png", "c <grey>.png"]
    assert results["images"][0] | {"notes": []} == {
        "name": "a.png",
        "width": 48,
        "height": 40,
        "notes": [],
    }
    assert results["images"][1]["notes"] == ["its alpha channel is left out"]
    assert results["machine"]["cores"] >= 1 and results["machine"]["versions"]["jax"]
    assert [curve["name"] for curve in results["published"]] == ["Paper <1>"]
    mine, theirs = results["coders"]
    assert (mine["name"], mine["point_name"], mine["settings"]) == (
        "mine",
        "step",
        {"library": "zlib"},
    )
    assert len(mine["per_image"]) == 12 and len(mine["mean"]) == 4
    assert [row["bytes"] + 20 for row in mine["per_image"]] == [
        row["bytes"] for row in theirs["per_image"]
    ]


def test_deltas_follow_from_the_means(results):
    assert {(row["test"], row["anchor"]) for row in results["bd"]} == {
        ("mine", "theirs"),
        ("mine", "Paper <1>"),
    }
    pair = [
        Curve(*(tuple(mean[number] for mean in coder["mean"]) for number in ("bpp", "psnr_db")))
        for coder in results["coders"]
    ]
    row = next(
        row for row in results["bd"] if row["anchor"] == "theirs" and row["rate_range"] is None
    )
    assert row["bd_rate"] == pytest.approx(bd_rate(*pair)) and row["bd_rate"] < 0
    outside = next(
        row
        for row in results["bd"]
        if row["anchor"] == "theirs" and row["rate_range"] == [0.15, 1.0]
    )
    assert outside["bd_rate"] is None and "0.15 to 1 bpp" in outside["problem"]


def test_the_table_agrees_with_the_results(out, results):
    rows = list(csv.DictReader(io.StringIO((out / "results.csv").read_text())))
    assert len(rows) == 2 * 4 * (3 + 1)
    first, mean = rows[0], rows[3]
    measured = results["coders"][0]["per_image"][0]
    assert (first["coder"], first["image"], int(first["bytes"])) == (
        "mine",
        "a.png",
        measured["bytes"],
    )
    assert float(first["psnr_db"]) == measured["psnr_db"]
    assert (mean["image"], float(mean["bpp"])) == ("mean", results["coders"][0]["mean"][0]["bpp"])
    assert mean["bytes"] == "" and mean["ms_ssim"] == ""


class Page(html.parser.HTMLParser):
    """Collects a page's text outside scripts, its references, and its data."""

    def __init__(self, text):
        super().__init__()
        self.references, self.data, self.words, self.open_tags = [], {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.references += [
            attributes[name] for name in ("src", "href", "xlink:href") if name in attributes
        ]
        if tag not in ("meta", "img", "input"):
            self.open_tags.append((tag, attributes.get("id")))

    def handle_endtag(self, tag):
        assert self.open_tags.pop()[0] == tag

    def handle_data(self, data):
        tag, name = self.open_tags[-1] if self.open_tags else (None, None)
        if tag == "script" and name:
            self.data[name] = json.loads(data)
        elif tag not in ("script", "style"):
            self.words.append(data)


@pytest.fixture(scope="module")
def page(out):
    return Page((out / "report.html").read_text())


def test_the_report_is_whole_and_loads_nothing(out, page):
    assert not [
        tag for tag, _ in page.open_tags if tag not in ("path", "rect", "use", "br", "circle")
    ]
    assert all(reference.startswith("#") for reference in page.references)
    text = (out / "report.html").read_text()
    assert "default-src 'none'" in text and "@@" not in text and "@import" not in text


def test_the_report_shows_names_as_text(page):
    words = "\n".join(page.words)
    for name in ("mine", "theirs", "Paper <1>", "c <grey>.png", "zlib"):
        assert name in words


def test_the_report_shows_the_deltas(page, results):
    row = next(
        row for row in results["bd"] if row["anchor"] == "theirs" and row["rate_range"] is None
    )
    assert f"{row['bd_rate']:+.1f} %".replace("-", "−") in page.words


def test_the_report_carries_the_pictures_as_decoded(page, photo):
    shown = page.data["pictures-data"]
    assert [picture["name"] for picture in shown] == ["a.png", "c <grey>.png"]
    uri = shown[0]["original"]
    assert uri.startswith("data:image/webp;base64,")
    stored = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    np.testing.assert_array_equal(np.asarray(stored), photo[80:120, 200:248])
    versions = shown[0]["cases"][0]["versions"]
    assert [version["coder"] for version in versions] == ["mine", "theirs"]
    assert versions[0]["bpp"] < versions[1]["bpp"]


def test_the_report_carries_every_measurement(page):
    table = page.data["measurements-data"]
    assert [coder["coder"] for coder in table] == ["mine", "theirs"]
    assert [point["point"] for point in table[0]["points"]] == ["64", "32", "16", "8"]
    assert [row[0] for row in table[0]["points"][0]["rows"]] == ["a.png", "b.png", "c <grey>.png"]


def test_without_codecs_the_baselines_are_compared(tmp_path, pictures, coarse):
    names = coarse("one", (64.0, 32.0)), coarse("two", (32.0, 16.0))
    evaluation = comparison.run([], names, pictures, tmp_path, example_count=0)
    assert {(row["test"], row["anchor"]) for row in evaluation.comparisons()} == {
        ("one", "two"),
        ("two", "one"),
    }


def test_lossless_files_are_infinitely_good_and_null_in_json(tmp_path, pictures, coarse):
    comparison.run([coarse(points=(2.0, 1.0))], [], pictures, tmp_path, example_count=1)
    results = json.loads((tmp_path / "results.json").read_text())
    assert [mean["psnr_db"] is None for mean in results["coders"][0]["mean"]] == [False, True]


def test_what_cannot_work_is_refused_before_anything_is_measured(tmp_path, pictures, coarse):
    class Never(coarse):
        def encode(self, pixels, point):
            raise AssertionError("measured")

    with pytest.raises(EvaluationError, match="nothing to measure"):
        comparison.run([], [], pictures, tmp_path)
    with pytest.raises(EvaluationError, match="two curves are called 'x'"):
        comparison.run([Never("x")], [Never("x", (3.0,))], pictures, tmp_path)
    with pytest.raises(EvaluationError, match="no published curve is called 'y'"):
        comparison.run([Never("x")], [], pictures, tmp_path, drawn=["y"])
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="cannot make the folder"):
        comparison.run([Never("x")], [], pictures, tmp_path / "file" / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        comparison.run([Never("x")], [], tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_that_fail_are_left_out_of_everything_and_told(tmp_path, pictures, coarse):
    class NoGrey(coarse):
        def encode(self, pixels, point):
            if pixels.shape[2] == 1:
                raise EvaluationError("too grey")
            return super().encode(pixels, point)

    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    (folder / "broken.png").write_bytes(b"not a picture")
    evaluation = comparison.run(
        [coarse("mine")], [NoGrey("theirs")], folder, tmp_path / "out", example_count=3
    )
    assert set(evaluation.left_out) == {"broken.png", "c <grey>.png"}
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [photo["name"] for photo in results["images"]] == ["a.png", "b.png"]
    assert {row["name"]: row["reason"] for row in results["left_out"]}["c <grey>.png"] == "too grey"
    assert all(len(coder["per_image"]) == 2 * 4 for coder in results["coders"])
    words = "".join(Page((tmp_path / "out" / "report.html").read_text()).words)
    assert "C <grey>.png is left out: too grey." in words


def test_a_coder_that_can_take_nothing_is_an_error(tmp_path, pictures, coarse):
    class Never(coarse):
        def encode(self, pixels, point):
            raise EvaluationError("too large")

    with pytest.raises(EvaluationError, match="too large"):
        comparison.run([coarse("mine")], [Never("theirs")], pictures, tmp_path, example_count=0)
    assert not (tmp_path / "report.html").exists()


def test_published_curves_of_other_pictures_are_told_of(tmp_path, pictures, coarse):
    published = [dataclasses.replace(PUBLISHED[0], data_set="Kodak (24 images)")]
    evaluation = comparison.run(
        [coarse("mine")], [], pictures, tmp_path, published=published, example_count=0
    )
    (warning,) = evaluation.warnings()
    assert "Kodak (24 images) were measured on other pictures than these 3" in warning
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["warnings"] == [warning] and not any(
        row["same_pictures"] for row in results["bd"]
    )
    words = Page((tmp_path / "report.html").read_text()).words
    assert "(other pictures)" in words and f"T{warning[1:]}." in words


def test_results_do_not_go_among_the_pictures(tmp_path, pictures, coarse):
    (tmp_path / "link").symlink_to(pictures)
    with pytest.raises(EvaluationError, match="cannot go into .*link, the folder of the pictures"):
        comparison.run([coarse("mine")], [], pictures, tmp_path / "link")


def test_a_codec_given_twice_is_refused(tmp_path, pictures, coarse):
    with pytest.raises(EvaluationError, match="mine is given twice; leave one out"):
        comparison.run([coarse("mine"), coarse("mine")], [], pictures, tmp_path)
