"""Joint autoregressive and hierarchical priors.

Symbols also depend on symbols decoded before them. `autoregressive` and `checkerboard` share this.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding import quantiser_step
from jaxcodec.entropy import context_tables, scales
from jaxcodec.entropy.context import MaskedConv, windows
from jaxcodec.entropy.context_freezing import quantise_context_model
from jaxcodec.entropy.distributions.gaussian import gaussian_likelihood
from jaxcodec.entropy.distributions.mixture import mixture_likelihood
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.hyperprior import HyperpriorModel
from jaxcodec.entropy.model import Frozen, prior_tables
from jaxcodec.entropy.order import CONDITIONAL, Arrays, Order, Part, Run
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.ops import Array
from jaxcodec.runtime.programs import kept
from jaxcodec.transforms import operations
from jaxcodec.transforms.layers import Conv
from jaxcodec.transforms.operations import Activate, Operation


class EntropyParameters(nn.Module):
    """1x1 convolutions with leaky ReLUs between: (B, h, w, 4 C) to (B, h, w, outputs).

    The last layer starts with no weights, so that training starts at Gaussians around zero of given
    `scales`, one for each component of a mixture; those that start equal would stay equal.
    """

    channels: int
    outputs: int
    scales: tuple[float, ...]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self._hidden(self):
            x = jax.nn.leaky_relu(layer(x), 0.01)
        return self._last(self)(x)

    def _hidden(self, parent: nn.Module | None) -> list[Conv]:
        widths = self.channels * 10 // 3, self.channels * 8 // 3
        return [
            Conv(width, 1, parent=parent, name=f"Conv_{place}")
            for place, width in enumerate(widths)
        ]

    def _last(self, parent: nn.Module | None) -> Conv:
        def start(key, shape):
            del key
            scales = jnp.repeat(jnp.array(self.scales), self.channels)
            return jnp.zeros(shape).at[: scales.size].set(scales)

        starts = {"kernel_init": nn.initializers.zeros, "bias_init": start}
        return Conv(self.outputs, 1, **starts, parent=parent, name="Conv_2")

    def lower(self, params: Mapping[str, Any]) -> list[Operation]:
        """See `transforms.operations`."""
        ops = []
        for layer in self._hidden(None):
            ops += [*operations.of_layer(layer, params), Activate("leaky_relu")]
        return [*ops, *operations.of_layer(self._last(None), params)]


class ContextModel(HyperpriorModel):
    """A latent on the plain grid, under Gaussians from hyper-latent and context.

    With `mixture` they are mixtures of Gaussians.

    Minnen et al. 2018, He et al. 2021; with `mixture` components, Cheng et al. 2020. A symbol is
    round(latent); the hyper-synthesis gives 2 C channels, the context 2 C more, and 1x1 layers make
    of both, for each symbol, `mixture` scales, then means, then weights (their softmax; none for
    one component), each (mixture, C) in this order of channels. Means are in quantiser steps
    whatever the `scale_form`.

    pattern: what a symbol sees of others, see `entropy.context`.
    """

    pattern: ClassVar[str]

    mixture: int = 1

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a hyperprior, and how many components a mixture has."""
        return {**super().fields(description), "mixture": description.get("mixture", 1)}

    def setup(self) -> None:
        super().setup()
        self.context = MaskedConv(2 * self.gains.channels, self.pattern)
        self.entropy_parameters = self._entropy_parameters(self)

    def _entropy_parameters(self, parent: nn.Module | None) -> EntropyParameters:
        channels, components = self.gains.channels, self.mixture
        spread = 2.0 ** (np.arange(components) - (components - 1) / 2)
        return EntropyParameters(
            channels,
            outputs=channels * (2 if components == 1 else 3 * components),
            scales=tuple(spread if self.scale_form == "linear" else np.log(spread)),
            parent=parent,
        )

    def lower_entropy_parameters(self, params: Mapping[str, Any]) -> list[Operation]:
        """Their network as operations, from its own parameters."""
        return self._entropy_parameters(None).lower(params)

    def conditional(
        self,
        latent: jax.Array,
        hyper_hat: jax.Array,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float,
    ) -> tuple[jax.Array, jax.Array]:
        """See `HyperpriorModel.conditional`; context sees what synthesis sees."""
        rate_latent, latent_hat = quantise("latent", latent / step, 0.0)
        mean, scale, *weight = self._moments(hyper_hat, latent_hat * step, quality)
        return self._likelihood(rate_latent, (mean / step, scale / step, *weight)), latent_hat

    def parameters_parallel(
        self, hyper_symbols: jax.Array, symbols: jax.Array, quality: jax.Array
    ) -> tuple[jax.Array, ...]:
        """The parameters of all places at once, for an encoder, which knows all symbols.

        Returns (mean, scale), each (B, h, w, C) in quantiser steps, scales not bounded; for a
        mixture (mean, scale, weight), each (K, B, h, w, C).
        """
        return self._moments(
            self.prior.from_symbols(hyper_symbols), symbols.astype(jnp.float32), quality
        )

    def _moments(self, hyper_hat, latent_hat, quality):
        hyper = self.in_integers(self.hyper_synthesis)(hyper_hat, quality)
        features = jnp.concatenate([hyper, self.context(latent_hat)], axis=-1)
        raw = self.in_integers(self.entropy_parameters, takes_symbols=False)(features)
        if self.mixture == 1:
            scale, mean = jnp.split(raw, 2, axis=-1)
            return mean, self.to_scale(scale, quality)
        components = raw.reshape(*raw.shape[:3], 3, self.mixture, self.gains.channels)
        scale, mean, weight = jnp.moveaxis(components, (3, 4), (0, 1))
        return mean, self.to_scale(scale, quality), jax.nn.softmax(weight, axis=0)

    def _likelihood(self, values, parameters):
        if self.mixture == 1:
            mean, scale = parameters
            return gaussian_likelihood(values - mean, scale)
        return mixture_likelihood(values, *parameters)

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """A Gaussian table for each scale and phase of a mean, and the integer networks.

        The networks choose table and offset.
        """
        assert calibration is not None  # for `has_integer_networks`
        tables = context_tables.tables()

        def at_own_step(spec, arrays):
            del spec
            return arrays_at(self.scale_form, arrays, 0)

        spec, arrays = quantise_context_model(self, params, calibration, tables, at_own_step)
        return Frozen(prior_tables(self, params) | {CONDITIONAL: tables.tables}, spec, arrays)


