"""encode_fn and decode_fn: what they take, in which unit, and what they say to anything else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.errors import ImageError, RateError

encode = jax.jit(jaxcodec.encode_fn)
decode = jax.jit(jaxcodec.decode_fn, static_argnames="size")


@pytest.mark.parametrize("size", [(1, 1), (7, 33)])
def test_images_of_any_size_come_back_as_from_a_file(tiny, photo, size):
    image = photo[100 : 100 + size[0], 200 : 200 + size[1]]
    words, length = encode(tiny, image)
    pixels, intact = decode(tiny, words, length, size=size)
    assert intact and np.array_equal(
        pixels, jaxcodec.decode(tiny, jaxcodec.encode(tiny, image, effort=0))
    )


@pytest.mark.parametrize(
    "quality", [0, 33.33, 50.004, np.float32(71.25), np.int64(100), jnp.float32(12.5)]
)
def test_a_quality_is_from_0_to_100_everywhere(tiny, face, quality):
    words, length = encode(tiny, face, quality)
    file = jaxcodec.unpack(
        tiny, jaxcodec.encode(tiny, face, quality=float(quality), effort=0, coder="lanes")
    )
    assert np.array_equal(words, file.words) and length == file.length
    assert file.quality == round(float(quality), 2)


def test_a_quality_that_is_not_traced_counts_the_same(tiny, face):
    for one, other in zip(
        jaxcodec.encode_fn(tiny, face, 33.33), encode(tiny, face, 33.33), strict=True
    ):
        assert np.array_equal(one, other)


def test_without_a_quality_it_is_50(tiny, face):
    assert np.array_equal(encode(tiny, face)[0], encode(tiny, face, 50)[0])
    assert not np.array_equal(encode(tiny, face)[0], encode(tiny, face, 50.5)[0])


def test_images_of_a_batch_have_a_quality_each(tiny, face):
    qualities = jnp.array([10.0, 62.5, 100.0])
    images = np.stack([face, face[::-1], face])
    words, lengths = jax.jit(jax.vmap(jaxcodec.encode_fn, (None, 0, 0)))(tiny, images, qualities)
    mapped = jax.jit(jax.vmap(lambda *each: jaxcodec.decode_fn(tiny, *each[:2], (48, 60), each[2])))
    pixels, intact = mapped(words, lengths, qualities)
    assert intact.all()
    for i, quality in enumerate(qualities):
        assert np.array_equal(words[i], encode(tiny, images[i], quality)[0])
        assert np.array_equal(
            pixels[i], decode(tiny, words[i], lengths[i], size=(48, 60), quality=quality)[0]
        )


@pytest.mark.parametrize(
    "quality", [-0.1, 100.1, 5000, float("nan"), np.float32(-1), np.array([50.0])]
)
def test_a_quality_out_of_range_is_refused_where_it_is_known(tiny, face, quality):
    with pytest.raises(RateError, match="from 0 to 100|has the shape"):
        jaxcodec.encode_fn(tiny, face, quality)
    with pytest.raises(RateError, match="from 0 to 100|has the shape"):
        jaxcodec.decode_fn(tiny, np.zeros(9, np.uint16), 5, (48, 60), quality)


def test_a_traced_quality_out_of_range_is_the_nearest_in_it(tiny, face):
    assert np.array_equal(encode(tiny, face, -5)[0], encode(tiny, face, 0)[0])
    assert np.array_equal(encode(tiny, face, 5000.0)[0], encode(tiny, face, 100)[0])


def test_a_codec_with_one_quality_ignores_it(face):
    codec = small_codecs.build("one_quality")
    assert np.array_equal(encode(codec, face, 3)[0], encode(codec, face, 90)[0])


@pytest.mark.parametrize(
    ("image", "remedy"),
    [
        (np.zeros((48, 60, 1), np.uint8), "jnp.repeat"),
        (np.zeros((48, 60), np.uint8), "give it one"),
        (np.zeros((48, 60, 4), np.uint8), "give it one"),
        (np.zeros((2, 48, 60, 3), np.uint8), "jax.vmap"),
        (np.zeros((48, 60, 3), np.float32), "astype"),
        (np.zeros((48, 60, 3), np.int32), "astype"),
        (np.zeros((0, 60, 3), np.uint8), "give it one"),
        ([[[1, 2, 3]]], "list"),
    ],
)
def test_another_image_is_named_with_a_remedy_before_anything_runs(tiny, image, remedy):
    with pytest.raises(
        ImageError, match=r"takes one image, uint8 \(height, width, 3\), and was given"
    ) as error:
        jaxcodec.encode_fn(tiny, image)
    assert remedy in str(error.value)
    if not isinstance(image, list):
        with pytest.raises(ImageError):
            encode(tiny, image)
