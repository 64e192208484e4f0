"""jaxcodec verify: the symbols of files, one line each."""

import json
import lzma
import pathlib

import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"


@pytest.fixture
def files(folder):
    """A golden codec and two of its files, and one of another codec."""
    for name in ("normalised", "tiny"):
        packed = (GOLDEN / f"{name}.codec.xz").read_bytes()
        (folder / f"{name}.codec").write_bytes(lzma.decompress(packed))
    for name in ("v4_normalised_host", "v4_normalised_stepped_host", "v4_tiny_host"):
        (folder / f"{name}.jxc").write_bytes((GOLDEN / f"{name}.jxc").read_bytes())
    return folder


def test_each_file_is_a_line(files, run, monkeypatch):
    monkeypatch.setenv("JAXCODEC_CODECS", str(files))
    names = ["v4_normalised_host.jxc", "v4_normalised_stepped_host.jxc"]
    status, output, errors = run("verify", *names)
    assert (status, errors) == (0, "")
    assert output.splitlines()[0] == f"{names[0]}: 112 symbols, as normalised wrote them"
    status, output, _ = run("verify", names[1], "--codec", "normalised.codec", "--json")
    fields = json.loads(output)
    assert (status, fields["symbols"], fields["file"]) == (0, 112, names[1])


def test_a_bad_file_does_not_end_the_others(files, run):
    damaged = bytearray((files / "v4_normalised_host.jxc").read_bytes())
    damaged[-1] ^= 1
    (files / "damaged.jxc").write_bytes(damaged)
    status, output, errors = run(
        "verify", "damaged.jxc", "missing.jxc", "v4_normalised_host.jxc", "v4_tiny_host.jxc",
        "--codec", "normalised.codec",
    )  # fmt: skip
    assert status == 2 and len(output.splitlines()) == 1
    lines = errors.splitlines()
    assert len(lines) == 3
    assert "damaged.jxc" in lines[0] and "checksum" in lines[0]
    assert "missing.jxc" in lines[1]
    assert "v4_tiny_host.jxc" in lines[2] and "and not with normalised" in lines[2]


def test_a_codec_with_networks_is_refused(files, run):
    status, _, errors = run("verify", "v4_tiny_host.jxc", "--codec", "tiny.codec")
    assert status == 2 and "may follow from networks, which need JAX" in errors
