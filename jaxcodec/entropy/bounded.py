"""A latent of few levels: no rate in the loss, a bound on the file.

The entropy-bounded network of Hepburn et al. 2022 (arXiv 2106.04427, appendix; after Agustsson et
al. 2017): every element of the latent goes to the nearest of L centres, so that it takes log2 L
bits whatever the picture.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.coding.make_tables import mass_tables
from jaxcodec.entropy.factorized import ByChannel
from jaxcodec.entropy.geometry import Geometry
from jaxcodec.entropy.model import Centre, EntropyModel, Frozen
from jaxcodec.entropy.normalised import one_table
from jaxcodec.entropy.order import (
    PRIOR,
    Arrays,
    Decoding,
    Order,
    Part,
    Request,
    Run,
    Shape,
    Symbols,
)
from jaxcodec.entropy.output import Coded, Output
from jaxcodec.entropy.surrogates import Quantise
from jaxcodec.errors import CodecFileError, RateError
from jaxcodec.integer.calibrate import Calibration
from jaxcodec.ops import Array

MOST_LEVELS = 256


def centres(levels: int) -> np.ndarray:
    """The values that an element can take, float32 (L,): -(L - 1) / 2 to (L - 1) / 2, one apart.

    The paper does not say where they lie.
    """
    return np.arange(levels, dtype=np.float32) - np.float32(levels - 1) / 2


def soft_assignment(latent: Array, levels: int, sharpness: float = 1.0) -> jax.Array:
    """The centres, weighed by softmax(-s (y - c)^2), shaped as the latent.

    Equation 15, whose printed form lacks the centre as a factor. With a large `sharpness` it is the
    nearest centre.
    """
    own = jnp.asarray(centres(levels))
    weights = jax.nn.softmax(-sharpness * jnp.square(jnp.asarray(latent)[..., None] - own))
    return weights @ own


class BoundedModel(EntropyModel):
    """Symbols 0 to L - 1 of a latent that is cut to the outermost centres, all equally likely.

    In training synthesis sees `soft_assignment`, or with `hard` the nearest centre with its
    gradient; the surrogates of rounding do not count. The rate is a constant, log2 L bits an
    element. There is one step.
    """

    levels: int = 2
    sharpness: float = 1.0
    hard: bool = False

    @classmethod
    def fields(cls, description: Mapping[str, Any]) -> dict[str, Any]:
        """How many levels, how sharp, and which of both synthesis sees."""
        names = ("sharpness", "hard")
        given = {name: description[name] for name in names if name in description}
        return {"levels": description["levels"], **given}

    def check(self) -> None:
        """Raises CodecFileError where there are none, or too many levels."""
        if not isinstance(self.levels, int) or not 1 <= self.levels <= MOST_LEVELS:
            raise CodecFileError(
                f"a bounded latent has 1 to {MOST_LEVELS} levels, and not {self.levels!r}"
            )

    def __call__(
        self, image: jax.Array, quality: jax.Array, key: jax.Array, kind: str = "noise"
    ) -> Output:
        """See `EntropyModel.__call__`; with the kind "round", symbols as in a file."""
        del key
        latent = self.to_latent(image, quality)
        nearest = jnp.round(self.residual(latent)) + self._least
        latent_hat = nearest
        if kind != "round":
            soft = soft_assignment(latent, self.levels, self.sharpness)
            latent_hat = soft + jax.lax.stop_gradient(nearest - soft) if self.hard else soft
        coded = self._coded(latent_hat)
        return Output(
            image=self.synthesise(latent_hat, quality),
            bits=coded.bits,
            side_bits=coded.side_bits,
            latent=latent,
            latent_hat=latent_hat,
            likelihoods=coded.likelihoods,
        )

    def quantised(
        self,
        latent: jax.Array,
        hyper: jax.Array | None,
        quality: jax.Array,
        quantise: Quantise,
        step: jax.Array | float = 1.0,
    ) -> Coded:
        """See `EntropyModel.quantised`; the step does not count."""
        del hyper, quality, step
        least = self._least
        _, latent_hat = quantise("latent", jnp.clip(latent, least, -least), least)
        return self._coded(latent_hat)

    @property
    def _least(self) -> float:
        """The least of the centres."""
        return -(self.levels - 1) / 2

    def _coded(self, latent_hat: jax.Array) -> Coded:
        return Coded(latent_hat, {"latent": jnp.full_like(latent_hat, 1 / self.levels)})

    def residual(self, latent: jax.Array, *centre: jax.Array) -> jax.Array:
        """What is rounded: the latent, cut to the centres, less the least of them."""
        del centre
        return jnp.clip(latent, self._least, -self._least) - self._least

    def reconstruct(self, residual: jax.Array, centre: Centre, quality: jax.Array) -> jax.Array:
        """Image (B, H, W, 3) from the decoded residual, any real numbers."""
        del centre
        return self.synthesise(residual + self._least, quality)

    def freeze(self, params: Mapping[str, Any], calibration: Calibration | None) -> Frozen:
        """One table, of equal masses; no integer networks."""
        del params, calibration
        return Frozen({PRIOR: mass_tables([np.full(self.levels, 1 / self.levels)], [0])}, None, {})

    def order(self, spec: Mapping[str, Any] | None, geometry: Geometry) -> Order:
        """All of the latent at once."""
        del spec, geometry
        return BoundedOrder(self.levels)


@dataclasses.dataclass(frozen=True)
class BoundedOrder(ByChannel):
    """One part, the latent, under one table of `levels` values. There is one step."""

    tables_depend_on_step = False

    levels: int

    def coded(self, arrays: Arrays, latent: Array, *side: Array) -> Part:
        """The latent under the table."""
        return Part(latent, one_table(latent.shape))

    def decode(
        self, arrays: Arrays, hyper: Shape, latent: Shape, quality: Array, run: Run
    ) -> Decoding:
        """One request."""
        values: jax.Array = yield Request("latent", one_table(latent))
        return Symbols(None, values)

    def arrays_at(self, arrays: Arrays, step_index: int) -> dict[str, Any]:
        """Those of the file; raises RateError at another step than its own."""
        if step_index:
            raise RateError(
                f"a codec of {self.levels} levels has no other rate: every element of its latent "
                f"takes {math.log2(self.levels):.3g} bits; leave the rate, size or closeness out"
            )
        return dict(arrays)
