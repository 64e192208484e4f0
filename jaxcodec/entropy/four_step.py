"""The four-step context: a latent in four passes, each of which sees those before.

The order is that of `entropy.passes`. What a pass learns of others is ours: how far the latent was
from its mean moves means, in floats; how surprising symbols were moves scales, in integers alone.
So no table depends on a float, and the grid is centred at the means.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.entropy import passes, scales
from jaxcodec.entropy.distributions.gaussian import (
    SCALE_MAX,
    gaussian_likelihood,
    gaussian_score,
)
from jaxcodec.entropy.four_step_freezing import LEVEL_UNIT, MIDDLE_LEVEL, MOST_GROWTH, freeze
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.hyperprior import HyperpriorModel
from jaxcodec.entropy.model import Centre, Choose, Frozen
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
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.errors import CodecFileError
from jaxcodec.integer import arithmetic, network
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.ops import Array, depthwise
from jaxcodec.runtime.programs import kept
from jaxcodec.transforms import operations
from jaxcodec.transforms.layers import Conv, Modulation
from jaxcodec.transforms.operations import Activate, Operation

LEAST_UNIT = 0.25
"""What is unexpected of the latent is seen in units of its scale, of at least so many steps."""


class MeanContext(nn.Module):
    """What a pass adds to the means, from what earlier ones found: both (B, h, w, C).

    Each channel sees its own neighbours, and a bottleneck sees all. It starts at zero.
    """

    width: int
    points: int

    @nn.compact
    def __call__(self, found: jax.Array, quality: jax.Array) -> jax.Array:
        channels = found.shape[-1]
        own = self.param("neighbours", nn.initializers.zeros, (3, 3, channels))
        h = Conv(self.width, 1, name="Conv_0")(found)
        h = jax.nn.silu(Modulation(self.points, name="Modulation_0")(h, quality))
        h = jax.nn.silu(Conv(self.width, 3, name="Conv_1")(h))
        h = Conv(channels, 1, kernel_init=nn.initializers.zeros, name="Conv_2")(h)
        return h + depthwise(found, own)


class ScaleContext(nn.Module):
    """What a pass adds to the logarithms of scales: (B, h, w, 2 C) to (B, h, w, C).

    It sees the surprise of earlier symbols and the levels of the scales before. It starts at zero.
    """

    width: int
    channels: int

    @nn.compact
    def __call__(self, seen: jax.Array) -> jax.Array:
        first, middle, last = self._layers(self)
        return last(jax.nn.silu(middle(jax.nn.silu(first(seen)))))

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        first, middle, last = (operations.of_layer(layer, params) for layer in self._layers(None))
        silu = Activate("silu")
        return [*first, silu, *middle, silu, *last]

    def _layers(self, parent: nn.Module | None) -> tuple[Conv, Conv, Conv]:
        return (
            Conv(self.width, 1, parent=parent, name="Conv_0"),
            Conv(self.width, 3, parent=parent, name="Conv_1"),
            Conv(
                self.channels,
                1,
                kernel_init=nn.initializers.zeros,
                parent=parent,
                name="Conv_2",
            ),
        )


class FourStepModel(HyperpriorModel):
    """Gaussians from a hyper-latent, whose means and scales move with what earlier passes found.

    The hyper-synthesis gives C means, then C logarithms of scales, as in `MeanScaleModel` with
    `scale_form` "log"; these are those of the first pass. `context_width`: of the networks of the
    other passes.
    """

    has_scale_tables = True
    centred = True
    pass_count = passes.PASSES
    pass_reach = passes.PASSES - 1

    context_width: int = 96

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a hyperprior, and the width of the context."""
        return {**super().fields(description), "context_width": description["context_width"]}

    def check(self) -> None:
        """Raises CodecFileError where a latent cannot go in four passes, and says what it takes."""
        channels, stride = self.gains.channels, self.hyper_analysis.stride
        if self.scale_form != "log" or stride % 2 or channels % passes.PASSES:
            raise CodecFileError(
                "a four-step context takes scale_form 'log', a hyper-latent of an even stride, and "
                "a latent whose channels are a multiple of four; this model has "
                f"{self.scale_form!r}, {stride} and {channels}"
            )

    def setup(self) -> None:
        super().setup()
        width, points = self.context_width, self.gains.points or 1
        later = range(1, passes.PASSES)
        self.mean_context = [MeanContext(width, points) for _ in later]
        self.scale_context = [ScaleContext(width, self.gains.channels) for _ in later]

    # ------------------------------------------------------------------ trained

    def conditional(
        self,
        latent: jax.Array,
        hyper_hat: jax.Array,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float,
    ) -> tuple[jax.Array, jax.Array]:
        """See `HyperpriorModel.conditional`; a pass sees what synthesis sees of those before."""
        mean, first_scale = (moment / step for moment in self.moments(hyper_hat, quality))
        latent, scale, prediction = latent / step, first_scale, jnp.zeros_like(latent)
        where = jnp.asarray(passes.places(*latent.shape[1:3]))
        order = passes.pass_of(where, latent.shape[-1])
        rate_latent, latent_hat = quantise("latent", latent, mean)
        for number in range(1, passes.PASSES):
            now = order == number
            residual = latent_hat - mean
            # The score of a symbol that is not rounded is that of the nearest, nearly.
            surprise = jax.lax.stop_gradient(gaussian_score(residual - prediction, scale))
            growth = self.growth(number, jnp.where(order < number, surprise, 0), first_scale)
            moved = self.predicted(number, where, residual, first_scale, quality)
            scale = jnp.where(now, first_scale * jnp.exp(growth), scale)
            prediction = jnp.where(now, moved, prediction)
            rate_latent, latent_hat = quantise("latent", latent, mean + prediction)
        return gaussian_likelihood(rate_latent - mean - prediction, scale), latent_hat

    def predicted(
        self,
        number: int,
        where: jax.Array,
        residual: jax.Array,
        scale: jax.Array,
        quality: jax.Array,
    ) -> jax.Array:
        """What a pass adds to means (B, h, w, C), from the residuals of those before.

        All are in one unit, about a quantiser step; `scale` is that of the first pass.
        """
        unit = jnp.clip(scale, LEAST_UNIT, SCALE_MAX)
        seen = jnp.where(passes.known(where, residual.shape[-1], number), residual / unit, 0)
        return unit * self.mean_context[number - 1](seen, quality)

    def growth(self, number: int, surprise: jax.Array, scale: jax.Array) -> jax.Array:
        """What a pass adds to the logarithms of scales (B, h, w, C).

        From the surprise of those before, zero elsewhere, and the scales of the first pass.
        """
        level = scales.level(jax.lax.stop_gradient(scale)) - MIDDLE_LEVEL
        seen = jnp.concatenate([surprise, LEVEL_UNIT * level], axis=-1)
        context = self.scale_context[number - 1]
        return jnp.clip(
            self.in_integers(context, takes_symbols=True)(seen), -MOST_GROWTH, MOST_GROWTH
        )

    def centre(self, hyper_symbols: jax.Array | None, quality: jax.Array) -> Centre:
        """The means and scales of the first pass, in quantiser steps, and the places."""
        mean, scale = self.moments(self.prior.from_symbols(hyper_symbols), quality)
        return mean, scale, jnp.asarray(passes.places(*mean.shape[1:3]))

    def in_passes(
        self,
        choose: Choose,
        carry: Any,
        quality: jax.Array,
        step: jax.Array | float,
        *seen: jax.Array,
    ) -> tuple[Any, jax.Array, jax.Array]:
        """See `EntropyModel.in_passes`."""
        scale, where = seen
        order = passes.pass_of(where, scale.shape[-1])
        carry, symbols = choose(carry, 0, jnp.float32(0))
        residual = symbols.astype(jnp.float32) * step
        for number in range(1, passes.PASSES):
            # As in training, where the step of the moment is one.
            prediction = step * self.predicted(
                number, where, residual / step, scale / step, quality
            )
            carry, own = choose(carry, number, prediction)
            now = order == number
            symbols = jnp.where(now, own, symbols)
            residual = jnp.where(now, prediction + own.astype(jnp.float32) * step, residual)
        return carry, symbols, residual

    def scale(self, hyper_symbols: jax.Array, symbols: jax.Array, quality: jax.Array) -> jax.Array:
        """The scale (B, h, w, C) float32 of all passes in quantiser steps, from all symbols."""
        _, first = self.moments(self.prior.from_symbols(hyper_symbols), quality)
        order = passes.pass_of(jnp.asarray(passes.places(*first.shape[1:3])), first.shape[-1])
        scale = first
        for number in range(1, passes.PASSES):
            surprise = gaussian_score(symbols.astype(jnp.float32), scale)
            growth = self.growth(number, jnp.where(order < number, surprise, 0), first)
            scale = jnp.where(order == number, first * jnp.exp(growth), scale)
        return scale

    def moments(self, hyper_hat: jax.Array, quality: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and scale (B, h, w, C) of the first pass in quantiser steps."""
        mean, scale = jnp.split(self.hyper_synthesis(hyper_hat, quality), 2, axis=-1)
        if self.fake_quantised:
            network = self.in_integers(self.hyper_synthesis)
            scale = jnp.split(network(hyper_hat, quality), 2, axis=-1)[1]
        return mean * jnp.exp(self.gains.log_gain(quality)), self.to_scale(scale, quality)

    # ------------------------------------------------------------------ frozen

    def lower_scale_context(self, params: Mapping[str, Any], number: int) -> list[Operation]:
        """The network of a pass as operations, from the variables of the model."""
        network = ScaleContext(self.context_width, self.gains.channels, parent=None)
        return network.lower(params["params"][f"scale_context_{number - 1}"])

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """A table for each scale, the integer networks of all passes, and a table of surprise."""
        assert calibration is not None  # for `has_integer_networks`
        return freeze(self, params, calibration)

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """Hyper-symbols, then each pass."""
        assert spec is not None  # `freeze` gives one
        return FourPasses.of(spec, geometry)


@dataclasses.dataclass(frozen=True, eq=False)
class FourPasses(Order):
    """Five parts: the hyper-latent, then the passes, each under tables from those before.

    scale: (arrays, hyper-symbols, quality) -> the integers that stand for scales, int32
      (1, h, w, C), and the places.
    first: (thresholds, scale) -> the tables of the first pass.
    later: `index_of_pass` with the operations of the other passes, which are the same for all: one
      program.
    """

    tables = {"hyper": PRIOR} | dict.fromkeys(("latent", "second", "third", "fourth"), CONDITIONAL)

    geometry: Geometry
    scale: Callable[..., Any]
    first: Callable[..., jax.Array]
    later: Callable[..., jax.Array]

    @classmethod
    def of(cls, spec: Mapping[str, Any], geometry: Geometry) -> "FourPasses":
        """The order of a codec whose file has this spec."""

        def scale(arrays, hyper, quality):
            own = network.part(arrays, "hyper/")
            values = network.run(spec["hyper"], own, hyper, quality)
            return values, jnp.asarray(passes.places(*values.shape[1:3]))

        ops, *others = spec["passes"]
        if any(other != ops for other in others):
            raise CodecFileError(
                "the passes of its four-step context have networks of several forms"
            )
        return cls(
            geometry,
            kept(scale, f"scale {spec!r}"),
            kept(_first_index, "first index"),
            kept(functools.partial(index_of_pass, ops), f"index {ops!r}"),
        )

    def index(
        self, arrays: Arrays, symbols: Array, indices: Array, *side: Array, number: int | np.integer
    ) -> jax.Array:
        """The tables of all passes up to `number`, int32 (1, h, w, C).

        From symbols and tables of those before.
        """
        scale, where = side
        thresholds = arrays[scales.THRESHOLDS]
        if number == 0:
            return self.first(thresholds, scale)
        own = network.part(arrays, f"{number}/")
        surprise = arrays["surprise"]
        return self.later(
            own, thresholds, surprise, symbols, indices, scale, where, np.int32(number)
        )

    def in_pass(
        self, arrays: Arrays, number: int, symbols: Array, indices: Array, *side: Array
    ) -> tuple[jax.Array, jax.Array]:
        """See `Order.in_pass`."""
        _, where = side
        now = passes.pass_of(where, symbols.shape[-1]) == number
        return now, self.index(arrays, symbols, indices, *side, number=number)

    def side(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> tuple[Array, ...]:
        """The integers that stand for scales, and the places."""
        return run(self.geometry.hyper, lambda z: self.scale(arrays, z, quality), hyper)

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent under the tables of its scales."""
        indices = jnp.zeros(latent.shape, jnp.int32)
        for number in range(passes.PASSES):
            indices = self.index(arrays, latent, indices, *side, number=number)
        return Part(latent, indices)

    def parts(
        self, arrays: Arrays, symbols: Symbols, side: tuple[Array, ...], run: Run
    ) -> dict[str, Part]:
        """Five parts."""
        _, where = side
        indices = run(
            self.geometry.passes, lambda *given: self.coded(arrays, *given).indices,
            symbols.latent, *side,
        )  # fmt: skip
        parts = {"hyper": hyper_part(symbols)}
        for number, name in self._latent_parts():
            values, own = (_taken(each, where, number) for each in (symbols.latent, indices))
            parts[name] = Part(values, own)
        return parts

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """Five requests."""
        hyper = yield Request("hyper", channel_tables(hyper))
        side = self.side(arrays, hyper, quality, run)
        _, where = side
        symbols = indices = jnp.zeros(latent, jnp.int32)
        for number, name in self._latent_parts():
            indices = run(
                self.geometry.context,
                functools.partial(self.index, arrays, number=number),
                symbols, indices, *side,
            )  # fmt: skip
            own = yield Request(name, _taken(indices, where, number))
            symbols = _put(symbols, where, number, own)
        return Symbols(hyper, symbols)

    def _latent_parts(self) -> list[tuple[np.int32, str]]:
        names = [name for name in self.tables if name != "hyper"]
        return [(np.int32(number), name) for number, name in enumerate(names)]

    def arrays_at(self, arrays: Arrays, step_index: int) -> dict[str, Any]:
        """A scale over the step chooses the table, so thresholds move instead."""
        moved = scales.thresholds_at("log", arrays[scales.THRESHOLDS], step_index)
        return {**arrays, scales.THRESHOLDS: moved}


# Programs that are kept, since each operation by itself costs a command as much as all of them.
_taken, _put = (kept(each, each.__name__) for each in (passes.taken, passes.put))


def _first_index(thresholds: jax.Array, scale: jax.Array) -> jax.Array:
    return arithmetic.count_reached(scale, thresholds)


def index_of_pass(
    ops: network.Spec,
    arrays: Arrays,
    thresholds: jax.Array,
    surprise: jax.Array,
    symbols: jax.Array,
    indices: jax.Array,
    scale: jax.Array,
    where: jax.Array,
    number: jax.Array,
) -> jax.Array:
    """The tables of all passes up to `number`, which is not the first, int32 (1, h, w, C).

    From the network of that pass, symbols and tables of those before, and the integers of the first
    pass that stand for scales.
    """
    level = arithmetic.count_reached(scale, thresholds)
    channels = symbols.shape[-1]
    most = surprise.shape[1] - 1
    found = surprise.reshape(-1)[indices * (most + 1) + jnp.minimum(jnp.abs(symbols), most)]
    found = jnp.where(passes.known(where, channels, number), found, 0)
    seen = jnp.concatenate([found, (level - MIDDLE_LEVEL).astype(jnp.int8)], axis=-1)
    growth = network.run(ops, arrays, seen)
    most_growth = int(MOST_GROWTH / scales.UNITS["log"])
    grown = scale + jnp.clip(growth, -most_growth, most_growth)
    now = passes.pass_of(where, channels) == number
    return jnp.where(now, arithmetic.count_reached(grown, thresholds), indices)
