"""Pictures to .jxc files and back."""

import dataclasses
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from jaxcodec import image
from jaxcodec.codec import streams
from jaxcodec.codec import symbols as symbols_of
from jaxcodec.codec.value import Codec, at_step, require
from jaxcodec.coding import container, quantiser_step, sections
from jaxcodec.coding.container import Header
from jaxcodec.entropy.order import Symbols
from jaxcodec.errors import BitstreamError, ImageError, RateError, TooLargeError, WrongCodecError
from jaxcodec.image import MAX_PIXELS, Picture, hidden
from jaxcodec.runtime import jax_settings

DEFAULT_QUALITY = 50.0


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A compressed picture.

    Attributes:
      data: the whole .jxc file.
      quality: 0 to 100, or None for a codec with one quality.
      step: the quantiser step, in units of the codec's own.
      bpp: 8 * len(data) over the pixels of the picture.
      notes: what the user should know, one phrase each.
      interrupted: whether an interrupt ended the refinement of its latents early, or kept it from
        beginning.
      reached: where a PSNR or an MS-SSIM was asked for, that of this file: in dB, 100 for equal
        pixels, or 0 to 1.
    """

    data: bytes
    quality: float | None
    step: float
    bpp: float
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    reached: float | None = None


AnyPicture = Picture | np.ndarray | Image.Image
"""What is taken for a picture, see `as_picture`."""


def encode(
    codec: Codec,
    picture: AnyPicture,
    *,
    quality: float | None = None,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
) -> bytes:
    """The .jxc file of a picture, as `as_picture` takes it, at a quality; see `encode_picture`."""
    return encode_picture(
        codec, picture, quality=quality, coder=coder, keep_hidden_colour=keep_hidden_colour
    ).data


def decode(
    codec: Codec, data: bytes | bytearray | memoryview, *, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """The pixels of a .jxc file, uint8 (height, width, 1, 3 or 4); see `decode_picture`."""
    return decode_picture(codec, data, max_pixels=max_pixels).pixels


@jax_settings.ours
def encode_picture(
    codec: Codec,
    picture: AnyPicture,
    *,
    quality: float | None = None,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
) -> Encoded:
    """Compress a picture at a quality; `jaxcodec.targets.encode` also hits sizes and distortions.

    Colour goes through the networks (grey as three equal channels); alpha, ICC profile, EXIF, XMP
    and resolution are kept as docs/format.md says.

    Args:
      codec: what to encode with, at its step (`at_step`); decoding needs the same one, at any.
      picture: 8-bit grey, RGB or RGBA, as `as_picture` takes it.
      quality: 0 (smallest file) to 100, in steps of .01; without it 50. A codec with one quality
        takes none.
      coder: the entropy coder, "host", "lanes" or "tfc"; without it "host" on a CPU and "lanes"
        elsewhere. A codec with an autoregressive context, or a mixture, always takes "lanes". Any
        of them decodes on any device.
      keep_hidden_colour: whether the colour of pixels whose alpha is 0 counts; else one that costs
        next to nothing takes its place.

    Raises:
      RateError: the quality makes no sense.
      CoderError: there is no such coder, it is not installed, or this codec cannot use it.
    """
    return encode_source(codec, prepare(codec, picture, coder, keep_hidden_colour), quality)


def encode_source(codec: Codec, source: "Source", quality: float | None) -> Encoded:
    """`encode_picture` of a picture made ready."""
    hundredths = to_hundredths(codec, quality)
    analysis = analyse(codec, source, hundredths)
    return write(codec, source, hundredths, symbols_of.rounded(codec, analysis), analysis.side)


@jax_settings.ours
def decode_picture(
    codec: Codec, data: bytes | bytearray | memoryview, *, max_pixels: int = MAX_PIXELS
) -> Picture:
    """The picture of a .jxc file.

    Args:
      codec: the one that it was written with; `jaxcodec.codec_of` finds it.
      data: the whole file.
      max_pixels: the most that it may claim.

    Raises:
      WrongCodecError: it was written with another codec.
      TooLargeError: it claims more than `max_pixels` pixels.
      VersionError: another version of jaxcodec wrote it.
      CoderError: it needs an entropy coder that is not installed.
      BitstreamError: it is not a .jxc file, or is damaged; or `data` are no bytes.
    """
    require(codec)
    header, parts, side = container.read(data)
    check_fits(codec, header, parts, max_pixels)
    described = sections.unpack(side)
    codec, quality = at_step(codec, header.step, decodes=True), _model_quality(header.quality)
    size = _padded(header.height, codec), _padded(header.width, codec)
    symbols = streams.decode(
        codec, streams.Stream(header.coder, header.lanes, parts), size, quality
    )
    symbols_of.check(symbols, header)
    pixels = np.asarray(symbols_of.synthesise(codec, symbols, quality, grey=header.channels == 1))[
        0
    ]
    pixels = image.crop(pixels, header.height, header.width)
    if header.channels == 4:
        alpha = sections.unpack_alpha(side["alpha"], header.height, header.width)
        pixels = np.concatenate([pixels, alpha[:, :, None]], axis=-1)
    return Picture(np.ascontiguousarray(pixels), **described)


class Source(NamedTuple):
    """A picture made ready to encode: padded colour for the networks, packed sections for the rest.

    shape: of the picture's pixels, (height, width, channels). coder: the entropy coder to use.
      visible: bool (height, width), where somebody sees the colour; None is everywhere.
    """

    pixels: np.ndarray
    sections: dict[str, bytes]
    shape: tuple[int, int, int]
    coder: str
    notes: tuple[str, ...]
    visible: np.ndarray | None = None

    @property
    def pixel_count(self) -> int:
        """Pixels of the picture."""
        return self.shape[0] * self.shape[1]

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        """The visible pixels of (height, width, C) of the picture: all, or (1, n, C)."""
        height, width, _ = self.shape
        pixels = pixels[:height, :width]
        return pixels if self.visible is None else pixels[self.visible][None]

    @property
    def weighs(self) -> str:
        """The side sections that weigh most, as a sentence for who asks for less; or nothing."""
        taken = sorted(
            ((len(section), name) for name, section in self.sections.items()), reverse=True
        )
        return "; ".join(
            f"its {sections.NAMES[name]} takes {size:,} bytes{_REMEDIES[name]}"
            for size, name in taken
            if size >= _HEAVY
        )


_HEAVY = 100  # bytes of a section that are worth a word
_REMEDIES = {
    "icc": "; --no-icc drops it",
    "exif": "; --strip drops it",
    "xmp": "; --strip drops it",
    "alpha": "",
}


def as_picture(picture: AnyPicture) -> Picture:
    """A `Picture` of uint8 pixels, of a Pillow image, or of a picture.

    Pixels are (height, width, 1, 3 or 4). An image of Pillow is converted as a file is.

    Raises:
      ImageError: it is something else.
    """
    if isinstance(picture, Picture):
        return picture
    if isinstance(picture, Image.Image):
        return image.from_pil(picture)
    if not hasattr(picture, "__array__"):
        remedy = (
            "read it with jaxcodec.read_image"
            if isinstance(picture, str | os.PathLike)
            else "make it an array"
        )
        raise ImageError(
            f"a {type(picture).__name__} is no picture, which is an array, a Picture or an image "
            f"of Pillow; {remedy}"
        )
    return Picture(np.asarray(picture))


def prepare(
    codec: Codec, picture: AnyPicture, coder: str | None, keep_hidden_colour: bool = False
) -> Source:
    """A picture made ready for a codec.

    Arguments as of `encode_picture`; raises CoderError and ImageError.
    """
    require(codec)
    chosen, shown = streams.choose(codec, coder), as_picture(picture)
    pixels, colour = shown.pixels, shown.pixels[:, :, :3]
    visible = None if keep_hidden_colour else hidden.visible(pixels)
    if visible is not None:
        colour = hidden.forget(pixels)
    if pixels.shape[2] == 1:
        colour = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    side, notes = sections.pack(shown)
    if shown is not picture:  # who gave a picture knows its notes
        notes = shown.notes + notes
    padded = image.pad_to_multiple(colour, codec.geometry.stride)
    return Source(
        padded,
        side,
        pixels.shape,
        chosen,
        notes,
        visible if visible is not None and visible.any() else None,
    )


def analyse(codec: Codec, source: Source, hundredths: int | None) -> symbols_of.Analysis:
    """The output of the networks for a picture at a quality in hundredths.

    The quality is None for a codec with one quality.
    """
    return symbols_of.analyse(codec, source.pixels[None], _model_quality(hundredths))


def write(
    codec: Codec, source: Source, hundredths: int | None, symbols: Symbols, side: tuple
) -> Encoded:
    """The whole file of the symbols of a picture.

    Args:
      codec: at the step of the file.
      source, hundredths: of the picture.
      symbols, side: made at that quality and step.
    """
    step = codec.step_index
    assert step is not None  # nothing is traced here
    stream = streams.encode(codec, symbols, side, source.coder)
    height, width, channels = source.shape
    header = Header(
        version=container.VERSION,
        codec_id=codec.id,
        width=width,
        height=height,
        channels=channels,
        quality=hundredths,
        step=step,
        precision=codec.precision,
        coder=stream.coder,
        lanes=stream.lanes,
        symbol_crc=0,
    )
    header = dataclasses.replace(
        header, symbol_crc=container.checksum(symbols, container.identity(header))
    )
    data = container.write(header, stream.parts, source.sections)
    quality = None if hundredths is None else hundredths / 100
    return Encoded(
        data, quality, quantiser_step.size(step), 8 * len(data) / source.pixel_count, source.notes
    )


def synthesise(
    codec: Codec, source: Source, hundredths: int | None, symbols: Symbols
) -> np.ndarray:
    """The colour, uint8 (height, width, 3), or grey (..., 1), that a decoder shows.

    `codec` is at their step.
    """
    height, width, channels = source.shape
    pixels = symbols_of.synthesise(codec, symbols, _model_quality(hundredths), grey=channels == 1)
    return image.crop(np.asarray(pixels)[0], height, width)


def to_hundredths(codec: Codec, quality: float | None) -> int | None:
    """A quality of 0 to 100 in hundredths, 50 without one; raises RateError.

    None for a codec with one quality.
    """
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


def check_fits(codec: Codec, header: Header, parts: Sequence[bytes], max_pixels: int) -> None:
    """That this codec can decode a file with this header; allocates nothing."""
    if header.codec_id != codec.id:
        raise WrongCodecError(
            f"this file was encoded with the codec {header.codec_id} and not with {codec.name}, "
            f"which is {codec.id}; "
            "decode it with that codec"
        )
    if header.width * header.height > max_pixels:
        raise TooLargeError(
            f"this file claims {header.width} x {header.height} pixels, more than the limit of "
            f"{max_pixels}; "
            "raise the limit if you trust it"
        )
    if header.precision != codec.precision:
        raise BitstreamError(
            f"this file has tables of {header.precision} bits and its codec has {codec.precision}; "
            "encode the picture anew"
        )
    if (header.quality is not None) != codec.variable:
        raise BitstreamError("this file's quality does not fit its codec; encode the picture anew")
    if len(parts) != (expected := streams.part_count(codec, header.coder)):
        raise BitstreamError(
            f"this file's symbols are in {len(parts)} parts and its codec has {expected}; encode "
            "the picture anew"
        )
