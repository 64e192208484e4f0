"""Pictures to .jxc files and back."""

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jaxcodec import image
from jaxcodec.codec import streams
from jaxcodec.codec import symbols as symbols_of
from jaxcodec.codec.quality_search import highest_within
from jaxcodec.codec.value import Codec
from jaxcodec.coding import container, sections
from jaxcodec.coding.container import MAX_QUALITY, Header
from jaxcodec.errors import BitstreamError, RateError, TooLargeError, WrongCodecError
from jaxcodec.image import MAX_PIXELS, Picture

DEFAULT_QUALITY = 50.0


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A compressed picture.

    Attributes:
      data: the whole .jxc file.
      quality: 0 to 100, or None for a codec with one quality.
      bpp: 8 * len(data) over the pixels of the picture.
      notes: what the user should know, one phrase each.
    """

    data: bytes
    quality: float | None
    bpp: float
    notes: tuple[str, ...] = ()


def encode(
    codec: Codec,
    picture: Picture | np.ndarray,
    *,
    quality: float | None = None,
    bpp: float | None = None,
    coder: str | None = None,
) -> bytes:
    """The .jxc file of a picture, or of uint8 pixels (height, width, 1, 3 or 4); see `encode_picture`."""
    picture = picture if isinstance(picture, Picture) else Picture(np.asarray(picture))
    return encode_picture(codec, picture, quality=quality, bpp=bpp, coder=coder).data


def decode(codec: Codec, data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels of a .jxc file, uint8 (height, width, 1, 3 or 4); see `decode_picture`."""
    return decode_picture(codec, data, max_pixels=max_pixels).pixels


def encode_picture(
    codec: Codec,
    picture: Picture,
    *,
    quality: float | None = None,
    bpp: float | None = None,
    coder: str | None = None,
) -> Encoded:
    """Compress a picture at a quality, or to a size.

    Colour goes through the networks (grey as three equal channels); alpha and ICC profile are kept without loss.

    Args:
      codec: what to encode with; decoding needs the same one.
      picture: 8-bit grey, RGB or RGBA.
      quality: 0 (smallest file) to 100, in steps of .01; without it and without `bpp`, 50. A codec with one quality
        takes none.
      bpp: the highest whole quality is taken whose file, header and all, is not above this rate.
      coder: the entropy coder, "host", "lanes" or "tfc"; without it "host" on a CPU and "lanes" elsewhere. A codec with
        an autoregressive context, or a mixture, always takes "lanes". Any of them decodes on any device.

    Raises:
      RateError: quality or bpp make no sense, or this picture cannot be as small as `bpp`.
      CoderError: there is no such coder, it is not installed, or this codec cannot use it.
    """
    coder = streams.choose(codec, coder)
    if bpp is None:
        hundredths = _hundredths(codec, quality)
        source = _prepare(codec, picture, coder)
        return _encoded(source, _encode(codec, source, hundredths), hundredths)
    if quality is not None:
        raise RateError("a quality and a bpp were both given; give one of them")
    if not (math.isfinite(bpp) and bpp > 0):
        raise RateError(f"a bpp of {bpp} makes no sense; give a number above 0, 0.5 say")
    return _encode_within(codec, _prepare(codec, picture, coder), bpp)


