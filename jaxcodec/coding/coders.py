"""The entropy coders by name, and which of them this installation has.

host: constriction's range coder, the fastest to start on a CPU. lanes: rANS inside jit
  (`coding.lanes`). tfc: the range coder of tensorflow-compression-ops. A coder is imported when it
  is first made.
"""

import importlib.util

from jaxcodec.coding.container import CODERS
from jaxcodec.coding.host import SymbolCoder
from jaxcodec.coding.tables import Tables
from jaxcodec.errors import CoderError

_TFC = "tensorflow_compression_ops"


def installed() -> tuple[str, ...]:
    """The coders of CODERS that can be made here."""
    return tuple(
        name for name in CODERS if name != "tfc" or importlib.util.find_spec(_TFC) is not None
    )


def default(backend: str) -> str:
    """The coder to encode with on a JAX backend ("cpu", "gpu", "tpu")."""
    return "host" if backend == "cpu" else "lanes"


def require(name: str) -> None:
    """Raises CoderError, with what to do, unless the coder is known and installed."""
    if name not in CODERS:
        raise CoderError(f"there is no entropy coder {name!r}; take one of {', '.join(CODERS)}")
    if name not in installed():
        raise CoderError(
            f"the entropy coder {name!r} is not installed; pip install 'jaxcodec[tfc]' in an "
            "environment of its own, "
            "with Python 3.11 or 3.12"
        )


def make(name: str, tables: Tables) -> SymbolCoder:
    """The coder of that name for a set of tables; raises CoderError as `require`."""
    require(name)
    if name == "host":
        from jaxcodec.coding.host import RangeCoder

        return RangeCoder(tables)
    if name == "lanes":
        from jaxcodec.coding.lane_coder import LaneCoder

        return LaneCoder(tables)
    from jaxcodec.coding.tfc import TfcCoder

    return TfcCoder(tables)
