"""A codec that is none, for what the command line does around one."""

import dataclasses
import types

import numpy as np
from painting import MAGIC

from jaxcodec.errors import BitstreamError
from jaxcodec.image import Picture


@dataclasses.dataclass(frozen=True)
class Encoded:
    """What the codec that is none makes of a picture."""

    data: bytes
    quality: float | None = 50.0
    step: float = 1.0
    bpp: float = 2.0
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    reached: float | None = None


class FakeCodec:
    """A codec that writes the first level of a picture behind the magic, and makes a picture of
    that.

    Attributes:
      calls: the targets and keyword arguments with which pictures were encoded.
      given: the pictures.
      before: called with each picture before it is encoded; may raise, or return another result.
    """

    geometry = types.SimpleNamespace(stride=16)

    def __init__(self):
        self.calls, self.given, self.before = [], [], lambda picture: None

    def encode_pictures(self, codec, pictures, target, **options):
        self.calls.append({"target": target} | options)
        self.given += pictures
        return [
            self.before(picture) or Encoded(MAGIC + bytes(picture.pixels[0, 0, :1]))
            for picture in pictures
        ]

    def decode_picture(self, codec, data, *, max_pixels):
        if data[:4] != MAGIC:
            raise BitstreamError("this is not a .jxc file")
        return Picture(np.full((3, 4, 3), data[4], np.uint8))
