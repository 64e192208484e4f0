"""The bundled codec's files weigh what its model estimates: training optimises what users get."""

import jax
import numpy as np
import pytest

import jaxcodec
from jaxcodec import image, models
from jaxcodec.artefact import bundled, codec_file
from jaxcodec.coding import container


@pytest.fixture(scope="module")
def estimated_bits():
    """The rate that training calls bpp, in bits, of pixels (H, W, 3) at a quality of 0 to 100."""
    content = codec_file.read(bundled.find("default"))
    model = models.build(content.metadata()["model"])
    bits = jax.jit(
        lambda params, x, q: model.apply(params, x, q, jax.random.key(0), kind="round").bits
    )
    params = jaxcodec.load("default").params

    def estimate(pixels, quality):
        return float(
            bits(params, image.to_float(pixels)[None], np.array([quality / 100], np.float32))[0]
        )

    return estimate


@pytest.mark.long
def test_files_of_kodak_weigh_what_the_model_estimates(shared_dir, estimated_bits):
    codec = jaxcodec.load("default")
    files = sorted((shared_dir / "data" / "test" / "kodak").glob("*.png"))[::3]
    assert len(files) == 8
    for number, file in enumerate(files):
        pixels = image.read(file).pixels
        if pixels.shape[0] > pixels.shape[1]:
            pixels = np.ascontiguousarray(pixels.swapaxes(0, 1))  # one shape, compiled once
        quality = (0, 50, 100)[number % 3]
        data = jaxcodec.encode(codec, pixels, quality=quality, effort=0)
        payload = sum(container.read_header(data).part_bytes)
        assert len(data) - payload <= 48
        assert 8 * payload == pytest.approx(estimated_bits(pixels, quality), rel=0.01)