@dataclasses.dataclass(frozen=True, eq=False)
class ContextOrder(Order):
    """What the orders of both patterns share: the pieces of `entropy.context_tables`, compiled.

    hyper_part, context_codes, context_part, parameters: each takes (arrays, ...).
    mixture: how many components; the coders of the host know one.
    """

    geometry: Geometry
    scale_form: str
    mixture: int
    hyper_part: Callable[..., jax.Array]
    context_codes: Callable[..., jax.Array]
    context_part: Callable[..., jax.Array]
    parameters: Callable[..., Any]

    @classmethod
    def of(cls, spec: Mapping[str, Any], geometry: Geometry, scale_form: str) -> Self:
        """The order of a codec whose file has this spec."""
        pieces = (
            kept(functools.partial(piece, spec), f"{piece.__name__} {spec!r}")
            for piece in (
                context_tables.hyper_part,
                context_tables.context_codes,
                context_tables.context_part,
                context_tables.parameters,
            )
        )
        return cls(geometry, scale_form, spec.get("mixture", 1), *pieces)

    def accumulators(self, arrays: Arrays, hyper: Any, quality: Array, run: Run) -> Any:
        """The hyper-latent's share of the first layer of the entropy parameters.

        int32 (1, h, w, K).
        """
        return run(self.geometry.hyper, lambda z: self.hyper_part(arrays, z, quality), hyper)

    def seen(self, arrays: Arrays, latent: Array, pattern: str) -> jax.Array:
        """What the neighbours of every place add to its sums, whether it may see them or not."""
        codes = self.context_codes(arrays, latent)
        return self.context_part(arrays, windows(codes, pattern))

    def arrays_at(self, arrays: Arrays, step_index: int) -> dict[str, Any]:
        """See `arrays_at` of this module."""
        return arrays_at(self.scale_form, arrays, step_index)


def arrays_at(form: str, arrays: Arrays, step_index: int) -> dict[str, Any]:
    """The arrays at a quantiser step: thresholds move, and two ratios are added.

    "step" turns symbols into what the context saw in training, and "inverse" brings means to the
    step.
    """
    return {
        **arrays,
        scales.THRESHOLDS: scales.thresholds_at(form, arrays[scales.THRESHOLDS], step_index),
        "step": np.array(quantiser_step.ratio(step_index), np.int32),
        "inverse": np.array(quantiser_step.ratio(-step_index), np.int32),
    }


def centred(latent: Array, index: Any, offset: jax.Array) -> Part:
    """The latent less its offsets, under its tables."""
    return Part(latent - offset, index)
