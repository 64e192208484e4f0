"""jaxcodec: learned image compression in JAX.

The public names are loaded on first use, so that importing the package, and `jaxcodec info`, stay free of JAX.
"""

import importlib

from jaxcodec.errors import CodecError

__version__ = "0.4.0"

_LAZY = {
    "Codec": "jaxcodec.codec",
    "load": "jaxcodec.codec",
    "encode": "jaxcodec.rate.encode",
    "refine": "jaxcodec.refinement.images",
    "decode": "jaxcodec.codec",
    "encode_fn": "jaxcodec.codec",
    "decode_fn": "jaxcodec.codec",
    "read_header": "jaxcodec.coding.container",
}
__all__ = ["CodecError", "__version__", *_LAZY]


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'jaxcodec' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
