"""The tiny run with the regularizer."""

import pathlib
import runpy


def get_config():
    """Settings of the run; `data.folders` is left for the test to fill."""
    config = runpy.run_path(str(pathlib.Path(__file__).with_name("tiny_config.py")))["get_config"]()
    config.regularizer.update({"alpha": 0.01, "features": 4, "learning_rate": 0.005})
    return config
