"""jaxcodec codecs: what is bundled."""

import json

import jaxcodec


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
    assert (listed["name"], listed["size_bytes"]) == ("small", codec.stat().st_size)
