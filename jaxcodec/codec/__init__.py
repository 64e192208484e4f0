"""Codecs: immutable values that turn pictures into .jxc files and back."""

from jaxcodec.codec.functions import decode_fn, encode_fn
from jaxcodec.codec.packing import Unpacked, pack, unpack
from jaxcodec.codec.pictures import Encoded, decode, decode_picture, encode, encode_picture
from jaxcodec.codec.value import Codec, codec_of, create, load

__all__ = [
    "Codec",
    "Encoded",
    "Unpacked",
    "codec_of",
    "create",
    "decode",
    "decode_fn",
    "decode_picture",
    "encode",
    "encode_fn",
    "encode_picture",
    "load",
    "pack",
    "unpack",
]
