"""What integer networks cost in bits, on a photograph that no codec was calibrated on."""

import jax
import numpy as np
import pytest

from jaxcodec import image, models
from jaxcodec.artefact import codec_file
from jaxcodec.artefact.bundled import find
from jaxcodec.codec import create
from jaxcodec.entropy.distributions.gaussian import scale_index
from jaxcodec.entropy.hyperprior import table_index
from jaxcodec.integer.calibrate import costs, total_bits


@pytest.fixture(scope="module")
def latent_bits():
    """A compiled function (pixels, quality in hundredths (1,)) -> bits with float scales, and with
    integer ones.
    """
    content = codec_file.read(find("patch-2026"))
    codec, metadata = create(content), content.metadata()
    model = models.build(metadata["model"])
    table_costs = costs(content.tables["conditional"], 1024)

    @jax.jit
    def bits(params, arrays, pixels, quality):
        fraction = quality / np.float32(10_000)
        latent = model.apply(params, image.to_float(pixels), fraction, method="to_latent")
        hyper = model.apply(params, latent, fraction, method="to_hyper_symbols")
        symbols = model.apply(params, latent, hyper, fraction, method="to_symbols")
        floats = scale_index(model.apply(params, hyper, fraction, method="scale"))
        integers = table_index(metadata["integer"], arrays, hyper, quality)
        return [total_bits(table_costs, index, symbols)[0] for index in (floats, integers)]

    return lambda pixels, quality: bits(codec.params, codec.integer, pixels, quality)


@pytest.mark.parametrize("quality", [0, 5000, 10_000])
def test_the_bundled_codec_takes_at_most_half_a_percent_more_bits_than_with_float_scales(
    photo, latent_bits, quality
):
    floats, integers = latent_bits(photo[None, :256, 128:384], np.full(1, quality, np.int32))
    assert floats > 1000
    assert integers < 1.005 * floats
