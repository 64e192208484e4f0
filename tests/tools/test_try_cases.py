"""The command that tries a folder of odd files."""

import importlib.util
import pathlib

import numpy as np
import pytest
import small_codecs
from PIL import Image

from jaxcodec.artefact import codec_file

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)


@pytest.fixture(scope="module")
def tool():
    path = pathlib.Path(__file__).parents[2] / "tools" / "try_cases.py"
    spec = importlib.util.spec_from_file_location("try_cases", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    path = tmp_path_factory.mktemp("codec") / "tiny.codec"
    codec_file.save(path, small_codecs.content("tiny"))
    return path


def verdicts(tool, folder, codec, monkeypatch, seen=None):
    monkeypatch.setattr(tool, "by_imagemagick", lambda path: seen)
    status = tool.main(
        [str(folder), "--codec", str(codec), "--out", str(folder.parent / "cases.md")]
    )
    lines = (folder.parent / "cases.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]
    return status, {row[0]: row[-1] for row in rows}


def test_any_folder(tool, codec, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "odd"
    folder.mkdir()
    Image.fromarray(PIXELS).save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:200])
    (folder / "note|s.txt").write_text("hello")
    status, said = verdicts(tool, folder, codec, monkeypatch)
    assert status == 0 and said == {
        "cut.png": "refused",
        "note\\|s.txt": "refused",
        "whole.png": "ok",
    }
    assert "2 refused" in capsys.readouterr().out
    other = np.dstack([255 - PIXELS, np.full((16, 16), 255, np.uint8)])
    assert verdicts(tool, folder, codec, monkeypatch, seen=other)[1]["whole.png"] == "differs"


def test_a_folder_whose_pictures_are_known(tool, codec, tmp_path, monkeypatch):
    folder = tmp_path / "cases"
    folder.mkdir()
    for name, mode in (("rgb", "RGB"), ("grey", "L"), ("rgba", "RGBA"), ("la", "LA")):
        Image.fromarray(PIXELS).convert(mode).save(folder / f"{name}.png")
    Image.fromarray(PIXELS).save(folder / "rgb.tif")
    Image.fromarray(255 - PIXELS).save(folder / "rgb.bmp")
    status, said = verdicts(tool, folder, codec, monkeypatch)
    assert status == 1 and said.pop("rgb.bmp") == "WRONG"
    assert set(said.values()) == {"ok"}


def test_a_traceback_is_wrong(tool, codec, tmp_path, monkeypatch):
    folder = tmp_path / "odd"
    folder.mkdir()
    Image.fromarray(PIXELS).save(folder / "a.png")

    def fails(*_, **__):
        raise ZeroDivisionError("by a fault")

    monkeypatch.setattr(tool.image, "read", fails)
    assert verdicts(tool, folder, codec, monkeypatch) == (1, {"a.png": "WRONG"})
