"""Encoding and decoding as pure functions of arrays, whole inside `jit` and `vmap`.

They run on any device.

    encode = jax.jit(jaxcodec.encode_fn)
    decode = jax.jit(jaxcodec.decode_fn, static_argnames="size")
    words, length = encode(codec, image, 75)                         # uint16 (bound,), int32
    again, intact = decode(codec, words, length, image.shape[:2], 75)

A batch of equal-sized images goes through `jax.vmap(encode, (None, 0))`. The words are those of
`coding.lanes` after one word for the number of lanes; they carry neither size nor codec id nor
checksum of the symbols, which the .jxc files have that `jaxcodec.pack` makes of them. What fits
into memory in one piece is what can be coded: nothing here runs in windows. `jax.export` takes
both, with the codec as an argument.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxcodec.codec import streams, symbols, tiles
from jaxcodec.codec.value import Codec, require
from jaxcodec.coding import lanes
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.errors import ImageError, RateError
from jaxcodec.ops import Array
from jaxcodec.runtime import jax_settings

DEFAULT_QUALITY = 50.0
"""On the scale of 0 to 100."""


@jax_settings.ours
def encode_fn(
    codec: Codec, pixels: jax.Array, quality: jax.Array | float = DEFAULT_QUALITY
) -> tuple[jax.Array, jax.Array]:
    """The words that an image is coded in.

    Args:
      codec: a pytree; give it as an argument, not as a constant, to share the compiled function
        between codecs' loads.
      pixels: (H, W, 3) uint8.
      quality: 0 (fewest words) to 100, in steps of .01, a number or an array () of any real type;
        an array that is traced is clipped to that range. Ignored by a codec with one quality.

    Returns:
      words: uint16 (`word_bound`,), zeros after the stream.
      length: int32 (), how many of them are the stream; 2 * length bytes are what the image takes.

    Raises:
      ImageError: the pixels have another shape or type.
      RateError: a quality that is not traced is out of range.
    """
    require(codec)
    _check_image(pixels)
    height, width, _ = pixels.shape
    padded_size = padded(codec, (height, width))
    margins = [
        (0, after - before) for after, before in zip(padded_size, pixels.shape, strict=False)
    ]
    image = jnp.pad(pixels, (*margins, (0, 0)), mode="edge")
    hundredths = to_hundredths(quality)
    analysis = symbols.analyse(codec, image[None], hundredths, run=tiles.whole)
    coded = symbols.rounded(codec, analysis, run=tiles.whole)
    blocks = streams.to_blocks(
        codec, codec.order.parts(codec.integer, coded, analysis.side, tiles.whole)
    )
    limit = streams.lane_limit(codec, padded_size)
    count = lanes.lane_count(lanes.cost_bits(codec.lane_tables, blocks), limit)
    words, length = lanes.encode(codec.lane_tables, blocks, limit, count)
    words = jnp.concatenate([count[None].astype(jnp.uint16), words])
    # A wavefront's block has places for more symbols.
    return words[: word_bound(codec, (height, width))], length + 1


@jax_settings.ours
def decode_fn(
    codec: Codec,
    words: jax.Array,
    length: jax.Array | int,
    size: tuple[int, int],
    quality: jax.Array | float = DEFAULT_QUALITY,
) -> tuple[jax.Array, jax.Array]:
    """The image that words stand for.

    Args:
      codec: that of `encode_fn`.
      words, length: of `encode_fn`; there may be fewer or more words than its bound.
      size: (H, W) of the image, static.
      quality: as given to `encode_fn`.

    Returns:
      pixels: (H, W, 3) uint8.
      intact: bool (), whether the stream ended as an encoder ends one. Damage shows here in all but
        about one case in 65536 (`jaxcodec.decode` raises instead, and has a checksum too).

    Raises:
      RateError: a quality that is not traced is out of range.
    """
    require(codec)
    padded_size, hundredths = padded(codec, size), to_hundredths(quality)
    width = streams.lane_limit(codec, padded_size)
    count = words[0].astype(jnp.int32)
    valid = (count > 0) & (count <= width) & (count & (count - 1) == 0)
    count = jnp.where(valid, count, 1)
    coded, ended = streams.decode_words(
        codec, words[1:], jnp.asarray(length) - 1, count, width, padded_size, hundredths
    )
    pixels = symbols.synthesise(codec, coded, hundredths, run=tiles.whole)
    return pixels[0, : size[0], : size[1]], valid & ended


def word_bound(codec: Codec, size: tuple[int, int]) -> int:
    """How many words `encode_fn` gives for an image of `size` (H, W)."""
    padded_size = padded(codec, size)
    count = int(np.prod(codec.latent_shape(padded_size)))
    if "hyper" in codec.order.tables:
        count += int(np.prod(codec.hyper_shape(padded_size)))
    return 1 + lanes.word_bound(count, streams.lane_limit(codec, padded_size))


def padded(codec: Codec, size: tuple[int, int]) -> tuple[int, int]:
    """The size (H, W) that networks see an image of `size` in."""
    stride = codec.geometry.stride
    height, width = size
    return height + -height % stride, width + -width % stride


def to_hundredths(quality: jax.Array | float) -> Array:
    """A quality of 0 to 100 in hundredths, int32 (1,)."""
    if np.shape(quality) != ():
        raise RateError(
            f"a quality has no axes, and this one has the shape {np.shape(quality)}; map over it "
            "with jax.vmap"
        )
    if not isinstance(quality, Tracer):
        value = float(quality)
        if not 0 <= value <= 100:
            raise RateError(f"a quality of {value:g} is out of range; give a number from 0 to 100")
        return np.array([round(100 * value)], np.int32)
    clipped = jnp.clip(jnp.asarray(quality, jnp.float32), 0, 100)
    return jnp.round(clipped * (MAX_QUALITY / 100)).astype(jnp.int32).reshape(1)


def _check_image(pixels: jax.Array) -> None:
    shape, dtype = np.shape(pixels), getattr(pixels, "dtype", type(pixels).__name__)
    if len(shape) == 3 and shape[2] == 3 and 0 not in shape and dtype == np.uint8:
        return
    given = f"an array {shape} of {dtype}"
    if len(shape) == 4:
        remedy = "map it over a batch, jax.vmap(encode_fn, (None, 0))(codec, images)"
    elif len(shape) == 3 and shape[2] == 1:
        remedy = "repeat a grey one, jnp.repeat(image, 3, axis=2)"
    elif dtype != np.uint8:
        remedy = "round one of floats, jnp.round(255 * image).astype(jnp.uint8)"
    else:
        remedy = "give it one, or the files of jaxcodec.encode, which has grey, alpha and all sizes"
    raise ImageError(
        f"encode_fn takes one image, uint8 (height, width, 3), and was given {given}; {remedy}"
    )
