"""Files of refined latents, which any decoder reads."""

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures, tiles
from jaxcodec.codec.value import at_step
from jaxcodec.errors import RefineError
from jaxcodec.refinement.images import Latents


def encode(codec: Codec, source: pictures.Source, latents: Latents) -> Encoded:
    """The file of a picture with these latents.

    Raises:
      RefineError: they are not of this codec, or not of a picture of this size.
    """
    if latents.codec_id != codec.id:
        raise RefineError(f"these latents are of the codec {latents.codec_id}, and not of {codec.name}, which is {codec.id}")
    if latents.shape != source.shape:
        raise RefineError(
            f"these latents are of a picture of {_size(latents.shape)}, and this one has {_size(source.shape)}; "
            "refine this one"
        )
    stepped = at_step(codec, latents.field)
    quality = np.array([latents.hundredths or 0], np.int32)
    side = codec.kind.side(stepped, latents.symbols.hyper, quality, tiles.run)
    return pictures.write(stepped, source, latents.hundredths, latents.field, latents.symbols, side)


def _size(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width} x {height} pixels and {channels} channels"
