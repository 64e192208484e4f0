"""A set of pictures in a budget."""

import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.collections import image_set
from jaxcodec.distortions.ssim import ssim
from jaxcodec.errors import CodecError, ImageError, RateError, RefineError
from jaxcodec.image import Picture


@pytest.fixture(scope="module")
def codec():
    return jaxcodec.load("patch-2026")


@pytest.fixture(scope="module")
def pictures(photo):
    """A calm picture, a busy one, and a grey one of another size."""
    busy = photo[:192, 128:320]
    calm = np.full((192, 192, 3), 120, np.uint8)
    calm[:, 60:90] = 180
    return [Picture(calm), Picture(busy), Picture(photo[256:384, 100:260, :1])]


@pytest.fixture(scope="module")
def done(codec, pictures):
    calls = []
    result = image_set.encode_set(codec, pictures, mean_bpp=0.6, progress=lambda: calls.append(1))
    assert len(calls) == image_set.steps(len(pictures))
    return result


def squared_error(codec, picture, data):
    return float(
        np.square(jaxcodec.decode(codec, data).astype(float) - picture.pixels).mean(axis=-1).sum()
    )


def test_all_files_together_keep_to_the_budget(done, pictures):
    pixels = sum(picture.pixels[..., 0].size for picture in pictures)
    assert done.total_bytes <= 0.6 * pixels / 8
    assert done.total_bytes >= 0.97 * 0.6 * pixels / 8


def test_refined_they_keep_to_it_too(pictures):
    codec = small_codecs.build("tiny")
    crops = [Picture(picture.pixels[:64, :64]) for picture in pictures[:2]]
    plain = image_set.encode_set(codec, crops, mean_bpp=3.0)
    refined = image_set.encode_set(codec, crops, mean_bpp=3.0, refine=3)
    assert refined.total_bytes <= 3.0 * 2 * 64 * 64 / 8
    assert refined.distance <= plain.distance
    with pytest.raises(RefineError, match="effort and refine were given together"):
        image_set.encode_set(codec, crops, mean_bpp=3.0, effort=3, refine=3)


def test_effort_is_a_number_of_steps(pictures):
    codec = small_codecs.build("tiny")
    crops = [Picture(picture.pixels[:64, :64]) for picture in pictures[:2]]
    files = [
        [
            member.encoded.data
            for member in image_set.encode_set(codec, crops, mean_bpp=3.0, **tried).members
        ]
        for tried in ({"effort": 3}, {"refine": 25})
    ]
    assert files[0] == files[1]


def test_the_errors_are_those_of_the_files(codec, done, pictures):
    errors = [
        squared_error(codec, p, m.encoded.data) for p, m in zip(pictures, done.members, strict=True)
    ]
    assert errors == pytest.approx([member.error for member in done.members])
    assert done.distance == pytest.approx(sum(errors) / sum(done.pixels))


def test_another_distortion_can_be_made_least(pictures):
    codec = small_codecs.build("tiny")
    crops = [Picture(picture.pixels[:32, :32]) for picture in pictures[:2]]
    done = image_set.encode_set(codec, crops, mean_bpp=3.0, distortion="ssim")
    distances = [
        float(1 - ssim(jaxcodec.decode(codec, member.encoded.data), picture.pixels))
        for picture, member in zip(crops, done.members, strict=True)
    ]
    assert done.distance == pytest.approx(np.mean(distances), rel=1e-4)


def test_what_nobody_sees_has_no_part_in_the_error(pictures):
    codec = small_codecs.build("tiny")
    alpha = np.full((64, 64, 1), 255, np.uint8)
    alpha[:, 30:] = 0
    hidden = Picture(np.concatenate([pictures[1].pixels[:64, :64], alpha], axis=-1))
    done = image_set.encode_set(codec, [hidden], mean_bpp=3.0)
    difference = jaxcodec.decode(codec, done.members[0].encoded.data).astype(float) - hidden.pixels
    assert done.members[0].error == pytest.approx(np.square(difference[:, :30]).mean(axis=-1).sum())
    kept = image_set.encode_set(codec, [hidden], mean_bpp=3.0, keep_hidden_colour=True)
    difference = jaxcodec.decode(codec, kept.members[0].encoded.data).astype(float) - hidden.pixels
    assert kept.members[0].error == pytest.approx(np.square(difference).mean(axis=-1).sum())


def test_it_is_better_than_the_same_rate_for_all(done):
    assert done.same_rate is not None
    assert done.distance < 0.9 * done.same_rate_distance
    calm, busy, _ = done.members
    assert calm.encoded.bpp < 0.6 < busy.encoded.bpp


def test_one_picture_gets_the_budget(codec, pictures):
    alone = image_set.encode_set(codec, pictures[1:2], total_bytes=3_000)
    assert 0.98 * 3_000 <= alone.total_bytes <= 3_000
    assert alone.distance <= alone.same_rate_distance


class Read:
    """Pictures that are read when they are asked for; a broken one raises, and one vanishes after
    the first reading.
    """

    def __init__(self, pictures, vanishing: int | None = None):
        self.pictures, self.vanishing, self.count = pictures, vanishing, [0] * len(pictures)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, place):
        self.count[place] += 1
        picture = self.pictures[place]
        if isinstance(picture, Exception) or (place == self.vanishing and self.count[place] > 1):
            raise picture if isinstance(picture, Exception) else ImageError("it is gone")
        return picture


def test_a_broken_picture_is_left_out_and_the_others_have_the_budget(pictures):
    codec = small_codecs.build("tiny")
    crops = [Picture(picture.pixels[:64, :64]) for picture in pictures[:2]]
    whole = image_set.encode_set(codec, crops, mean_bpp=3.0)
    for broken in (ImageError("it is damaged"), MemoryError(), KeyError("unforeseen")):
        done = image_set.encode_set(codec, Read([crops[0], broken, crops[1]]), mean_bpp=3.0)
        assert isinstance(done.members[1], CodecError) and done.pixels == (64 * 64, 0, 64 * 64)
        assert [done.members[0].encoded.data, done.members[2].encoded.data] == [
            m.encoded.data for m in whole.members
        ]
        assert (done.count, done.total_bytes, done.distance) == (
            2,
            whole.total_bytes,
            whole.distance,
        )
    gone = image_set.encode_set(
        codec, Read([crops[0], crops[0], crops[1]], vanishing=1), mean_bpp=3.0
    )
    assert str(gone.members[1]) == "it is gone" and gone.count == 2
    assert gone.total_bytes <= 3.0 * 2 * 64 * 64 / 8


def test_a_set_of_which_nothing_is_left(pictures):
    done = image_set.encode_set(
        small_codecs.build("tiny"), Read([ImageError("a"), ImageError("b")]), mean_bpp=3.0
    )
    assert [str(member) for member in done.members] == ["a", "b"] and (
        done.count,
        done.same_rate,
    ) == (0, None)


@pytest.mark.parametrize(
    ("budget", "named"),
    [
        ({}, "one budget"),
        ({"total_bytes": 100, "mean_bpp": 1.0}, "one budget"),
        ({"mean_bpp": -1.0}, "-1.0"),
        ({"total_bytes": 90}, "at least"),
    ],
)
def test_budgets_that_cannot_be_are_refused(pictures, budget, named):
    crops = [Picture(picture.pixels[:64, :64]) for picture in pictures]
    with pytest.raises(RateError, match=named):
        image_set.encode_set(small_codecs.build("tiny"), crops, **budget)


def test_an_empty_set_is_refused(codec):
    with pytest.raises(RateError, match="empty"):
        image_set.encode_set(codec, [], mean_bpp=0.5)
