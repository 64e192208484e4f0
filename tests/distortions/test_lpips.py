"""What LPIPS is with either network."""

import jax
import numpy as np
import pytest

from jaxcodec import distortions
from jaxcodec.distortions import DistortionError, lpips, lpips_alex

BOTH = pytest.mark.parametrize("name", ["lpips_alex", "lpips_squeeze"])


@BOTH
def test_a_grey_picture_is_that_of_three_equal_channels(name, photo):
    distance = distortions.get(name)
    a, b = photo[:48, :48, :1], photo[16:64, 16:64, :1]
    wide = [np.repeat(each, 3, axis=-1) for each in (a, b)]
    np.testing.assert_allclose(distance(a, b), distance(*wide), rtol=1e-6)
    with pytest.raises(DistortionError, match="1 or 3 channels, and not of 2"):
        distance(photo[:48, :48, :2], photo[:48, :48, :2])


@BOTH
def test_its_weights_are_arguments_of_a_jitted_function(name, photo):
    distance = distortions.get(name)
    assert distance.params and distance.load is None
    a, b = photo[:48, :48], photo[16:64, 16:64]
    jitted = jax.jit(lambda distance, a, b: distance(a, b))
    np.testing.assert_allclose(jitted(distance, a, b), distance(a, b), rtol=1e-6)
    assert f"{lpips_alex.DISTORTION.params}" == "()"


@BOTH
def test_weights_that_are_missing_damaged_or_of_another_network_are_one_sentence(
    name, lpips_folder, tmp_path, monkeypatch
):
    monkeypatch.delenv(lpips.FOLDER)
    with pytest.raises(DistortionError, match="--lpips DIR or JAXCODEC_LPIPS"):
        distortions.get(name)
    monkeypatch.setenv(lpips.FOLDER, str(tmp_path))
    with pytest.raises(DistortionError, match="cannot be read: .*_features.pth"):
        distortions.get(name)
    for file in lpips_folder.rglob("*.pth"):
        (tmp_path / file.relative_to(lpips_folder)).parent.mkdir(exist_ok=True)
        (tmp_path / file.relative_to(lpips_folder)).write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DistortionError, match="cannot be read: .*damaged"):
        distortions.get(name)
    alexnet, squeezenet = (
        (lpips_folder / f"{network}_features.pth").read_bytes()
        for network in ("alexnet", "squeezenet1_1")
    )
    other = tmp_path / "other"
    (other / "heads").mkdir(parents=True)
    (other / "alexnet_features.pth").write_bytes(squeezenet)
    (other / "squeezenet1_1_features.pth").write_bytes(alexnet)
    for head in ("alex", "squeeze"):
        source = lpips_folder / "heads" / f"{head}.pth"
        (other / "heads" / f"{head}.pth").write_bytes(source.read_bytes())
    monkeypatch.setenv(lpips.FOLDER, str(other))
    with pytest.raises(DistortionError, match="is not of .*; give"):
        distortions.get(name)