def decode_picture(codec: Codec, data: bytes, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture of a .jxc file.

    Raises:
      WrongCodecError: it was written with another codec.
      TooLargeError: it claims more than `max_pixels` pixels.
      VersionError: another version of jaxcodec wrote it.
      CoderError: it needs an entropy coder that is not installed.
      BitstreamError: it is not a .jxc file, or is damaged.
    """
    header, parts = container.read(data)
    _check(codec, header, parts, max_pixels)
    quality = _model_quality(header.quality)
    size = _padded(header.height, codec), _padded(header.width, codec)
    symbols = streams.decode(codec, streams.Stream(header.coder, header.lanes, parts), size, quality)
    if symbols_of.checksum(symbols, container.identity(header)) != header.symbol_crc:
        raise BitstreamError(
            "this file's symbols came out otherwise than they were encoded: the file was changed after it was written, "
            "or this device computes integers wrongly; fetch it again"
        )
    pixels = np.asarray(symbols_of.synthesise(codec, symbols, quality, grey=header.channels == 1))[0]
    pixels = image.crop(pixels, header.height, header.width)
    if header.channels == 4:
        alpha = sections.unpack_alpha(parts["alpha"], header.height, header.width)
        pixels = np.concatenate([pixels, alpha[:, :, None]], axis=-1)
    return Picture(np.ascontiguousarray(pixels), sections.unpack_icc(parts["icc"]) if "icc" in parts else None)


class _Source(NamedTuple):
    """A picture made ready: padded colour for the networks, packed sections for the rest."""

    pixels: np.ndarray
    sections: dict[str, bytes]
    shape: tuple[int, int, int]
    coder: str
    notes: tuple[str, ...]

    @property
    def pixel_count(self) -> int:
        return self.shape[0] * self.shape[1]


def _prepare(codec: Codec, picture: Picture, coder: str) -> _Source:
    pixels, kept, notes = picture.pixels, {}, ()
    colour = np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels[:, :, :3]
    if pixels.shape[2] == 4:
        kept["alpha"] = sections.pack_alpha(pixels[:, :, 3])
    if picture.icc is not None and len(picture.icc) <= sections.MAX_ICC_BYTES:
        kept["icc"] = sections.pack_icc(picture.icc)
    elif picture.icc is not None:
        notes = (f"dropped an ICC profile of {len(picture.icc)} bytes, which is too long",)
    return _Source(image.pad_to_multiple(colour, codec.geometry.stride), kept, pixels.shape, coder, notes)


def _encode(codec: Codec, source: _Source, hundredths: int | None) -> bytes:
    """The whole file at a quality in hundredths."""
    quality = _model_quality(hundredths)
    symbols = symbols_of.analyse(codec, source.pixels[None], quality)
    stream = streams.encode(codec, symbols, quality, source.coder)
    height, width, channels = source.shape
    header = Header(
        version=container.VERSION,
        codec_id=codec.id,
        width=width,
        height=height,
        channels=channels,
        quality=hundredths,
        precision=codec.precision,
        coder=stream.coder,
        lanes=stream.lanes,
        symbol_crc=0,
        section_bytes={},
    )
    header = dataclasses.replace(header, symbol_crc=symbols_of.checksum(symbols, container.identity(header)))
    return container.write(header, stream.sections | source.sections)


def _encode_within(codec: Codec, source: _Source, bpp: float) -> Encoded:
    """The highest whole quality whose file is not above `bpp`."""
    limit = math.floor(bpp * source.pixel_count / 8)
    limit += 8 * (limit + 1) / source.pixel_count <= bpp  # the product may have been rounded down
    if codec.variable:
        growth = max(math.log(codec.bpp_range[1] / codec.bpp_range[0]) / 100, 1e-3)
        quality, data = highest_within(limit, lambda quality: _encode(codec, source, 100 * quality), growth)
        hundredths = None if quality is None else 100 * quality
    else:
        hundredths, data = None, _encode(codec, source, None)
    if len(data) > limit:
        lowest = math.ceil(8e4 * len(data) / source.pixel_count) / 1e4
        raise RateError(
            f"this picture cannot be as small as {bpp} bpp: the codec {codec.name} takes {lowest:.4f} bpp or more"
        )
    encoded = _encoded(source, data, hundredths)
    if hundredths in (None, MAX_QUALITY) and encoded.bpp < bpp:
        why = "the codec has one quality" if hundredths is None else "quality 100 is the highest"
        note = f"{why} and takes {encoded.bpp:.4f} bpp, less than the {bpp} allowed"
        return dataclasses.replace(encoded, notes=(*encoded.notes, note))
    return encoded


def _encoded(source: _Source, data: bytes, hundredths: int | None) -> Encoded:
    quality = None if hundredths is None else hundredths / 100
    return Encoded(data, quality, 8 * len(data) / source.pixel_count, source.notes)


def _hundredths(codec: Codec, quality: float | None) -> int | None:
    if not codec.variable:
        if quality is not None:
            raise RateError(f"the codec {codec.name} has one quality; leave the quality out")
        return None
    quality = DEFAULT_QUALITY if quality is None else quality
    if not 0 <= quality <= 100:
        raise RateError(f"a quality of {quality} is out of range; give a number from 0 to 100")
    return round(100 * quality)


def _model_quality(hundredths: int | None) -> np.ndarray:
    """The quality (1,) int32 in hundredths that networks take."""
    return np.array([hundredths or 0], np.int32)


def _padded(side: int, codec: Codec) -> int:
    return side + -side % codec.geometry.stride


def _check(codec: Codec, header: Header, parts: Mapping[str, bytes], max_pixels: int) -> None:
    """That this codec can decode a file with this header; allocates nothing."""
    if header.codec_id != codec.id:
        raise WrongCodecError(
            f"this file was encoded with the codec {header.codec_id} and not with {codec.name}, which is {codec.id}; "
            "decode it with that codec"
        )
    if header.width * header.height > max_pixels:
        raise TooLargeError(
            f"this file claims {header.width} x {header.height} pixels, more than the limit of {max_pixels}; "
            "raise the limit if you trust it"
        )
    if header.precision != codec.precision:
        raise BitstreamError(
            f"this file has tables of {header.precision} bits and its codec has {codec.precision}; "
            "encode the picture anew"
        )
    if (header.quality is not None) != codec.variable:
        raise BitstreamError("this file's quality does not fit its codec; encode the picture anew")
    if set(parts) - {"alpha", "icc"} != set(streams.section_names(codec, header.coder)):
        raise BitstreamError("this file's sections do not fit its codec; encode the picture anew")
