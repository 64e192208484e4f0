"""Between the words of `encode_fn` and .jxc files, on the host.

Streams that a device has coded become files, and files become streams.
"""

import dataclasses
from typing import NamedTuple

import jax
import numpy as np

from jaxcodec.codec import functions, streams, tiles
from jaxcodec.codec import symbols as symbols_of
from jaxcodec.codec.pictures import check_fits
from jaxcodec.codec.value import Codec, require
from jaxcodec.coding import container
from jaxcodec.coding.container import Header
from jaxcodec.coding.lane_coder import stream_bytes, stream_words
from jaxcodec.errors import BitstreamError
from jaxcodec.image import MAX_PIXELS, MAX_SIDE
from jaxcodec.runtime import jax_settings


class Unpacked(NamedTuple):
    """What `decode_fn` takes after the codec.

    words: uint16 (`functions.word_bound`,), as `encode_fn` gives them. length: how many of them are
      the stream.
    size: (height, width) of the image. quality: 0 to 100.
    """

    words: np.ndarray
    length: int
    size: tuple[int, int]
    quality: float


@jax_settings.ours
def pack(
    codec: Codec,
    words: np.ndarray | jax.Array,
    length: int | jax.Array,
    size: tuple[int, int],
    quality: float | jax.Array = functions.DEFAULT_QUALITY,
) -> bytes:
    """The .jxc file of one image's output of `encode_fn`.

    It equals `jaxcodec.encode(..., coder="lanes")` of the symbols.

    The words are decoded once, to see that they are whole and for the checksum. Of a batch, pack
    each: `[jaxcodec.pack(codec, *each, size) for each in zip(words, lengths)]`.

    Args:
      codec: that of `encode_fn`.
      words, length: of `encode_fn`, of one image.
      size: (height, width) of the image, before any padding.
      quality: as given to `encode_fn`.

    Raises:
      BitstreamError: the words are none that `encode_fn` gave with this codec for such a size and
        quality.
      RateError: the quality is out of range.
    """
    require(codec)
    hundredths, padded = functions.to_hundredths(quality), _checked_size(codec, size)
    words, length = np.asarray(words), int(length)
    count = (
        int(words[0])
        if words.ndim == 1 and words.dtype == np.uint16 and 1 < length <= len(words)
        else 0
    )
    if count & (count - 1) or not 0 < count <= streams.lane_limit(codec, padded):
        raise BitstreamError(
            f"these words, {words.shape} of {words.dtype} of which {length} count, are not of an "
            f"image of {size[1]} x {size[0]} "
            "pixels; give what encode_fn returned for one image, and its height and width"
        )
    stream = streams.Stream("lanes", count, (stream_bytes(words[1:], length - 1),))
    assert codec.step_index is not None  # nothing is traced here
    header = Header(
        version=container.VERSION,
        codec_id=codec.id,
        width=size[1],
        height=size[0],
        channels=3,
        quality=int(hundredths[0]) if codec.variable else None,
        step=codec.step_index,
        precision=codec.precision,
        coder=stream.coder,
        lanes=stream.lanes,
        symbol_crc=0,
    )
    symbols = streams.decode(codec, stream, padded, hundredths)
    crc = container.checksum(symbols, container.identity(header))
    return container.write(dataclasses.replace(header, symbol_crc=crc), stream.parts, {})


@jax_settings.ours
def unpack(codec: Codec, data: bytes, *, max_pixels: int = MAX_PIXELS) -> Unpacked:
    """The words of a .jxc file as `decode_fn` takes them.

    Words of images of one size stack to a batch.

    Any entropy coder may have written the file: words of another are made anew from its symbols.
    Profile and metadata of the picture are left out.

    Raises:
      WrongCodecError, TooLargeError, VersionError, CoderError: as `jaxcodec.decode`.
      BitstreamError: it is not a .jxc file, is damaged, or holds what `decode_fn` does not give: a
        grey picture, alpha, or another quantiser step.
    """
    require(codec)
    header, parts, _ = container.read(data)
    check_fits(codec, header, parts, max_pixels)
    if header.channels != 3 or header.step != codec.step_index:
        what = (
            f"has {header.channels} channels"
            if header.channels != 3
            else "has a quantiser step of its own"
        )
        raise BitstreamError(
            f"this file {what}, which decode_fn does not know; decode it with jaxcodec.decode"
        )
    size, quality = (header.height, header.width), np.array([header.quality or 0], np.int32)
    stream = streams.Stream(header.coder, header.lanes, parts)
    symbols = streams.decode(codec, stream, functions.padded(codec, size), quality)
    symbols_of.check(symbols, header)
    if header.coder != "lanes" or header.lanes > streams.lane_limit(
        codec, functions.padded(codec, size)
    ):
        side = codec.side(symbols.hyper, quality, tiles.run)
        stream = streams.encode(codec, symbols, side, "lanes")
    coded, length = stream_words(stream.parts[0])
    words = np.zeros(max(functions.word_bound(codec, size), length + 1), np.uint16)
    words[0], words[1 : length + 1] = stream.lanes, coded[:length]
    return Unpacked(
        words,
        length + 1,
        size,
        functions.DEFAULT_QUALITY if header.quality is None else header.quality / 100,
    )


def _checked_size(codec: Codec, size: tuple[int, int]) -> tuple[int, int]:
    """The padded size."""
    if len(size) != 2 or not all(0 < side <= MAX_SIDE for side in size):
        raise BitstreamError(
            f"an image cannot have the size {tuple(size)}; give (height, width), 1 to {MAX_SIDE} "
            "each"
        )
    return functions.padded(codec, size)
