"""Words of `encode_fn` become files, and files become words."""

import jax
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec import cli, image
from jaxcodec.artefact import codec_file
from jaxcodec.codec.functions import word_bound
from jaxcodec.errors import BitstreamError, RateError, WrongCodecError

encode = jax.jit(jaxcodec.encode_fn)
decode = jax.jit(jaxcodec.decode_fn, static_argnames="size")


@pytest.mark.long_but("tiny", "factorized")
@pytest.mark.parametrize("name", ["checkerboard", "factorized", "four_step", "normalised", "tiny"])
def test_a_packed_file_is_the_one_that_encode_writes_and_holds_the_words(name, face):
    codec = small_codecs.build(name)
    words, length = encode(codec, face, 62.5)
    assert (
        words.dtype == np.uint16
        and words.shape == (word_bound(codec, (48, 60)),)
        and not words[length:].any()
    )
    data = jaxcodec.pack(codec, words, length, (48, 60), 62.5)
    assert data == jaxcodec.encode(
        codec, face, effort=0, coder="lanes", **({"quality": 62.5} if codec.variable else {})
    )
    unpacked = jaxcodec.unpack(codec, data)
    assert np.array_equal(unpacked.words, words) and unpacked.length == length
    assert unpacked.size == (48, 60) and unpacked.quality == (62.5 if codec.variable else 50)
    pixels, intact = decode(codec, *unpacked)
    assert (
        intact and pixels.dtype == np.uint8 and np.array_equal(pixels, jaxcodec.decode(codec, data))
    )


@pytest.mark.long
def test_a_packed_file_may_have_many_lanes(photo):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    codec = small_codecs.build("patch")
    words, length = encode(codec, noise, 100)
    data = jaxcodec.pack(codec, words, length, (256, 256), 100)
    assert jaxcodec.read_header(data).lanes > 1
    assert data == jaxcodec.encode(codec, noise, quality=100, effort=0, coder="lanes")


def test_a_batch_becomes_files_that_the_command_line_reads(tmp_path, tiny, photo):
    images = np.stack([photo[:48, :60], photo[300:348, 100:160]])
    words, lengths = jax.jit(jax.vmap(jaxcodec.encode_fn, (None, 0)))(tiny, images)
    codec_file.save(tmp_path / "tiny.codec", small_codecs.content("tiny"))
    for i, each in enumerate(zip(words, lengths, strict=True)):
        (tmp_path / f"{i}.jxc").write_bytes(jaxcodec.pack(tiny, *each, (48, 60)))
        source, target = str(tmp_path / f"{i}.jxc"), str(tmp_path / f"{i}.png")
        assert (
            cli.main(
                [
                    "decode",
                    source,
                    target,
                    "--codec",
                    str(tmp_path / "tiny.codec"),
                    "--no-compile-cache",
                ]
            )
            == 0
        )
        expected, _ = decode(tiny, *each, size=(48, 60))
        assert np.array_equal(image.read(tmp_path / f"{i}.png").pixels, expected)


@pytest.mark.long_but("tiny")
@pytest.mark.parametrize("name", ["tiny", "checkerboard", "factorized", "four_step", "normalised"])
def test_files_of_another_coder_unpack_to_the_same_words(name, face):
    codec = small_codecs.build(name)
    files = [jaxcodec.encode(codec, face, coder=coder) for coder in ("host", "lanes")]
    one, other = (jaxcodec.unpack(codec, data) for data in files)
    assert np.array_equal(one.words, other.words) and one[1:] == other[1:]


def test_unpacked_files_of_one_size_are_a_batch(tiny, photo):
    files = [
        jaxcodec.encode(tiny, photo[top : top + 48, :60], quality=quality)
        for top, quality in ((0, 20), (99, 90))
    ]
    unpacked = [jaxcodec.unpack(tiny, data) for data in files]
    words, lengths, qualities = (np.stack([one[i] for one in unpacked]) for i in (0, 1, 3))
    run = jax.jit(jax.vmap(lambda *each: jaxcodec.decode_fn(tiny, *each[:2], (48, 60), each[2])))
    pixels, intact = run(words, lengths, qualities.astype(np.float32))
    assert intact.all()
    for data, decoded in zip(files, pixels, strict=True):
        assert np.array_equal(decoded, jaxcodec.decode(tiny, data))


@pytest.mark.parametrize("size", [(96, 60), (16, 16), (700, 500)])
def test_words_of_another_size_are_refused(tiny, face, size):
    words, length = encode(tiny, face)
    with pytest.raises(BitstreamError):
        jaxcodec.pack(tiny, words, length, size)


@pytest.mark.parametrize("size", [(0, 60), (48, 65_536), (48,), (48, 60, 3)])
def test_sizes_that_cannot_be_are_refused(tiny, face, size):
    with pytest.raises(BitstreamError, match="cannot have the size"):
        jaxcodec.pack(tiny, *encode(tiny, face), size)


def test_damaged_words_are_refused(tiny, face):
    words, length = (np.asarray(array) for array in encode(tiny, face))
    changed = words.copy()
    changed[int(length) // 2] ^= 1
    for wrong, count in [
        (changed, length),
        (words, length - 1),
        (words, len(words) + 1),
        (words, 1),
        (words, 0),
        (words.astype(np.int32), length),
        (words[None], length),
        (np.r_[[3], words[1:]], length),
    ]:
        with pytest.raises(BitstreamError):
            jaxcodec.pack(
                tiny, wrong if wrong is not changed else wrong.astype(np.uint16), count, (48, 60)
            )


def test_a_wrong_quality_or_codec_is_refused(tiny, face):
    words, length = encode(tiny, face, 90)
    with pytest.raises(RateError):
        jaxcodec.pack(tiny, words, length, (48, 60), 9000)
    with pytest.raises(BitstreamError):
        jaxcodec.pack(tiny, words, length, (48, 60), 10)
    with pytest.raises(WrongCodecError):
        jaxcodec.unpack(
            small_codecs.build("scale"), jaxcodec.pack(tiny, words, length, (48, 60), 90)
        )


def test_what_decode_fn_cannot_give_is_said(tiny, face):
    grey, alpha = face[..., :1], np.concatenate([face, face[..., :1]], axis=-1)
    for pixels, words in ((grey, "1 channels"), (alpha, "4 channels")):
        with pytest.raises(BitstreamError, match=f"{words}.*jaxcodec.decode"):
            jaxcodec.unpack(tiny, jaxcodec.encode(tiny, pixels))
    sized = jaxcodec.encode(tiny, face, max_bytes=100)
    assert jaxcodec.read_header(sized).step != 0
    with pytest.raises(BitstreamError, match="step of its own.*jaxcodec.decode"):
        jaxcodec.unpack(tiny, sized)
