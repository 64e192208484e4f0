"""LPIPS with SqueezeNet: the authors' numbers if the weights are there, and NumPy's."""

import numpy as np
from reference import lpips as reference
from safetensors.numpy import load_file

from jaxcodec import distortions, image
from jaxcodec.distortions import lpips
from jaxcodec.distortions.lpips_squeeze import lpips_squeeze


def test_the_authors_examples_have_the_distances_of_their_code(shared_dir, monkeypatch):
    folder = shared_dir / "weights" / "lpips"
    monkeypatch.setenv(lpips.FOLDER, str(folder))
    original, *others = (
        image.read(folder / "example" / f"ex_{which}.png").pixels for which in ("ref", "p0", "p1")
    )
    distance = distortions.get("lpips_squeeze")
    found = [float(distance(original, other)) for other in others]
    np.testing.assert_allclose(found, [0.71105, 0.14790], atol=1e-5)


def test_another_implementation_gives_the_same(lpips_folder, photo):
    height, width = (26, 33)
    a, b = photo[:height, :width], photo[40 : 40 + height, 9 : 9 + width]
    expected = reference.distance(
        reference.squeeze,
        load_file(lpips_folder / "squeezenet1_1_features.pth"),
        load_file(lpips_folder / "heads" / "squeeze.pth"),
        a,
        b,
    )
    np.testing.assert_allclose(lpips_squeeze(a, b), expected, rtol=1e-4)
