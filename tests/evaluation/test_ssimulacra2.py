"""SSIMULACRA 2 against libjxl's own program, and against a second implementation that follows its
lines; that one against a third, vszip's, of another author.
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


def flat(side: int, grey: int) -> np.ndarray:
    return np.full((side, side, 3), grey, np.uint8)


def gradient(side: int) -> np.ndarray:
    row = (np.arange(side) * 255 // (side - 1)).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (side, side, 3))


def noise(side: int, seed: int) -> np.ndarray:
    """Knuth's linear congruential generator, a byte a value."""
    values = []
    for _ in range(side * side * 3):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(seed >> 33 & 255)
    return np.array(values, np.uint8).reshape(side, side, 3)


@pytest.mark.parametrize(
    ("original", "compressed", "expected", "tolerance"),
    [
        (gradient(64), flat(64, 128), -64.56872148, 0.005),
        (noise(64, 42), flat(64, 128), -47.33572558, 0.005),
        (flat(64, 128), flat(64, 148), 56.05855584, 0.15),
        (flat(64, 128), flat(64, 178), -8.75942256, 0.15),
        (flat(128, 128), flat(128, 138), 77.84296299, 0.15),
        (flat(128, 128), flat(128, 148), 54.27883917, 0.15),
        (flat(128, 128), flat(128, 178), -9.82383315, 0.15),
    ],
)
def test_scores_are_those_of_libjxls_program(original, compressed, expected, tolerance):
    """The scores of libjxl's `ssimulacra2` that imazen/ssimulacra2 keeps (src/reference_data.rs of
    2026-01-04). It sums in float32, which flat pictures show: their variances are rounding alone.
    """
    for implementation in (ssimulacra2, reference):
        assert float(implementation.score(original, compressed)) == pytest.approx(
            expected, abs=tolerance
        )


@pytest.mark.parametrize("name", ["coarse", "soft", "noisy"])
def test_it_is_the_reference(versions, name):
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
