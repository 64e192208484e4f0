"""SSIMULACRA 2 against a second implementation that follows libjxl's line by line, which is itself
checked against a third, vszip's, of another author.
"""

import numpy as np
import pytest
from reference import ssimulacra2 as reference
from scipy import ndimage

from jaxcodec.evaluation import ssimulacra2

_VSZIP_WINDOW = np.array(
    [0.0076144188642501831, 0.036074969917535782, 0.10958608239889149, 0.21344454586505890]
)


def vszip_blur(plane: np.ndarray) -> np.ndarray:
    """The window of vszip: a Gaussian cut off after 4 pixels, mirrored at the borders."""
    window = np.array([*_VSZIP_WINDOW, 0.26655998826026917, *_VSZIP_WINDOW[::-1]])
    for axis in (0, 1):
        plane = ndimage.correlate1d(plane, window, axis=axis, mode="mirror")
    return plane


@pytest.fixture(scope="module")
def versions(photo):
    """A photograph, and versions of it of 32 grey levels a step, of means over 2x2 pixels, and with
    noise.
    """
    whole = photo[64:264, 100:396].astype(int)
    shifted = [np.roll(whole, shift, (0, 1)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1))]
    noise = np.random.default_rng(0).integers(-12, 13, whole.shape)
    found = {
        "original": whole,
        "coarse": whole // 32 * 32 + 16,
        "soft": sum(shifted) // 4,
        "noisy": np.clip(whole + noise, 0, 255),
    }
    return {name: pixels.astype(np.uint8) for name, pixels in found.items()}


@pytest.mark.parametrize("name", ["coarse", "soft", "noisy"])
def test_it_is_libjxls(versions, name):
    pair = versions["original"], versions[name]
    assert ssimulacra2.score(*pair) == pytest.approx(reference.score(*pair), abs=2e-3)


@pytest.mark.parametrize(
    ("name", "expected"), [("coarse", 9.0833), ("soft", 38.1588), ("noisy", 62.5405)]
)
def test_the_reference_under_the_window_of_vszip_is_vszips(versions, name, expected):
    """The values are those of vapoursynth-vszip 23.1, which sums in float32."""
    found = reference.score(versions["original"], versions[name], vszip_blur)
    assert found == pytest.approx(expected, abs=0.25)


@pytest.mark.parametrize("shape", [(8, 8), (15, 33), (101, 67)])
def test_pictures_of_odd_sizes_and_of_fewer_scales(versions, shape):
    height, width = shape
    pair = [versions[name][:height, :width] for name in ("original", "noisy")]
    assert ssimulacra2.score(*pair) == pytest.approx(reference.score(*pair), abs=2e-3)


def test_a_grey_picture_is_scored_as_its_rgb(versions):
    grey = [versions[name][:64, :64, :1] for name in ("original", "coarse")]
    rgb = [pixels.repeat(3, axis=2) for pixels in grey]
    assert ssimulacra2.score(*grey) == pytest.approx(float(ssimulacra2.score(*rgb)), abs=2e-3)
    assert ssimulacra2.score(*grey) == pytest.approx(reference.score(*grey), abs=2e-3)


def test_the_original_has_a_hundred(versions):
    assert float(ssimulacra2.score(versions["original"], versions["original"])) == 100
