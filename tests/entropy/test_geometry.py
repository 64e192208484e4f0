"""Sizes that follow from the networks of a model."""

import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.entropy import geometry
from jaxcodec.entropy.context import REACH


@pytest.mark.parametrize(
    ("name", "stride", "latent_stride", "channels"),
    [("tiny", 32, 16, 6), ("patch", 64, 16, 48), ("factorized", 16, 16, 12)],
)
def test_strides_are_those_of_the_networks(name, stride, latent_stride, channels):
    found = geometry.of(models.build(small_codecs.DESCRIPTIONS[name]))
    assert (found.stride, found.latent_stride, found.channels) == (stride, latent_stride, channels)
    assert found.analysis.into == found.synthesis.out == latent_stride
    assert found.context.reach == REACH and found.place.reach == 0


def test_a_model_without_a_hyper_latent_has_no_windows_for_it():
    found = geometry.of(models.build(small_codecs.DESCRIPTIONS["factorized"]))
    assert found.hyper is None and found.hyper_analysis is None


def test_windows_of_the_hyper_latent_go_from_its_positions_to_those_of_the_latent():
    found = geometry.of(models.build(small_codecs.DESCRIPTIONS["patch"]))
    assert (found.hyper.into, found.hyper.out) == (1, 4)
    assert (found.hyper_analysis.into, found.hyper_analysis.out) == (4, 1)
    assert found.hyper.pixels == 64**2
