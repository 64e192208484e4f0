"""What every distortion keeps, those of one's own file included: this file names none of them."""

import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcodec import distortions, extensions
from jaxcodec.distortions import Distortion, DistortionError
from jaxcodec.distortions.distortion import decibels, plain, similarity, similarity_db
from jaxcodec.distortions.luma import luma
from jaxcodec.errors import ExtensionError
from jaxcodec.objectives.protocol import Forward
from jaxcodec.objectives.rate_distortion import RateDistortion

EACH = pytest.mark.parametrize("name", distortions.names())
SIDE = 176


@pytest.fixture(scope="module")
def pair(photo):
    """A part of a photograph, and the same with noise."""
    image = photo[:SIDE, :SIDE]
    noise = np.random.default_rng(0).normal(0, 12, image.shape)
    return image, (image + noise).clip(0, 255).astype(np.uint8)


@EACH
def test_the_distance_is_one_number_an_image_and_0_for_equal_ones(name, pair):
    distortion = distortions.get(name)
    a, b = np.stack([pair[0]] * 2), np.stack(pair)
    distances = distortion(a, b)
    assert distances.shape == (2,) and distances.dtype == jnp.float32
    assert distances[0] == pytest.approx(0, abs=1e-6) and distances[1] > 0.005
    np.testing.assert_allclose(distortion(b[1], a[1]), distances[1], rtol=1e-4)
    floats = distortion(a / np.float32(255), b / np.float32(255))
    np.testing.assert_allclose(floats, distances, rtol=1e-3, atol=1e-6)


@EACH
def test_the_distance_can_be_minimised(name, pair):
    distortion = distortions.get(name)
    a, b = (image / np.float32(255) for image in pair)
    before, gradient = jax.value_and_grad(distortion)(b, a)
    assert np.isfinite(gradient).all()
    length = 0.5 * before / np.sum(np.square(gradient))
    assert distortion(b - 0.2 * length * gradient, a) < before
    # At equal images nothing draws anywhere.
    assert np.abs(jax.grad(distortion)(a, a)).max() < 1e-3 * np.abs(gradient).max()


