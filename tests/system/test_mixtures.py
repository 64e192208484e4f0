"""Context models with mixtures of three Gaussians, in both patterns."""

import jax
import numpy as np
import pytest
import small_codecs
from reference import symbols as reference

import jaxcodec
from jaxcodec import codec
from jaxcodec.artefact import export
from jaxcodec.codec import encode, streams, symbols
from jaxcodec.coding import container
from jaxcodec.errors import CoderError

QUALITY = np.array([5000], np.int32)


@pytest.fixture(scope="module", params=["autoregressive", "checkerboard"])
def content(request):
    if request.param == "autoregressive":
        return small_codecs.content("mixture")
    description = small_codecs.DESCRIPTIONS["mixture"] | {"entropy": request.param}
    pictures = small_codecs.pictures()
    return export.export_codec(
        description,
        small_codecs.params("mixture"),
        name="mixture",
        bpp_range=(0.2, 2.0),
        pictures=pictures,
    )


@pytest.fixture(scope="module")
def mixing(content):
    return codec.create(content)


@pytest.mark.parametrize("size", [(16, 200), (90, 33)])
def test_files_hold_the_symbols_as_the_reference_reads_them(content, mixing, size, photo):
    header, parts, _ = container.read(encode(mixing, photo[: size[0], : size[1]], quality=80))
    padded = tuple(side + -side % 32 for side in size)
    stream = streams.Stream(header.coder, header.lanes, parts)
    decoded = streams.decode(mixing, stream, padded, np.array([header.quality], np.int32))
    assert container.checksum(decoded, container.identity(header)) == header.symbol_crc
    for found, expected in zip(
        reference.decode(content, header, parts[0], (16, 32), 6), decoded, strict=True
    ):
        assert np.array_equal(found, expected)


def test_symbols_that_nothing_expects_are_coded_too(mixing, photo):
    analysis = symbols.analyse(mixing, photo[None, :96, :64], QUALITY)
    expected = symbols.rounded(mixing, analysis)
    latent = np.array(expected.latent)
    latent[0, 0, 0, 0], latent[0, 3, 2, 5], latent[0, 5, 3] = 10**6, -(10**6), 300
    expected = expected._replace(latent=latent)
    stream = streams.encode(mixing, expected, analysis.side, "lanes")
    decoded = streams.decode(mixing, stream, (96, 64), QUALITY)
    assert all(np.array_equal(*pair) for pair in zip(decoded, expected, strict=True))


@pytest.mark.long_but("autoregressive")
def test_a_batch_inside_jit_is_coded_as_each_picture_alone(mixing, photo):
    pictures = np.stack([photo[:64, :96], photo[64:128, :96]])
    code = jax.jit(jaxcodec.encode_fn)
    words, lengths = jax.jit(jax.vmap(jaxcodec.encode_fn, (None, 0)))(mixing, pictures)
    _, intact = jax.jit(jax.vmap(lambda *file: jaxcodec.decode_fn(mixing, *file, size=(64, 96))))(
        words, lengths
    )
    assert intact.all()
    for picture, together, length in zip(pictures, words, lengths, strict=True):
        alone, alone_length = code(mixing, picture)
        assert length == alone_length
        assert np.array_equal(together, alone)


def test_the_coders_of_the_host_say_that_they_cannot(mixing, photo):
    with pytest.raises(CoderError, match="mixtures"):
        encode(mixing, photo[:32, :32], coder="host")
