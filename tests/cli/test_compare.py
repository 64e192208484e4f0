"""jaxcodec compare: metrics and distances of two pictures."""

import json

import numpy as np
import pytest
import small_codecs
from PIL import Image

import jaxcodec
from jaxcodec.analysis.distances import distances
from jaxcodec.artefact import codec_file
from jaxcodec.distortions import lpips, ms_ssim


@pytest.fixture
def pair(folder, photo):
    """Two pictures, of which one is noisy."""
    a = photo[:176, :192]
    noise = np.random.default_rng(0).normal(0, 8, a.shape)
    b = (a + noise).clip(0, 255).astype(np.uint8)
    for name, pixels in (("a.png", a), ("b.png", b)):
        Image.fromarray(pixels).save(folder / name)
    return a, b


def test_every_metric_is_a_line(pair, run, monkeypatch):
    monkeypatch.delenv(lpips.FOLDER, raising=False)
    status, output, errors = run("compare", "a.png", "b.png")
    assert (status, errors) == (0, "")
    lines = dict(line.split() for line in output.splitlines())
    error = np.mean((pair[0].astype(float) - pair[1]) ** 2)
    assert float(lines["psnr_db"]) == pytest.approx(10 * np.log10(255**2 / error), abs=0.006)
    assert float(lines["ms_ssim"]) == pytest.approx(float(ms_ssim.ms_ssim(*pair)), abs=1e-5)
    assert {"ssim", "ssimulacra2", "nlpd_2017", "nlpd_2016"} <= lines.keys()
    assert "lpips_alex" not in lines


def test_metrics_are_chosen_by_name(pair, run, lpips_folder, monkeypatch):
    monkeypatch.setenv(lpips.FOLDER, "nowhere")
    given = ("compare", "a.png", "b.png", "--metrics", "lpips_squeeze", "--json")
    status, output, _ = run(*given, "--lpips", str(lpips_folder))
    assert status == 0 and list(json.loads(output)) == ["psnr_db", "lpips_squeeze"]
    status, _, errors = run("compare", "a.png", "b.png", "--metrics", "vmaf")
    assert status == 2 and "there is no metric 'vmaf'" in errors


def test_the_distances_of_a_codec(pair, run, folder):
    codec_file.save(folder / "tiny.codec", small_codecs.content("tiny"))
    status, output, _ = run(
        "compare", "a.png", "b.png", "--codec", "tiny.codec", "--quality", "80", "--metrics",
        "psnr", "--json",
    )  # fmt: skip
    found = json.loads(output)
    of = distances(small_codecs.build("tiny"), 80, whole_pixels=True)
    a, b = (each[None] for each in pair)
    assert status == 0 and found["D_in"] == pytest.approx(float(of.inner(a, b)[0]), rel=1e-4)
    assert found["D_s_second"] == pytest.approx(float(of.own(b)[0]), rel=1e-4)
    assert found["D_e"] == pytest.approx(10 ** (-found["psnr_db"] / 20), rel=1e-4)
    assert list(found)[1:] == ["D_e", "D_r", "D_in", "D_s_first", "D_s_second"]


def test_a_jxc_file_is_decoded_and_equal_pictures_are_infinitely_close(
    pair, run, folder, monkeypatch
):
    codec = small_codecs.build("tiny")
    codec_file.save(folder / "tiny.codec", small_codecs.content("tiny"))
    monkeypatch.setenv("JAXCODEC_CODECS", str(folder))
    data = jaxcodec.encode(codec, pair[0])
    (folder / "a.jxc").write_bytes(data)
    Image.fromarray(jaxcodec.decode(codec, data)).save(folder / "decoded.png")
    given = ("compare", "a.jxc", "decoded.png", "--metrics", "ssim")
    assert run(*given)[1].split() == ["psnr_db", "inf", "ssim", "1.00000"]
    assert json.loads(run(*given, "--json")[1]) == {"psnr_db": None, "ssim": 1.0}


def test_transparency_is_left_out_and_grey_is_three_equal_channels(pair, run, folder):
    alpha = np.full((*pair[0].shape[:2], 1), 200, np.uint8)
    Image.fromarray(np.concatenate([pair[0], alpha], axis=-1)).save(folder / "alpha.png")
    status, output, errors = run("compare", "alpha.png", "a.png", "--metrics", "psnr")
    assert status == 0 and output.split() == ["psnr_db", "inf"]
    assert errors == "jaxcodec: alpha.png: its transparency is not compared\n"
    grey = pair[0][..., 1]
    Image.fromarray(grey).save(folder / "grey.png")
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(folder / "three.png")
    assert run("compare", "grey.png", "three.png", "--metrics", "psnr")[1].split()[1] == "inf"


def test_what_cannot_be_compared_is_one_sentence(pair, run, folder):
    Image.fromarray(pair[0][:, 1:]).save(folder / "narrow.png")
    status, _, errors = run("compare", "a.png", "narrow.png")
    assert status == 2 and "a.png has 192 x 176 pixels and narrow.png has 191 x 176" in errors
    Image.fromarray(pair[0][:9, :9]).save(folder / "small.png")
    status, output, _ = run("compare", "small.png", "small.png")
    assert status == 0 and ["ms_ssim", "too", "small"] in [x.split() for x in output.splitlines()]
    status, _, errors = run("compare", "small.png", "small.png", "--metrics", "ms_ssim")
    assert status == 2 and "small.png has 9 x 9 pixels and MS-SSIM takes" in errors
    codec_file.save(folder / "one.codec", small_codecs.content("one_quality"))
    given = ("compare", "a.png", "b.png", "--metrics", "psnr", "--codec", "one.codec")
    assert run(*given)[0] == 0
    status, _, errors = run(*given, "--quality", "50")
    assert status == 2 and "one_quality has one quality; leave the quality out" in errors
    status, _, errors = run("compare", "a.png", "missing.png")
    assert status == 2 and "missing.png" in errors