@EACH
def test_metric_and_distance_tell_the_same(name, pair):
    distortion = distortions.get(name)
    metric, distance = distortion.metric, distortion(*pair)
    value = float(distortion.value(*pair))
    np.testing.assert_allclose(metric.from_distance(distance), value, rtol=1e-5)
    np.testing.assert_allclose(metric.to_distance(value), distance, rtol=1e-4)
    np.testing.assert_allclose(metric.from_db(metric.to_db(value)), value, rtol=1e-6)
    assert metric.limits[0] < value < metric.limits[1]
    closer = distortion.value(pair[0], pair[0] // 2 + pair[1] // 2)
    assert (closer > value) == metric.higher_is_better
    assert distortions.by_metric(metric.name).compare is distortion.compare


@EACH
def test_what_cannot_be_compared_is_refused(name):
    distortion = distortions.get(name)
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    with pytest.raises(DistortionError, match=r"\(176, 176, 3\) and \(176, 175, 3\)"):
        distortion(image, image[:, 1:])
    with pytest.raises(DistortionError, match="height, width, channels"):
        distortion.value(image[0], image[0])
    with pytest.raises(DistortionError, match="int32"):
        distortion(image, image.astype(np.int32))
    if distortion.least_side > 1:
        with pytest.raises(DistortionError, match=f"needs {distortion.least_side} pixels a side"):
            distortion(image[: distortion.least_side - 1], image[: distortion.least_side - 1])


def test_unknown_names_are_told_what_there_is():
    with pytest.raises(DistortionError, match="no distortion 'psnr'; choose from .*mse"):
        distortions.get("psnr")
    with pytest.raises(DistortionError, match="no metric 'mse'; choose from .*psnr"):
        distortions.by_metric("mse")
    for helper in ("distortion", "__init__"):
        assert helper not in distortions.names()


def test_one_of_ones_own_has_parameters_that_can_be_learned(pair, monkeypatch):
    def weighted(params, a, b):
        difference = jnp.abs(a.astype(jnp.float32) - b.astype(jnp.float32)) / 255
        return jnp.mean(params["weights"] * difference, axis=(-3, -2, -1))

    own = Distortion(
        name="weighted",
        unit="grey",
        compare=weighted,
        metric=plain("weighted", "weighted difference"),
        params={"weights": jnp.array([1.0, 2.0, 0.0])},
    )
    module = types.ModuleType("my_distortions")
    module.OWN, module.OTHER = own, 3
    monkeypatch.setitem(sys.modules, "my_distortions", module)
    with pytest.raises(ExtensionError, match="--allow-import"):
        distortions.get("my_distortions:OWN")
    monkeypatch.setattr(extensions, "allowed", {"my_distortions"})
    assert distortions.get("my_distortions:OWN") is own
    assert distortions.by_metric("my_distortions:OWN") is distortions.by_metric(own) is own
    with pytest.raises((DistortionError, ExtensionError), match="OTHER is not"):
        distortions.get("my_distortions:OTHER")
    expected = np.mean(np.abs(pair[0] - pair[1].astype(float)) / 255 * [1, 2, 0])
    np.testing.assert_allclose(own(*pair), expected, rtol=1e-5)
    gradient = jax.grad(lambda distortion: distortion(*pair), allow_int=True)(own)
    assert gradient.params["weights"][2] > 0


def test_a_definition_that_breaks_the_contract_is_noticed(pair):
    wrong = Distortion("wrong", "", lambda params, a, b: jnp.zeros((3,)), plain("wrong", "wrong"))
    with pytest.raises(AssertionError):
        wrong(*pair)


def test_decibels_of_similarities():
    np.testing.assert_allclose(similarity_db([0, 0.9, 0.99]), [0, 10, 20], atol=1e-9)
    assert similarity_db(1.0) == np.inf


def test_what_metrics_say_of_themselves():
    psnr, ssim = decibels("psnr", "PSNR", 255**2), similarity("ms_ssim", "MS-SSIM")
    assert (psnr.key, psnr.phrase, psnr.text(31.456)) == ("psnr_db", "a PSNR", "31.46")
    assert (ssim.key, ssim.phrase) == ("ms_ssim", "an MS-SSIM")
    assert ssim.text(0.987654321, np.floor) == "0.98765"
    assert psnr.to_distance(20) == 255**2 / 100
    lower = plain("lpips", "LPIPS")
    assert lower.to_db(0.1) > lower.to_db(0.2) and lower.to_distance(0.1) == pytest.approx(0.1)


def mean_difference(a, b):
    """A distance of a user's own."""
    return jnp.mean(jnp.sqrt((a - b) ** 2 + 1e-6) - 1e-3, axis=(-3, -2, -1))


def test_a_plain_function_is_a_distortion(pair, monkeypatch):
    distortion = distortions.get(mean_difference)
    assert distortion is distortions.get(mean_difference)  # or each would be compiled anew
    assert distortion.name == distortion.metric.key == "mean_difference"
    a, b = (image / np.float32(255) for image in pair)
    assert distortion(*pair) == pytest.approx(float(mean_difference(a, b)), rel=1e-5)
    module = types.ModuleType("my_functions")
    module.mean_difference, module.THREE, module.KIND = mean_difference, 3, Distortion
    monkeypatch.setitem(sys.modules, "my_functions", module)
    monkeypatch.setattr(extensions, "allowed", {"my_functions"})
    found = distortions.get("my_functions:mean_difference")
    assert found(*pair) == pytest.approx(float(distortion(*pair)), rel=1e-6)
    with pytest.raises((DistortionError, ExtensionError), match="THREE is "):
        distortions.get("my_functions:THREE")
    with pytest.raises(DistortionError, match="Distortion is a class"):
        distortions.get("my_functions:KIND")


def test_the_objective_takes_a_plain_function(pair):
    a, b = (jnp.asarray(image)[None] / np.float32(255) for image in pair)
    zero = jnp.zeros(1)
    bits = jnp.full(1, 0.5 * SIDE**2)
    forward = Forward(a, zero, b, bits, zero)
    measured = RateDistortion(2.0, 2.0, distortion=mean_difference).measure(forward)
    distance = float(mean_difference(a, b)[0])
    assert measured["mean_difference"] == pytest.approx(distance, rel=1e-5)
    assert measured["loss"] == pytest.approx(2 * distance + 0.5, rel=1e-5)


def test_luma_goes_by_a_name_of_its_own(pair):
    found = distortions.get("mse_luma")
    assert found.name == "mse_luma" and found is distortions.get("mse_luma")
    grey = [luma(image) for image in pair]
    assert found(*pair) == pytest.approx(float(distortions.get("mse")(*grey)), rel=1e-5)
    with pytest.raises(DistortionError, match="there is no distortion 'none_luma'"):
        distortions.get("none_luma")
