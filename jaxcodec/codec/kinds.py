"""Which symbols a codec codes, under which tables, in which order: one class for each kind of
entropy model.

The symbols of a picture go into parts, each a run of values with the table of each. The tables of a
part follow from the parts before it, by integers alone, so that a decoder can take one part after
the other. `decode` is a generator for that: it yields what it wants decoded (`Request`, or `Loop`
for many small requests that follow from each other), is sent the values, and returns the symbols.
So the same lines serve a coder of the host, and one inside `jit`.

`run` is how a network goes over a large array: `tiles.run`, or `tiles.whole` inside `jit`.
"""

import dataclasses
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec import models
from jaxcodec.codec import wavefront
from jaxcodec.entropy.context import sees_context, windows

PRIOR, CONDITIONAL = "prior", "conditional"


class Symbols(NamedTuple):
    """All symbols of a picture: hyper int32 (1, h', w', C') or None, latent int32 (1, h, w, C)."""

    hyper: Any
    latent: Any


class Part(NamedTuple):
    """Values int32 and the table of each, in the order of coding: (n,), or (T, n) where `counts` of
    each row count.

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
    request: Callable
    receive: Callable


Decoding = Generator[Request | Loop, Any, Symbols]


class Kind(Protocol):
    """A kind of entropy model.

    tables: the table set of each part, by name, in the order of coding.
    sequential: whether only a coder inside `jit` can decode it.
    parallel: whether the table of a symbol of the latent does not depend on others.
    """

    tables: dict[str, str]
    sequential: bool
    parallel: bool

    def side(self, codec, hyper, quality, run) -> tuple:
        """What the tables of the latent follow from, besides the step and its own symbols: arrays
        (1, h, w, any).

        `quality` is (1,) int32 in hundredths.
        """

    def parts(self, codec, symbols: Symbols, side, run) -> dict[str, Part]:
        """What to code, in order."""

    def coded(self, codec, latent, *side) -> Part:
        """What is coded of the latent under which tables, shaped as it is: all places of a window
        at once, in no order.
        """

    def decode(self, codec, size: tuple[int, int], quality, run) -> Decoding:
        """Decodes the symbols of padded pixels of `size` (H, W)."""


class Factorized:
    """Each channel of the latent under a table of its own."""

    tables = {"latent": PRIOR}
    sequential = False
    parallel = True

    def side(self, codec, hyper, quality, run):
        """Nothing."""
        return ()

    def coded(self, codec, latent):
        """The latent by channel."""
        return Part(latent, channel_tables(latent.shape))

    def parts(self, codec, symbols, side, run):
        """One part, the latent."""
        return {"latent": self.coded(codec, symbols.latent)}

    def decode(self, codec, size, quality, run):
        """One request."""
        latent = yield Request("latent", channel_tables(codec.latent_shape(size)))
        return Symbols(None, latent)


class Hyperprior:
    """The hyper-latent under the prior; then the latent under tables that an integer network
    chooses from it.
    """

    tables = {"hyper": PRIOR, "latent": CONDITIONAL}
    sequential = False
    parallel = True

    def side(self, codec, hyper, quality, run):
        """The integers that stand for scales."""
        return (
            run(
                codec.geometry.hyper,
                lambda z: codec.networks.scale(codec.integer, z, quality),
                hyper,
            ),
        )

    def coded(self, codec, latent, scale):
        """The latent under the tables of its scales."""
        return Part(latent, codec.networks.level(codec.integer, scale))

    def parts(self, codec, symbols, side, run):
        """Two parts."""
        index = run(
            codec.geometry.place, lambda scale: codec.networks.level(codec.integer, scale), *side
        )
        return {"hyper": _hyper_part(symbols), "latent": Part(symbols.latent, index)}

    def decode(self, codec, size, quality, run):
        """Two requests."""
        hyper = yield Request("hyper", channel_tables(codec.hyper_shape(size)))
        index = run(
            codec.geometry.hyper, lambda z: codec.networks.index(codec.integer, z, quality), hyper
        )
        latent = yield Request("latent", index)
        return Symbols(hyper, latent)


@dataclasses.dataclass(frozen=True)
class Checkerboard:
    """Places of even row + column from the hyper-latent alone, then the others, which see those too
    (He et al. 2021).

    With mixtures, which the coders of the host do not know, it is `sequential`.
    """

    tables = {"hyper": PRIOR, "latent": CONDITIONAL, "second": CONDITIONAL}
    sequential: bool = False
    parallel = False

    def side(self, codec, hyper, quality, run):
        """What the hyper-latent adds to the entropy parameters, and which places see others."""
        accumulators = _accumulators(codec, hyper, quality, run)
        return accumulators, sees_context("checkerboard", *accumulators.shape[1:3])[None]

    def coded(self, codec, latent, hyper, sees):
        """The latent less its offsets."""
        codes = codec.networks.context_codes(codec.integer, latent)
        seen = codec.networks.context_part(codec.integer, windows(codes, "checkerboard"))
        return _centred(
            latent, *codec.networks.parameters(codec.integer, hyper + jnp.where(sees, seen, 0))
        )

    def parts(self, codec, symbols, side, run):
        """Three parts."""
        first, second = self._places(symbols.latent.shape)
        hyper, _ = side
        latent = symbols.latent.reshape(-1, symbols.latent.shape[-1])
        parts = {"hyper": _hyper_part(symbols)}
        parts["latent"] = _centred(latent[first], *self._parameters(codec, hyper, first, None))
        seen = self._seen(codec, symbols.latent.shape, latent[first])
        parts["second"] = _centred(latent[second], *self._parameters(codec, hyper, second, seen))
        return parts

    def decode(self, codec, size, quality, run):
        """Three requests."""
        shape = codec.latent_shape(size)
        first, second = self._places(shape)
        hyper = yield Request("hyper", channel_tables(codec.hyper_shape(size)))
        accumulators = _accumulators(codec, hyper, quality, run)
        index, offset = self._parameters(codec, accumulators, first, None)
        anchors = (yield Request("latent", index)) + offset
        seen = self._seen(codec, shape, anchors)
        index, offset = self._parameters(codec, accumulators, second, seen)
        others = (yield Request("second", index)) + offset
        latent = (
            jnp.zeros((shape[1] * shape[2], shape[3]), jnp.int32)
            .at[first]
            .set(anchors)
            .at[second]
            .set(others)
        )
        return Symbols(hyper, latent.reshape(shape))

    @staticmethod
    def _places(shape):
        odd = np.add.outer(np.arange(shape[1]), np.arange(shape[2])).ravel() % 2
        return np.flatnonzero(odd == 0), np.flatnonzero(odd)

    @staticmethod
    def _parameters(codec, hyper, places, seen):
        accumulators = hyper.reshape(-1, hyper.shape[-1])[places]
        if seen is not None:
            accumulators = accumulators + codec.networks.context_part(codec.integer, seen)
        return codec.networks.parameters(codec.integer, accumulators)

    def _seen(self, codec, shape, anchors):
        """What the places of the second pass see of the anchors: (n, 12 C) codes."""
        first, second = self._places(shape)
        codes = codec.networks.context_codes(codec.integer, anchors)
        grid = jnp.zeros((shape[1] * shape[2], shape[3]), codes.dtype).at[first].set(codes)
        return windows(grid.reshape(shape), "checkerboard").reshape(shape[1] * shape[2], -1)[second]


class Autoregressive:
    """Every place sees those before it, up to two rows and columns away (Minnen et al. 2018),
    wavefront by wavefront.
    """

    tables = {"hyper": PRIOR, "latent": CONDITIONAL}
    sequential = True
    parallel = False

    def side(self, codec, hyper, quality, run):
        """What the hyper-latent adds to the entropy parameters."""
        return (_accumulators(codec, hyper, quality, run),)

    def coded(self, codec, latent, hyper):
        """The latent less its offsets."""
        codes = codec.networks.context_codes(codec.integer, latent)
        seen = codec.networks.context_part(codec.integer, windows(codes, "autoregressive"))
        return _centred(latent, *codec.networks.parameters(codec.integer, hyper + seen))

    def parts(self, codec, symbols, side, run):
        """Two parts; the context of all places at once."""
        coded = run(
            codec.geometry.context, lambda *a: self.coded(codec, *a)[:2], symbols.latent, *side
        )
        values, index = jax.tree.map(lambda array: wavefront.to_blocks(array[0]), coded)
        counts = wavefront.order(*symbols.latent.shape[1:3]).count * symbols.latent.shape[3]
        return {"hyper": _hyper_part(symbols), "latent": Part(values, index, counts)}

    def decode(self, codec, size, quality, run):
        """A request, then a loop over wavefronts."""
        _, height, width, channels = shape = codec.latent_shape(size)
        fronts = wavefront.order(height, width)
        hyper = yield Request("hyper", channel_tables(codec.hyper_shape(size)))
        accumulators = _accumulators(codec, hyper, quality, run).reshape(height * width, -1)
        rows = fronts.place.shape[1]

        def request(history, front):
            t, first, place, count = front
            window = wavefront.window_at(history, t, first, rows, fronts.shift)
            seen = codec.networks.context_part(codec.integer, window)
            index, offset = codec.networks.parameters(codec.integer, accumulators[place] + seen)
            return jax.tree.map(jnp.ravel, index), count * channels, offset

        def receive(history, front, offset, values):
            t, first, _, count = front
            latent = values.reshape(rows, channels) + offset
            codes = codec.networks.context_codes(codec.integer, latent)
            inside = jnp.arange(rows)[:, None] < count
            return wavefront.remember(
                history, t, first, jnp.where(inside, codes, 0), fronts.shift
            ), latent

        start = wavefront.empty_history(height, width, channels)
        t = np.arange(len(fronts.first), dtype=np.int32)
        latent = yield Loop(
            "latent", start, (t, fronts.first, fronts.place, fronts.count), request, receive
        )
        return Symbols(hyper, wavefront.from_blocks(latent, height, width).reshape(shape))


def channel_tables(shape: tuple[int, ...]) -> np.ndarray:
    """The table of each symbol under the prior: its channel."""
    return np.broadcast_to(np.arange(shape[-1], dtype=np.int32), shape)


def _hyper_part(symbols: Symbols) -> Part:
    return Part(symbols.hyper, channel_tables(symbols.hyper.shape))


def _accumulators(codec, hyper, quality, run):
    """What the hyper-latent adds to the first layer of the entropy parameters, int32 (1, h, w,
    K).
    """
    return run(
        codec.geometry.hyper, lambda z: codec.networks.hyper_part(codec.integer, z, quality), hyper
    )


def _centred(latent, index, offset) -> Part:
    return Part(latent - offset, index)


_KINDS: dict[str, Kind] = {
    "factorized": Factorized(),
    "scale": Hyperprior(),
    "mean_scale": Hyperprior(),
    "autoregressive": Autoregressive(),
}


def of(description: Mapping[str, Any]) -> Kind:
    """The kind of a model, by its description."""
    coded = models.coded_as(description)
    if coded == "checkerboard":
        return Checkerboard(sequential=description.get("mixture", 1) > 1)
    return _KINDS[coded]
