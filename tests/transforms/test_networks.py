"""Networks from their settings."""

import pytest

from jaxcodec.errors import CodecFileError, ExtensionError
from jaxcodec.transforms import networks
from jaxcodec.transforms.balle import ConvAnalysis

SETTINGS = {
    "kind": "conv_analysis",
    "features": [4, 6],
    "kernels": [5, 3],
    "strides": [2, 1],
    "activation": "relu",
}


def test_a_network_has_the_fields_of_its_settings_with_tuples_for_lists():
    network = networks.create(SETTINGS, "analysis")
    assert isinstance(network, ConvAnalysis)
    assert (network.features, network.kernels, network.strides) == ((4, 6), (5, 3), (2, 1))
    assert hash(network) == hash(networks.create(SETTINGS, "analysis"))
    assert SETTINGS["kind"] == "conv_analysis"  # the settings stay as they are


def test_every_part_tells_what_the_codec_needs_of_it():
    for part, needed in networks.PARTS.items():
        network = networks.create(SETTINGS, "analysis")
        if part.endswith("analysis"):
            assert all(hasattr(network, name) for name in needed)
    assert networks.create(SETTINGS, "analysis").stride == 2


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"kind": "wavelet"}, CodecFileError, "'wavelet' is unknown; use one of cheng_analysis, "),
        ({"kind": "outside.module:Network"}, ExtensionError, "outside.module"),
        ({"colour": 3}, TypeError, "colour"),
    ],
)
def test_what_cannot_be_made_is_named(change, error, words):
    with pytest.raises(error, match=words):
        networks.create(SETTINGS | change, "analysis")


def test_settings_without_a_kind_are_a_key_error():
    with pytest.raises(KeyError, match="kind"):
        networks.create({}, "analysis")
