"""The tiny run towards two rates, under the general strategy."""

import pathlib
import runpy


def get_config():
    """Settings of the run; `data.folders` is left for the test to fill."""
    config = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_config.py")))["get_config"]()
    config.target_rate.targets_bpp = (0.4, 1.5)
    config.target_rate.beta = (300.0, 200.0)
    config.target_rate.decay.steps = 8
    config.target_rate.tolerance = 0.05
    config.validation_qualities = (0.0, 1.0)
    return config
