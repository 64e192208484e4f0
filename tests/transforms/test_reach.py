"""How far networks reach, against where a NaN spreads to."""

import jax
import numpy as np
import pytest

from jaxcodec.transforms.balle import ConvAnalysis, ConvSynthesis
from jaxcodec.transforms.cheng import ChengAnalysis, ChengSynthesis
from jaxcodec.transforms.patch import (
    PatchAnalysis,
    PatchHyperAnalysis,
    PatchHyperSynthesis,
    PatchSynthesis,
)
from jaxcodec.transforms.reach import analysis_halo, synthesis_halo
from jaxcodec.transforms.resnet import ResNetAnalysis, ResNetSynthesis

ANALYSES = {
    "conv": ConvAnalysis((2, 2, 3), (9, 5, 3), (4, 2, 1)),
    "resnet": ResNetAnalysis((2, 2, 3), (9, 5, 5), (4, 2, 2)),
    "patch": PatchAnalysis(latent=12, width=4, blocks=3, points=2),
    "attention": ChengAnalysis(2, attention=True),
    "patch_hyper": PatchHyperAnalysis(features=3, width=2),
}
SYNTHESES = {
    "conv": (ConvSynthesis((2, 2, 3), (3, 5, 9), (1, 2, 4)), 8),
    "subpixel": (ConvSynthesis((2, 2, 2, 3), (3, 3, 3, 3), (1, 2, 1, 2), "relu", subpixel=True), 4),
    "resnet": (ResNetSynthesis((2, 2, 3), (5, 5, 9), (2, 2, 4)), 16),
    "patch": (PatchSynthesis(width=4, blocks=3), 16),
    "patch_hyper": (PatchHyperSynthesis(outputs=3, width=2), 4),
    "attention": (ChengSynthesis(2, attention=True), 16),
}


def spread(network, channels, side, into, out):
    """How many positions away from the middle of a grid a NaN there is seen in the output."""
    middle = side // 2
    poisoned = np.zeros((1, side * into, side * into, channels), np.float32)
    poisoned[:, middle * into : (middle + 1) * into, middle * into : (middle + 1) * into] = np.nan
    quality = np.zeros(1, np.float32)
    shapes = jax.eval_shape(network.init, jax.random.key(0), poisoned, quality)
    params = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), shapes)
    output = jax.jit(network.apply)(params, poisoned, quality)
    reached = np.isnan(output[0]).any(-1).reshape(side, out, side, out).any((1, 3))
    rows, columns = np.flatnonzero(reached.any(1)), np.flatnonzero(reached.any(0))
    assert (rows == columns).all()
    return max(middle - rows[0], rows[-1] - middle)


@pytest.mark.parametrize("name", ANALYSES)
def test_the_halo_of_an_analysis(name):
    network = ANALYSES[name]
    assert spread(network, 3, 2 * network.halo + 3, network.stride, 1) == network.halo


@pytest.mark.parametrize("name", SYNTHESES)
def test_the_halo_of_a_synthesis(name):
    network, stride = SYNTHESES[name]
    assert (
        spread(network, 12 if name == "patch" else 2, 2 * network.halo + 3, 1, stride)
        == network.halo
    )


def test_halos_by_hand():
    # 5x5 layers of stride 2: 2 + 4 + 8 + 16 = 30 pixels of 16, and 1 + 1/2 + 1/4 + 1/8 latent
    # positions.
    assert analysis_halo([(5, 2)] * 4) == 2
    assert synthesis_halo([(5, 2)] * 4) == 2
    assert ChengAnalysis(8).halo == 4 and ChengSynthesis(8).halo == 7
