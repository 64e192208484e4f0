"""Fixtures for tests with codecs, which a conftest.py imports."""

import numpy as np
import pytest
import small_codecs


@pytest.fixture(scope="session", params=sorted(small_codecs.DESCRIPTIONS))
def any_codec(request):
    """Each of the small codecs in turn."""
    return small_codecs.build(request.param)


@pytest.fixture(scope="session")
def codec():
    """A small codec with a range of qualities."""
    return small_codecs.build("patch")


@pytest.fixture(scope="session")
def tiny():
    """The smallest codec, with a range of qualities and one-layer networks."""
    return small_codecs.build("tiny")


@pytest.fixture(scope="session")
def face(photo) -> np.ndarray:
    """A crop of a photograph, uint8 (48, 60, 3), that every small codec pads to 64 x 64."""
    return photo[100:148, 200:260]
