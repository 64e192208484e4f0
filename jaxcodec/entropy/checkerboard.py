"""The checkerboard context (He et al. 2021): a latent in two passes."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxcodec.entropy.context import sees_context, windows
from jaxcodec.entropy.context_model import ContextModel, ContextOrder, centred
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.order import (
    CONDITIONAL,
    PRIOR,
    Arrays,
    Decoding,
    Order,
    Part,
    Request,
    Run,
    Shape,
    Symbols,
    channel_tables,
    hyper_part,
)
from jaxcodec.ops import Array


class CheckerboardModel(ContextModel):
    """Places of even row + column see the hyper-latent alone; the others see those too."""

    pattern = "checkerboard"

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """Hyper-symbols, then each half of the places."""
        assert spec is not None  # `freeze` gives one
        return TwoPasses.of(spec, geometry, self.scale_form)


class TwoPasses(ContextOrder):
    """Three parts. With mixtures, which the coders of the host do not know, it is `sequential`."""

    tables = {"hyper": PRIOR, "latent": CONDITIONAL, "second": CONDITIONAL}

    @property
    def sequential(self) -> bool:
        """Whether there are mixtures."""
        return self.mixture > 1

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """What the hyper-latent adds to the entropy parameters, and which places see others."""
        accumulators = self.accumulators(arrays, hyper, quality, run)
        return accumulators, sees_context("checkerboard", *accumulators.shape[1:3])[None]

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent less its offsets."""
        hyper, sees = side
        seen = jnp.where(sees, self.seen(arrays, latent, "checkerboard"), 0)
        return centred(latent, *self.parameters(arrays, hyper + seen))

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """Three parts."""
        first, second = _places(symbols.latent.shape)
        hyper, _ = side
        latent = symbols.latent.reshape(-1, symbols.latent.shape[-1])
        parts = {"hyper": hyper_part(symbols)}
        parts["latent"] = centred(latent[first], *self._parameters(arrays, hyper, first, None))
        seen = self._seen(arrays, symbols.latent.shape, latent[first])
        parts["second"] = centred(latent[second], *self._parameters(arrays, hyper, second, seen))
        return parts

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """Three requests."""
        shape = latent
        first, second = _places(shape)
        hyper = yield Request("hyper", channel_tables(hyper))
        accumulators = self.accumulators(arrays, hyper, quality, run)
        index, offset = self._parameters(arrays, accumulators, first, None)
        anchors = (yield Request("latent", index)) + offset
        seen = self._seen(arrays, shape, anchors)
        index, offset = self._parameters(arrays, accumulators, second, seen)
        others = (yield Request("second", index)) + offset
        flat = jnp.zeros((shape[1] * shape[2], shape[3]), jnp.int32)
        return Symbols(hyper, flat.at[first].set(anchors).at[second].set(others).reshape(shape))

    def _parameters(self, arrays, hyper, places, seen):
        accumulators = hyper.reshape(-1, hyper.shape[-1])[places]
        if seen is not None:
            accumulators = accumulators + self.context_part(arrays, seen)
        return self.parameters(arrays, accumulators)

    def _seen(self, arrays, shape, anchors):
        """What the places of the second pass see of the anchors: (n, 12 C) codes."""
        first, second = _places(shape)
        codes = self.context_codes(arrays, anchors)
        grid = jnp.zeros((shape[1] * shape[2], shape[3]), codes.dtype).at[first].set(codes)
        return windows(grid.reshape(shape), "checkerboard").reshape(shape[1] * shape[2], -1)[second]


def _places(shape):
    """The places of both passes, in raster order."""
    odd = np.add.outer(np.arange(shape[1]), np.arange(shape[2])).ravel() % 2
    return np.flatnonzero(odd == 0), np.flatnonzero(odd)
