"""Codecs: immutable values that turn pictures into .jxc files and back."""

from jaxcodec.codec.pictures import Encoded, decode, decode_picture, encode, encode_picture
from jaxcodec.codec.value import Codec, create, load

__all__ = ["Codec", "Encoded", "create", "decode", "decode_picture", "encode", "encode_picture", "load"]
