"""The tiny run with a normalised latent and the learned threshold."""

import pathlib
import runpy

from jaxcodec.models.presets import shrinkage_model


def get_config():
    """Settings of the run; `data.folders` is left for the test to fill."""
    config = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_config.py")))["get_config"]()
    config.model = shrinkage_model(4, 6, 4)
    config.data.crop = 64
    config.validation_qualities = (0.0,)
    return config
