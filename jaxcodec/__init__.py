"""jaxcodec: learned image compression in JAX.

The public names are loaded on first use, so that importing the package, and `jaxcodec info`, stay
free of JAX.
"""

import importlib
from typing import Any

from jaxcodec.errors import CodecError

__version__ = "0.6.0"

_LAZY = {
    "Codec": "jaxcodec.codec:Codec",
    "Picture": "jaxcodec.image:Picture",
    "load": "jaxcodec.codec:load",
    "codec_of": "jaxcodec.codec:codec_of",
    "encode": "jaxcodec.targets.encode:encode",
    "encode_picture": "jaxcodec.targets.encode:encode_picture",
    "Quality": "jaxcodec.targets.target:Quality",
    "Bpp": "jaxcodec.targets.target:Bpp",
    "MaxBytes": "jaxcodec.targets.target:MaxBytes",
    "AtLeast": "jaxcodec.targets.target:AtLeast",
    "refine": "jaxcodec.refinement.images:refine",
    "decode": "jaxcodec.codec:decode",
    "decode_picture": "jaxcodec.codec:decode_picture",
    "encode_fn": "jaxcodec.codec:encode_fn",
    "decode_fn": "jaxcodec.codec:decode_fn",
    "allow_imports": "jaxcodec.extensions:allow_imports",
    "pack": "jaxcodec.codec:pack",
    "unpack": "jaxcodec.codec:unpack",
    "read_header": "jaxcodec.coding.container:read_header",
    "read_image": "jaxcodec.image:read",
    "write_image": "jaxcodec.image:write",
}
"""Where each public name comes from, module:name."""

__all__ = ["CodecError", "__version__", *_LAZY]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module, _, own_name = _LAZY[name].partition(":")
        return getattr(importlib.import_module(module), own_name)
    raise AttributeError(f"module 'jaxcodec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
