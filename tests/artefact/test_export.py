import copy
import json

import jax
import ml_collections
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.artefact import export
from jaxcodec.entropy.distributions.gaussian import scale_table
from jaxcodec.entropy.model import prior_tables
from jaxcodec.errors import CodecFileError


def test_the_scales_of_the_tables_are_those_that_indices_mean():
    tables = small_codecs.content("tiny").tables["conditional"]
    assert len(tables) == 64
    for t, scale in list(enumerate(np.asarray(scale_table(), np.float64)))[20::6]:
        counts = tables.counts(t)[:-1]
        values = tables.minimum[t] + np.arange(len(counts))
        # The variance of a rounded Gaussian is larger by 1/12; the cut tails take a little away.
        assert np.sqrt(np.average(values**2, weights=counts)) == pytest.approx(
            np.sqrt(scale**2 + 1 / 12), rel=0.01
        )


def test_the_prior_tables_hold_the_priors_mass():
    model, params = models.build(small_codecs.DESCRIPTIONS["tiny"]), small_codecs.params("tiny")
    tables = small_codecs.content("tiny").tables["prior"]
    assert len(tables) == 4
    for channel in range(4):
        counts = tables.counts(channel)
        values = tables.minimum[channel] + np.arange(len(counts) - 1)
        symbols = np.broadcast_to(values[:, None], (len(values), 4))
        mass = np.asarray(model.apply(params, symbols, method="prior_likelihood"))[:, channel]
        assert np.abs(counts[:-1] / 2**16 - mass).max() < 2**-15
        assert counts[-1] / 2**16 == pytest.approx(1 - mass.sum(), abs=2**-15)
        assert counts[-1] < 1e-3 * 2**16


def test_a_wide_prior_has_tables_up_to_a_limit():
    params = copy.deepcopy(dict(small_codecs.params("tiny")["params"]))
    params["prior"] = params["prior"] | {"matrix_0": params["prior"]["matrix_0"] - 4}
    model = models.build(small_codecs.DESCRIPTIONS["tiny"])
    tables = prior_tables(model, {"params": params})["prior"]
    assert 1000 < max(np.diff(tables.starts)) < 2 * 8192 + 3


def test_configs_and_tuples_give_the_same_codec():
    content = small_codecs.content("tiny")
    description = ml_collections.ConfigDict(small_codecs.DESCRIPTIONS["tiny"])
    again = export.export_codec(
        description,
        small_codecs.params("tiny"),
        name="tiny",
        bpp_range=(0.2, 2.0),
        pictures=small_codecs.pictures(),
        tables="gaussian",
    )
    assert again.id == content.id
    assert json.loads(content.model)["analysis"]["strides"] == [16]


def test_weights_that_are_not_finite_are_refused():
    params = jax.tree.map(np.copy, small_codecs.params("tiny"))
    params["params"]["analysis"]["Conv_0"]["kernel"][0, 0, 0, 0] = np.nan
    with pytest.raises(CodecFileError, match="analysis/Conv_0/kernel is not finite"):
        export.export_codec(small_codecs.DESCRIPTIONS["tiny"], params, name="x", bpp_range=(1, 2))


@pytest.mark.parametrize("rates", [(0, 1), (1, float("inf")), (float("nan"), 1)])
def test_rates_that_cannot_be_are_refused(rates):
    with pytest.raises(CodecFileError, match="cannot be"):
        export.export_codec(
            small_codecs.DESCRIPTIONS["tiny"],
            small_codecs.params("tiny"),
            name="x",
            bpp_range=rates,
        )


def test_a_model_with_integer_networks_asks_for_pictures_of_its_stride():
    description, params = small_codecs.DESCRIPTIONS["tiny"], small_codecs.params("tiny")
    with pytest.raises(CodecFileError, match="32 pixels .* none was given"):
        export.export_codec(description, params, name="x", bpp_range=(1, 2))
    with pytest.raises(CodecFileError, match="smallest one is less"):
        export.export_codec(
            description,
            params,
            name="x",
            bpp_range=(1, 2),
            pictures=[np.zeros((31, 99, 3), np.uint8)],
        )


def test_a_factorized_model_needs_no_pictures():
    content = export.export_codec(
        small_codecs.DESCRIPTIONS["factorized"],
        small_codecs.params("factorized"),
        name="x",
        bpp_range=(1, 2),
    )
    assert content.spec == "null" and not content.integer
