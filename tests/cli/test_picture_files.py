"""What encode and encode-set share: which codec is loaded, which files count as compressed."""

import argparse
import dataclasses
import types

import numpy as np
import pytest
from cli_fakes import Encoded
from painting import MAGIC

from jaxcodec import image
from jaxcodec.cli import picture_files
from jaxcodec.image import Picture, standard_profiles
from jaxcodec.runtime import compile_cache

pytestmark = pytest.mark.usefixtures("photographed")


def test_compile_cache_is_on_unless_switched_off(folder, run, codec, monkeypatch):
    calls = []
    monkeypatch.setattr(compile_cache, "enable", lambda: calls.append(1))
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--no-compile-cache")
    assert calls == []
    run("encode", "photo.png", "photo.jxc", "--codec", codec, "--force")
    assert calls == [1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", True), (MAGIC + b"more", True), (MAGIC[:3], False), (b"a letter", False)],
)
def test_a_file_is_compressed_by_its_first_bytes_or_empty(folder, content, expected):
    (folder / "a").write_bytes(content)
    assert picture_files.is_compressed(folder / "a") == expected
    assert not picture_files.is_compressed(folder / "missing")


def test_what_is_left_out_of_a_picture_is_its_own_option(folder):
    described = Picture(np.zeros((2, 2, 3), np.uint8), icc=standard_profiles.content(1))
    image.write(folder / "a.png", dataclasses.replace(described, dpi=(300.0, 300.0)))
    job = types.SimpleNamespace(source=folder / "a.png", source_name="a.png")
    common = {"max_pixels": 100}
    kept = [
        picture_files.read(job, argparse.Namespace(**common, strip=strip, no_icc=no_icc))
        for strip, no_icc in ((False, False), (True, False), (False, True))
    ]
    assert [(each.icc is not None, each.dpi is not None) for each in kept] == [
        (True, True),
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("encoded", "options", "text"),
    [
        ({}, {}, "1,234 bytes, 2.0000 bpp, quality 50"),
        ({"quality": None}, {}, "1,234 bytes, 2.0000 bpp"),
        ({"step": 1.25}, {}, "1,234 bytes, 2.0000 bpp, quality 50, quantiser step 1.25"),
        (
            {},
            {"max_bytes": 2000},
            "1,234 bytes (61.7 % of 2,000), 2.0000 bpp, quality 50",
        ),
        (
            {"reached": 35.678},
            {"psnr": 35.0},
            "1,234 bytes, 2.0000 bpp, quality 50, PSNR 35.68 dB",
        ),
    ],
)
def test_what_is_said_of_a_file(encoded, options, text):
    options = argparse.Namespace(**{"max_bytes": None, "psnr": None} | options)
    result = picture_files.result(Encoded(bytes(1234), **encoded), options, ("a note",))
    assert result.text == text and result.facts["bytes"] == 1234 and result.notes == ("a note",)
