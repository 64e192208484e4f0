"""Whatever settings a program gives JAX, codecs write the same bytes and show the same pixels."""

import contextlib

import jax
import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.codec import networks


@contextlib.contextmanager
def strict():
    """All that makes JAX refuse what it would do by itself."""
    with (
        jax.numpy_rank_promotion("raise"),
        jax.numpy_dtype_promotion("strict"),
        jax.transfer_guard("disallow"),
    ):
        yield


def x64():
    """64-bit types wherever nothing else is said."""
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64(True)


def results(name: str, picture: np.ndarray) -> list:
    """What every way of coding gives with a codec made anew, whose networks are traced anew."""
    networks.build.cache_clear()
    codec = jaxcodec.codec.create(small_codecs.content(name))
    files = [jaxcodec.encode(codec, picture), jaxcodec.encode(codec, picture, coder="lanes")]
    decoded = [jaxcodec.decode(codec, file).tolist() for file in files]
    words, length = jax.jit(jaxcodec.encode_fn)(codec, jax.device_put(picture))
    packed = jaxcodec.pack(codec, words, length, picture.shape[:2])
    pixels, intact = jax.jit(jaxcodec.decode_fn, static_argnames="size")(
        codec, words, length, size=picture.shape[:2]
    )
    return [
        *files,
        *decoded,
        packed,
        jax.device_get(pixels).tolist(),
        bool(jax.device_get(intact)),
        repr(codec),
    ]


@pytest.fixture(scope="module")
def plain(photo):
    """The results of each codec where nothing is set; worked out once."""
    found = {}

    def of(name: str) -> list:
        if name not in found:
            found[name] = results(name, photo[100:148, 200:260])
        return found[name]

    return of


@pytest.mark.parametrize("name", ["tiny", "factorized", "normalised"])
def test_under_strict_rules_the_bytes_and_the_pixels_are_the_same(name, plain, photo):
    expected = plain(name)
    with strict():
        assert results(name, photo[100:148, 200:260]) == expected


@pytest.mark.parametrize("setting", [x64, lambda: jax.debug_nans(True)], ids=["x64", "debug_nans"])
def test_so_they_are_with_wide_types_and_a_look_for_nans(setting, plain, photo):
    expected = plain("tiny")
    with setting():
        assert results("tiny", photo[100:148, 200:260]) == expected


def test_so_are_files_of_a_size_and_refined_ones(photo):
    picture, codec = photo[100:148, 200:260], small_codecs.build("tiny")
    files = []
    for context in (contextlib.nullcontext, strict):
        with context():
            (latents,) = jaxcodec.refine(codec, [picture], steps=4)
            files.append(
                (
                    jaxcodec.encode(codec, picture, max_bytes=150),
                    jaxcodec.encode(codec, picture, latents=latents),
                )
            )
    assert files[0] == files[1]


@pytest.mark.long
def test_without_jit_the_bytes_are_the_same(photo):
    picture, codec = photo[100:148, 200:260], small_codecs.build("tiny")
    data = jaxcodec.encode(codec, picture, coder="host")
    with jax.disable_jit():
        assert jaxcodec.encode(codec, picture, coder="host") == data
        close = jaxcodec.decode(codec, data).astype(int) - jaxcodec.decode(codec, data)
    assert np.abs(close).max() <= 1


def test_the_settings_of_the_program_are_back_afterwards(photo):
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        jaxcodec.encode(small_codecs.build("tiny"), photo[:32, :32])
        with pytest.raises(ValueError, match="rank"):
            jax.numpy.ones((2, 2)) + jax.numpy.ones(2)
        with pytest.raises(Exception, match="promotion"):
            jax.numpy.ones(2) + jax.numpy.ones(2, int)
