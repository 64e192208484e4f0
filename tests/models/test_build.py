"""From a description to a model."""

import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.errors import CodecFileError
from jaxcodec.models import presets
from jaxcodec.models.build import stride

DESCRIPTIONS = {
    "factorized": presets.factorized_model(6, 8, kernels=(5, 5), strides=(4, 4)),
    "mean_scale": presets.mean_scale_model(6, 8, hyper=6),
    "autoregressive": small_codecs.DESCRIPTIONS["autoregressive"],
    "patch": presets.patch_model(48, 8, blocks=1, hyper=8, points=3, first_gain=3, last_gain=20),
    "patch_factorized": presets.patch_model(48, 8, 1, 0, points=3, first_gain=3, last_gain=20),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("factorized", 16),
        ("mean_scale", 64),
        ("autoregressive", 32),
        ("patch", 64),
        ("patch_factorized", 16),
    ],
)
def test_stride_is_that_of_the_innermost_latent(name, expected):
    assert stride(DESCRIPTIONS[name]) == expected


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"entropy": "psychic"}, "psychic"),
        ({"analysis": {"kind": "wavelet"}}, "wavelet"),
        ({"analysis": {"kind": "patch_analysis", "colour": 3}}, "colour"),
        ({"prior": {"depth": 3}}, "depth"),
    ],
)
def test_a_description_of_another_version_is_refused_by_name(change, word):
    with pytest.raises(CodecFileError, match=word):
        models.build(DESCRIPTIONS["patch"] | change)


@pytest.mark.parametrize(
    "activation", ["swoosh", {"kind": "shrinkage", "surrogate": "soft"}, {"kind": "relu", "top": 6}]
)
def test_an_unknown_activation_is_refused_when_the_model_is_built(activation):
    with pytest.raises(CodecFileError, match="analysis cannot be built: .*(swoosh|soft|top)"):
        models.build(presets.shrinkage_model(8, 6, 4, activation))
