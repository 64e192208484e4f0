"""Pictures of any sizes go in batches."""

import numpy as np
import pytest
import small_codecs
from skimage import data

from jaxcodec.codec import pictures
from jaxcodec.image import Picture
from jaxcodec.refinement import batches, methods
from jaxcodec.refinement.tasks import Task


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """uint8: two of one size, which is no multiple of any stride, and between them a grey one of
    another.
    """
    colour = data.astronaut()
    return [colour[80:140, 180:230], data.camera()[:32, :32, None], colour[200:260, 100:150]]


def test_what_a_progress_shows_is_finite_whatever_the_target(photos):
    """Towards a size that no few steps come near."""
    codec = small_codecs.build("tiny")
    seen = []
    source = pictures.prepare(codec, Picture(photos[0]), None)
    task = Task(0, source, 5000, trade_off=1e-6, target_bits=1.0)
    (latents,) = batches.refine(codec, [task], methods.make(steps=2, every=1), progress=seen.append)
    assert np.isinf(latents.best.loss)
    assert len(seen) == 2
    assert all(np.isfinite(score).all() for look in seen for score in (*look.best, *look.current))
