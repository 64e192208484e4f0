"""The page of a report."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
from PIL import Image

from jaxcodec.evaluation import report
from jaxcodec.evaluation.examples import Example, Version
from jaxcodec.evaluation.measure import Photo

VALUES = {"psnr_db": 30.0, "ms_ssim": None, "ssim": 0.9, "ssimulacra2": -4.5}


def scripts(page: str) -> list:
    """The JSON values in the page."""
    return [
        json.loads(text)
        for text in re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page)
    ]


def test_it_is_whole_and_loads_nothing(evaluation):
    page = report.page(evaluation, [])
    assert page.lower().startswith("<!doctype html>")
    assert "@@" not in page and not re.search(r'(src|href)="https?:', page)
    assert "<title>Evaluation of mine</title>" in page
    assert "2 pictures of photos, 2026-11-29, on a &lt;cpu&gt;" in page
    assert "C is left out: it is broken." in page


def test_it_has_every_measurement_as_text(evaluation):
    (measurements,) = [each for each in scripts(report.page(evaluation, [])) if each]
    assert [coder["coder"] for coder in measurements] == ["mine", "theirs & others"]
    first = measurements[0]["points"][0]
    assert first["point"] == "1" and first["rows"][0][:4] == ["a", "12", "0.5000", "30.00"]


def test_a_large_picture_is_shown_by_its_middle_without_loss(evaluation):
    pixels = np.random.default_rng(0).integers(0, 256, (20, report.MAX_SIDE + 10, 3), np.uint8)
    example = Example(
        Photo("</script>", pixels), (Version("mine", 1.0, 0.5, VALUES, 255 - pixels),)
    )
    page = report.page(dataclasses.replace(evaluation, examples=(example,)), [])
    assert page.count("</script>") == page.count("<script")
    ((shown,),) = [each for each in scripts(page) if each and "original" in each[0]]
    assert (shown["name"], shown["whole"], shown["width"]) == ("</script>", False, report.MAX_SIDE)
    (version,) = shown["cases"][0]["versions"]
    assert version["closeness"] == ["30.00 dB", "SSIM 0.90000", "SSIMULACRA 2 −4.50"]
    for uri, expected in ((shown["original"], pixels), (version["uri"], 255 - pixels)):
        decoded = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
        np.testing.assert_array_equal(np.asarray(decoded), expected[:, 5:-5])
