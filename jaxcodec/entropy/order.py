"""The frozen life of an entropy model: which symbols are coded, under which tables, in which order.

The symbols of a picture go into parts, each a run of values with the table of each. The tables of a
part follow from the parts before it, by integers alone, so that a decoder can take one part after
the other. `decode` is a generator for that: it yields what it wants decoded (`Request`, or `Loop`
for many small requests that follow from each other), is sent the values, and returns the symbols.
So the same lines serve a coder of the host, and one inside `jit`.

An order is made from the description of a model and the spec of its integer networks. It is given
their arrays, and never a codec. `run` is how a network goes over a large array: `codec.tiles.run`,
or `codec.tiles.whole` inside `jit`.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxcodec.coding.tables import Tables
from jaxcodec.ops import Array

PRIOR, CONDITIONAL, STATIC = "prior", "conditional", "static"
"""The names of the table sets of a codec file."""

Arrays = Mapping[str, Any]
"""The arrays of integer networks, by name."""

Run = Callable[..., Any]
"""(windows, network, *arrays) -> what the network gives; see `codec.tiles.run`."""


class Symbols(NamedTuple):
    """All symbols of a picture: hyper int32 (1, h', w', C') or None, latent int32 (1, h, w, C)."""

    hyper: Any
    latent: Any


class Part(NamedTuple):
    """Values int32 and the table of each, in the order of coding.

    (n,), or (T, n) where `counts` of each row count.

    In place of tables there may be a `Mixture` of such arrays, here and in a request.
    """

    values: Any
    indices: Any
    counts: np.ndarray | None = None


class Request(NamedTuple):
    """Asks for the values of a part, shaped as `indices`, int32."""

    name: str
    indices: Any


class Loop(NamedTuple):
    """Asks for the values of a part row by row, as `jax.lax.scan` goes.

    request: (carry, x) -> the tables of a row, (n,), how many count, and what `receive` wants to
      know of it.
    receive: (carry, x, that, values (n,)) -> carry, and what to stack.
    """

    name: str
    start: Any
    rows: Any
    request: Callable[..., Any]
    receive: Callable[..., Any]


Decoding = Generator[Request | Loop, Any, Symbols]

Shape = tuple[int, int, int, int]


class Order:
    """The order of coding of one kind of entropy model. Subclasses say it.

    tables: the table set of each part, by name, in the order of coding.
    sequential: whether only a coder inside `jit` can decode it.
    parallel: whether the table of a symbol of the latent does not depend on others.
    tables_depend_on_step: whether `tables_at` gives other tables at another step.
    """

    tables: Mapping[str, str]
    sequential: bool = False
    parallel: bool = False
    tables_depend_on_step: bool = False

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """The arrays (1, h, w, any) that the tables of the latent follow from.

        The tables also depend on the step and the latent's own symbols.

        `hyper` are the hyper-symbols, or None; `quality` is (1,) int32 in hundredths.
        """
        raise NotImplementedError

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """What to code, in order."""
        raise NotImplementedError

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The coded values of the latent and their tables, shaped as it is.

        All places of a window at once, in no order.
        """
        raise NotImplementedError

    def in_pass(
        self, arrays: Arrays, number: int, symbols: Array, indices: Array, *side: Array
    ) -> tuple[Array, Array]:
        """Which symbols are of a pass (bool), and the tables (int32) of all passes up to it.

        Only where the model has several (`EntropyModel.pass_count`). `symbols` and `indices`, int32
        shaped as the latent, are those of the passes before; others do not count.
        """
        raise NotImplementedError

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """Decode symbols of these two shapes.

        A model without hyper-symbols ignores their shape.
        """
        raise NotImplementedError

    def arrays_at(self, arrays: Arrays, step_index: int) -> dict[str, Any]:
        """The arrays of the codec file at a quantiser step (`quantiser_step`).

        Those that do not depend on it are the same objects.
        """
        del step_index
        return dict(arrays)

    def tables_at(self, tables: Mapping[str, Tables], step_index: int) -> dict[str, Tables]:
        """The table sets of the codec file at a quantiser step; likewise."""
        del step_index
        return dict(tables)


def channel_tables(shape: tuple[int, ...]) -> np.ndarray:
    """The table of each symbol under a prior: its channel."""
    return np.broadcast_to(np.arange(shape[-1], dtype=np.int32), shape)


def hyper_part(symbols: Symbols) -> Part:
    """The hyper-symbols under the prior."""
    return Part(symbols.hyper, channel_tables(symbols.hyper.shape))
