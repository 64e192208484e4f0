"""ColorVideoVDP by its package, of which the tests have a stand-in."""

import importlib.util
import sys
import types

import numpy as np
import pytest

from jaxcodec.evaluation import cvvdp, metrics
from jaxcodec.evaluation.coder import EvaluationError


def test_without_the_package_one_sentence_says_what_to_install(monkeypatch, photo):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match=r"needs the package cvvdp; .*jaxcodec\[cvvdp\]"):
        metrics.choose(["cvvdp"])
    with pytest.raises(EvaluationError, match="the package cvvdp"):
        cvvdp.quality(photo, photo)
    assert metrics.CVVDP not in metrics.choose(None)


def test_the_package_is_given_the_decoded_picture_first(monkeypatch, photo):
    class Metric:
        def __init__(self, display_name, quiet):
            assert display_name == cvvdp.DISPLAY and quiet

        def predict(self, test, reference, dim_order):
            assert dim_order == "HWC" and test.dtype == np.uint8
            assert (reference == photo).all() and not (test == photo).any()
            return np.float32(9.25), {}

    package = types.ModuleType("pycvvdp")
    package.cvvdp = Metric
    package.__spec__ = importlib.util.spec_from_loader("pycvvdp", None)
    monkeypatch.setitem(sys.modules, "pycvvdp", package)
    assert cvvdp.quality(photo, photo ^ 8) == 9.25
    chosen = metrics.choose(["cvvdp"])
    assert metrics.values(chosen, photo, photo ^ 8)["cvvdp_jod"] == 9.25
