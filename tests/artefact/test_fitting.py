"""Tables that are fitted to symbols."""

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.artefact.calibration import calibrate
from jaxcodec.artefact.export import export_codec
from jaxcodec.artefact.fitting import fitted
from jaxcodec.codec import create, decode, encode
from jaxcodec.errors import CodecFileError


def stored(params):
    """Parameters as a codec file has them."""

    def rounded(path, leaf):
        is_kernel = path[-1].key == "kernel"
        return leaf.astype(np.float16).astype(np.float32) if is_kernel else leaf

    return jax.tree_util.tree_map_with_path(rounded, params)


@pytest.mark.long_but("tiny")
@pytest.mark.parametrize("name", ["tiny", "four_step"])
def test_symbols_cost_less_and_scales_are_chosen_as_before(name):
    description, params = small_codecs.DESCRIPTIONS[name], stored(small_codecs.params(name))
    model = models.build(description)
    calibration = calibrate(description, params, small_codecs.pictures())
    frozen = model.freeze(params, calibration)
    found = fitted(model, frozen, calibration)
    assert found.spec == frozen.spec and found.arrays is frozen.arrays
    np.testing.assert_array_equal(found.tables["prior"].cdf, frozen.tables["prior"].cdf)
    exported = export_codec(
        description, params, name=name, bpp_range=(0.2, 2.0), pictures=small_codecs.pictures()
    )
    np.testing.assert_array_equal(
        exported.tables["conditional"].cdf, found.tables["conditional"].cdf
    )
    picture = small_codecs.pictures()[0]
    both = [create(each) for each in (small_codecs.content(name), exported)]
    before, after = (encode(each, picture, quality=90) for each in both)
    assert len(after) < 0.97 * len(before)
    np.testing.assert_array_equal(decode(both[0], before), decode(both[1], after))


def test_tables_with_phases_stay_as_they_are():
    name = "checkerboard"
    model = models.build(small_codecs.DESCRIPTIONS[name])
    frozen = model.freeze(
        small_codecs.params(name),
        calibrate(small_codecs.DESCRIPTIONS[name], small_codecs.params(name),
                  small_codecs.pictures()),
    )  # fmt: skip
    assert fitted(model, frozen, None) is frozen


def test_tables_of_another_kind_are_unknown():
    with pytest.raises(CodecFileError, match="'laplace' are unknown; use one of fitted, gaussian"):
        export_codec({}, {}, name="x", bpp_range=(0.1, 1.0), tables="laplace")
