"""The autoregressive context (Minnen et al. 2018): every place sees those before it."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.entropy import wavefront
from jaxcodec.entropy.context_model import ContextModel, ContextOrder, centred
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.order import (
    CONDITIONAL,
    PRIOR,
    Arrays,
    Decoding,
    Loop,
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


class AutoregressiveModel(ContextModel):
    """Places in raster order, each sees up to two rows and columns of those before it."""

    pattern = "autoregressive"

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """Hyper-symbols, then wavefront by wavefront."""
        assert spec is not None  # `freeze` gives one
        return ByWavefronts.of(spec, geometry, self.scale_form)


class ByWavefronts(ContextOrder):
    """Two parts; the places of a wavefront at once (`entropy.wavefront`)."""

    tables = {"hyper": PRIOR, "latent": CONDITIONAL}
    sequential = True

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """What the hyper-latent adds to the entropy parameters."""
        return (self.accumulators(arrays, hyper, quality, run),)

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent less its offsets."""
        (hyper,) = side
        seen = self.seen(arrays, latent, "autoregressive")
        return centred(latent, *self.parameters(arrays, hyper + seen))

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """Two parts; the context of all places at once."""
        coded = run(
            self.geometry.context, lambda *a: self.coded(arrays, *a)[:2], symbols.latent, *side
        )
        values, index = jax.tree.map(lambda array: wavefront.to_blocks(array[0]), coded)
        counts = wavefront.order(*symbols.latent.shape[1:3]).count * symbols.latent.shape[3]
        return {"hyper": hyper_part(symbols), "latent": Part(values, index, counts)}

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """A request, then a loop over wavefronts."""
        _, height, width, channels = shape = latent
        fronts = wavefront.order(height, width)
        hyper = yield Request("hyper", channel_tables(hyper))
        accumulators = self.accumulators(arrays, hyper, quality, run).reshape(height * width, -1)
        rows = fronts.place.shape[1]

        def request(history, front):
            t, first, place, count = front
            window = wavefront.window_at(history, t, first, rows, fronts.shift)
            seen = self.context_part(arrays, window)
            index, offset = self.parameters(arrays, accumulators[place] + seen)
            return jax.tree.map(jnp.ravel, index), count * channels, offset

        def receive(history, front, offset, values):
            t, first, _, count = front
            symbols = values.reshape(rows, channels) + offset
            codes = self.context_codes(arrays, symbols)
            inside = jnp.arange(rows)[:, None] < count
            codes = jnp.where(inside, codes, 0)
            return wavefront.remember(history, t, first, codes, fronts.shift), symbols

        start = wavefront.empty_history(height, width, channels)
        t = np.arange(len(fronts.first), dtype=np.int32)
        fronts_of_rows = (t, fronts.first, fronts.place, fronts.count)
        decoded = yield Loop("latent", start, fronts_of_rows, request, receive)
        return Symbols(hyper, wavefront.from_blocks(decoded, height, width).reshape(shape))
