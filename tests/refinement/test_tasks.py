"""Pictures to refine, cut into parts, and what is asked of each."""

import math

import numpy as np
import pytest
import small_codecs

from jaxcodec import distortions
from jaxcodec.codec import pictures
from jaxcodec.image import Picture
from jaxcodec.refinement import tasks
from jaxcodec.refinement.tasks import Task

MSE, SSIM = distortions.get("mse"), distortions.get("ssim")


@pytest.fixture(scope="module")
def codec():
    return small_codecs.build("tiny")


@pytest.fixture(scope="module")
def task(codec, photo):
    """Makes a task of a crop of a photograph."""

    def make(index: int, height: int, width: int, channels: int = 3, **asked) -> Task:
        crop = photo[100 : 100 + height, 200 : 200 + width, :channels]
        source = pictures.prepare(codec, Picture(np.ascontiguousarray(crop)), None)
        return Task(index, source, 5000, **asked)

    return make


def test_parts_of_one_size_and_colour_go_together(codec, task):
    made = [task(0, 60, 50), task(1, 30, 30), task(2, 64, 64), task(3, 60, 50, 1), task(4, 60, 50)]
    parts = [part for each in made for part in tasks.cut(codec, each, 10**6)]
    assert len(parts) == 5 and all(part.tile.share == 1 for part in parts)
    together = [
        sorted(part.task.index for part in batch) for batch in tasks.batches(parts, 9, 10**6, MSE)
    ]
    assert sorted(together) == [[0, 2, 4], [1], [3]]
    # SSIM needs to know what counts: images of other sizes before padding go apart.
    together = [
        sorted(part.task.index for part in batch) for batch in tasks.batches(parts, 9, 10**6, SSIM)
    ]
    assert sorted(together) == [[0, 4], [1], [2], [3]]


def test_batches_hold_no_more_images_or_pixels_than_allowed(codec, task):
    parts = [part for index in range(5) for part in tasks.cut(codec, task(index, 64, 64), 10**6)]
    assert [len(batch) for batch in tasks.batches(parts, 2, 10**6, MSE)] == [2, 2, 1]
    assert [len(batch) for batch in tasks.batches(parts, 9, 3 * 64 * 64, MSE)] == [3, 2]
    assert [len(batch) for batch in tasks.batches(parts, 9, 1, MSE)] == [1] * 5


def test_images_of_a_batch_have_their_own_sizes(codec, task):
    parts = [tasks.cut(codec, task(index, 60 + index, 50), 10**6)[0] for index in range(2)]
    padded = tasks.images(parts)
    assert padded.pixels.shape == (2, 1, 64, 64, 3) and padded.quality.tolist() == [[5000]] * 2
    assert padded.height.tolist() == [60, 61] and padded.width.tolist() == [50, 50]


def test_what_is_asked_is_known_without_a_look_where_a_trade_off_is_given(codec, task):
    asked = task(7, 60, 50, trade_off=0.5, factor=2.0, target_bits=300.0)
    batch = tasks.cut(codec, asked, 10**6)
    ((key, aim),) = tasks.aims(codec, [batch], MSE).items()
    assert key == (7, 0) and (aim.trade_off, aim.target_bits) == (1.0, 300.0)
    assert math.isnan(aim.target_distance)


def test_tiles_share_a_target_as_their_bits_are_shared(codec, task):
    """All tiles have one trade-off; their targets, less what overlaps, come to a little more than
    that of the picture.
    """
    asked = task(0, 150, 90, target_bits=1000.0)
    batch = tasks.cut(codec, asked, 96 * 96)
    assert len(batch) > 1
    aims = tasks.aims(codec, [batch], MSE)
    assert len({aim.trade_off for aim in aims.values()}) == 1
    assert min(aims.values())[0] > 0
    total = sum(part.tile.share * aims[0, part.number].target_bits for part in batch)
    assert total == pytest.approx(1006, rel=1e-6)


def test_only_what_is_no_mean_needs_an_extent(codec, task):
    batch = tasks.cut(codec, task(0, 60, 50, 1), 10**6)
    assert tasks.criterion(batch, MSE).extent is None
    criterion = tasks.criterion(batch, SSIM)
    assert criterion.extent == (60, 50) and criterion.grey
