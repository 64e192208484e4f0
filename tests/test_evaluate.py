"""The command line of the evaluation."""

import json
import pathlib
import runpy
import shutil

import pytest
import small_codecs

from jaxcodec.artefact import codec_file
from jaxcodec.evaluate import main
from jaxcodec.evaluation import comparison


def run_script(*arguments):
    return main(["--no-compile-cache", *map(str, arguments)])


def test_the_script_in_the_root_is_the_same(monkeypatch, capsys):
    root = pathlib.Path(comparison.__file__).parents[2]
    monkeypatch.setattr("sys.argv", ["eval.py", "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(root / "eval.py"), run_name="__main__")
    assert "usage: eval.py" in capsys.readouterr().out


def test_the_script_evaluates(tmp_path, pictures, capsys):
    published = tmp_path / "published.json"
    codec = {"source": "a paper", "bpp": [0.5, 8], "psnr_db": [20, 40]}
    published.write_text(json.dumps({"codecs": {"Paper": codec}}))
    flags = (
        "--images",
        pictures,
        "--out",
        tmp_path / "out",
        "--baselines",
        "jpeg",
        "--published",
        published,
        "--draw",
        "Paper",
        "--examples",
        1,
        "--workers",
        2,
        "--metrics",
        "ssimulacra2",
    )
    assert run_script(*flags) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'out' / 'report.html'}\n"
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["coders"][0]["name"] == "jpeg" and results["workers"] == 2
    assert [metric["name"] for metric in results["metrics"]] == ["psnr", "ssimulacra2"]
    assert "ssim" not in results["coders"][0]["mean"][0]
    assert "Paper" in (tmp_path / "out" / "rd_psnr_db.svg").read_text()


def test_codecs_are_measured_at_levels_of_effort(tmp_path, pictures):
    codec_file.save(tmp_path / "tiny.codec", small_codecs.content("tiny"))
    flags = ("--codec", tmp_path / "tiny.codec", "--qualities", "20,80", "--baselines", "")
    flags += ("--images", pictures, "--examples", 0, "--effort", 0, 2, "--out")
    assert run_script(*flags, tmp_path / "out") == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [coder["name"] for coder in results["coders"]] == ["tiny, effort 0", "tiny, effort 2"]
    assert [coder["settings"]["effort"] for coder in results["coders"]] == [0, 2]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--baselines", "gif"), "eval.py: error: there is no baseline 'gif'"),
        (("--baselines", "avif@speed=11"), "a speed of 11 is out of range for the baseline avif"),
        (("--metrics", "vmaf"), "eval.py: error: there is no metric 'vmaf'"),
        (("--codec", "missing.codec"), "missing.codec"),
        (("--published", "missing.json"), "missing.json"),
        (("--codec", "default", "--qualities", "50,101"), "a quality of 101 is out of range"),
        (("--codec", "default", "--bpp", "0"), "a rate of 0 bpp makes no sense"),
        (("--qualities", "a"), "could not convert string to float: 'a'"),
        (("--workers", "0"), "0 is below 1"),
        (("--effort", "0", "10"), "10 is above 9"),
        (("--effort", "-1"), "-1 is below 0"),
        (("--flag",), "unrecognized arguments: --flag"),
        (("--images", "missing"), "there is no folder missing"),
    ],
)
def test_the_script_tells_errors_in_one_sentence(tmp_path, pictures, capsys, flags, message):
    try:
        status = run_script("--images", pictures, "--out", tmp_path / "out", *flags)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_script_goes_on_past_a_broken_picture_and_says_so_in_its_status(
    tmp_path, pictures, capsys
):
    folder = tmp_path / "in"
    shutil.copytree(pictures, folder)
    (folder / "broken.png").write_bytes(b"not a picture")
    assert (
        run_script(
            "--images", folder, "--out", tmp_path / "out", "--baselines", "jpeg", "--examples", 0
        )
        == 2
    )
    told = capsys.readouterr()
    assert "warning: broken.png is left out" in told.err and told.out.startswith("wrote ")


def test_an_interrupt_is_no_traceback(tmp_path, pictures, capsys, monkeypatch):
    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "run", interrupted)
    assert run_script("--images", pictures, "--out", tmp_path / "out") == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_what_nobody_foresaw_is_no_traceback(tmp_path, pictures, capsys, monkeypatch):
    def broken(*arguments, **settings):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(comparison, "run", broken)
    assert run_script("--images", pictures, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "ZeroDivisionError: a bug" in error and error.count("\n") == 1
