"""The forward pass that objectives see."""

import numpy as np

from jaxcodec import objectives
from jaxcodec.objectives import Forward


def test_bpp_is_of_the_pixels_of_each_image():
    image, quality = np.zeros((2, 8, 16, 3), np.float32), np.zeros(2, np.float32)
    forward = Forward(image, quality, image, np.array([128.0, 64.0]), np.zeros(2))
    assert forward.bpp.tolist() == [1.0, 0.5]
    assert forward.latent is None and forward.latent_hat is None


def test_the_objectives_of_the_package_have_what_the_protocol_asks_for():
    made = objectives.create(
        {"first": 0.01, "last": 0.01, "balance": 0.0}, {"targets_bpp": (), "balance": 0.0}
    )
    asked = {name for name in vars(objectives.Objective) if not name.startswith("_")}
    assert asked == {"phases", "networks", "init", "draw_quality", "update", "validate"}
    for name in asked:
        assert hasattr(made, name), name
    assert [phase.players for phase in made.phases] == [(objectives.CODEC,)]
