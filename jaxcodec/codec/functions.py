"""Encoding and decoding as pure functions of arrays, whole inside `jit` and under `vmap`, on any device.

    encode = jax.jit(jaxcodec.encode_fn)
    decode = jax.jit(jaxcodec.decode_fn, static_argnames="size")
    words, length = encode(codec, image)                    # uint16 (bound,), int32
    again, intact = decode(codec, words, length, size=image.shape[:2])

A batch of equal-sized images goes through `jax.vmap(encode, (None, 0))`. The words are those of `coding.lanes` after one
word for the number of lanes; they carry neither size nor codec id nor checksum of the symbols, which the .jxc files that
`jaxcodec.encode` writes around the same words do. What fits into memory in one piece is what can be coded: nothing here
runs in windows.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.codec import streams, symbols, tiles
from jaxcodec.codec.value import Codec
from jaxcodec.coding import lanes

DEFAULT_QUALITY = 5000
"""In hundredths."""

_SYMBOLS_A_LANE = 1024
"""So many symbols there are for each lane that a compiled function has room for."""


def encode_fn(
    codec: Codec, pixels: jax.Array, quality: jax.Array | int = DEFAULT_QUALITY
) -> tuple[jax.Array, jax.Array]:
    """The words that an image is coded in.

    Args:
      codec: a pytree; give it as an argument, not as a constant, to share the compiled function between codecs' loads.
      pixels: (H, W, 3) uint8.
      quality: int32 () in hundredths, 0 to 10000; ignored by a codec with one quality.

    Returns:
      words: uint16 (bound,), a bound that the size of the image implies; zeros after the stream.
      length: int32 (), how many of them are the stream; 2 * length bytes are what the image takes.
    """
    stride = codec.geometry.stride
    margins = [(0, -size % stride) for size in pixels.shape[:2]]
    padded = jnp.pad(pixels, (*margins, (0, 0)), mode="edge")
    quality = jnp.asarray(quality, jnp.int32).reshape(1)
    analysis = symbols.analyse(codec, padded[None], quality, run=tiles.whole)
    coded = symbols.rounded(codec, analysis, run=tiles.whole)
    blocks = streams.to_blocks(codec, codec.kind.parts(codec, coded, analysis.side, tiles.whole))
    width = _width(codec, padded.shape)
    count = lanes.lane_count(lanes.cost_bits(codec.lane_tables, blocks), width)
    words, length = lanes.encode(codec.lane_tables, blocks, width, count)
    return jnp.concatenate([count[None].astype(jnp.uint16), words]), length + 1


def decode_fn(
    codec: Codec,
    words: jax.Array,
    length: jax.Array | int,
    size: tuple[int, int],
    quality: jax.Array | int = DEFAULT_QUALITY,
) -> tuple[jax.Array, jax.Array]:
    """The image that words stand for.

    Args:
      codec: that of `encode_fn`.
      words, length: of `encode_fn`; there may be fewer or more words than its bound.
      size: (H, W) of the image, static.
      quality: as given to `encode_fn`.

    Returns:
      pixels: (H, W, 3) uint8.
      intact: bool (), whether the stream ended as an encoder ends one. Damage shows here in all but about one case in
        65536 (`jaxcodec.decode` raises instead, and has a checksum too).
    """
    stride = codec.geometry.stride
    padded = tuple(side + -side % stride for side in size)
    quality = jnp.asarray(quality, jnp.int32).reshape(1)
    width = _width(codec, padded)
    count = words[0].astype(jnp.int32)
    valid = (count > 0) & (count <= width) & (count & (count - 1) == 0)
    count = jnp.where(valid, count, 1)
    coded, ended = streams.decode_words(codec, words[1:], jnp.asarray(length) - 1, count, width, padded, quality)
    pixels = symbols.synthesise(codec, coded, quality, run=tiles.whole)
    return pixels[0, : size[0], : size[1]], valid & ended


def _width(codec: Codec, padded: tuple[int, ...]) -> int:
    """The most lanes for an image of that padded size, a power of two."""
    count = int(np.prod(codec.latent_shape(padded[:2])))
    return 1 << min(max(count // _SYMBOLS_A_LANE, 1).bit_length() - 1, lanes.MAX_LANES.bit_length() - 1)
