"""jaxcodec export: what is handed on, and what is printed. See test_codec_output for the file."""

import pathlib
import types

import pytest


@pytest.fixture
def exported(monkeypatch) -> list:
    """The calls of the export, which writes ten bytes."""
    calls = []

    def export(workdir, path, images, *, overwrite, allow=(), tables="fitted"):
        calls.append((workdir, path, images, overwrite, allow, tables))
        pathlib.Path(path).write_bytes(bytes(10))
        spec = "null" if workdir.name == "static" else "{}"
        return types.SimpleNamespace(id="0123456789abcdef", bpp_range=(0.25, 1.5), spec=spec)

    monkeypatch.setattr("jaxcodec.training.run_export.export", export)
    return calls


def test_it_prints_size_id_and_rates(folder, run, exported):
    assert run("export", "runs/a", "a.codec") == (
        0,
        "runs/a -> a.codec: 10 bytes, id 0123456789abcdef, 0.25 to 1.50 bpp\n",
        "",
    )
    assert exported == [
        (pathlib.Path("runs/a"), pathlib.Path("a.codec"), None, False, [], "fitted")
    ]


def test_its_options_are_handed_on(folder, run, exported):
    options = ["--force", "--images", "photos", "--allow-import", "mine", "--tables", "gaussian"]
    assert run("export", "runs/a", "a.codec", *options)[0] == 0
    assert exported[0][2:] == (pathlib.Path("photos"), True, ["mine"], "gaussian")


def test_pictures_that_nothing_needs_are_told(folder, run, exported):
    told = {
        name: run("export", f"runs/{name}", f"{name}.codec", "--images", "photos")[1].splitlines()
        for name in ("calibrated", "static")
    }
    assert [len(lines) for lines in told.values()] == [1, 2]
    assert (
        told["static"][1]
        == "  nothing is calibrated in this kind of codec: --images was not needed"
    )
