"""jaxcodec codecs: what is bundled."""

import json

import jaxcodec
from jaxcodec.artefact import bundled


def test_codecs_lists_what_is_bundled(folder, run, codec, monkeypatch):
    monkeypatch.setattr("jaxcodec.artefact.bundled.FOLDER", codec.parent)
    status, output, _ = run("codecs")
    assert status == 0
    assert (
        output.startswith("small")
        and jaxcodec.load(codec).id in output
        and "0.20 to 2.00 bpp" in output
    )
    _, output, _ = run("codecs", "--json")
    (listed,) = json.loads(output)
    assert listed["aliases"] == []
    assert (listed["name"], listed["size_bytes"]) == ("small", codec.stat().st_size)


def test_every_file_is_listed_and_one_is_the_default(run):
    lines = run("codecs")[1].splitlines()
    files = sorted(path.stem for path in bundled.FOLDER.glob("*.codec"))
    assert [line.split()[0] for line in lines] == files
    (default,) = [line.split()[0] for line in lines if line.endswith("  (default)")]
    assert default == bundled.ALIASES["default"]
    assert len({line.index(" bpp ") for line in lines}) == 1
