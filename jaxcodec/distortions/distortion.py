"""What a distortion is: one definition that gives the loss, the metric and what both are called."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.errors import CodecError
from jaxcodec.ops import Array


class DistortionError(CodecError):
    """Two images cannot be compared: they differ in shape or are too small; or there is no such
    distortion.
    """


@dataclasses.dataclass(frozen=True)
class Metric:
    """How a distortion is shown to people; made by `decibels`, `similarity` or `plain`.

    Attributes:
      name: the name that users give, "psnr".
      label: what it is called in text, "PSNR".
      unit: of its values, "dB", one word; "" for none, or where the name has it ("mae_255").
      digits: of a value that are shown, behind the point.
      limits: between which values make sense, both excluded.
      higher_is_better: whether closer pictures have larger values.
      peak: the distance that is a closeness of 0 dB. In dB all metrics rise with closeness, and a
        tenth of the distance is 10 dB more.
      from_distance: distances to values, arrays of JAX.
      to_db, from_db: a value to its closeness in dB and back, floats of Python.
    """

    name: str
    label: str
    unit: str
    digits: int
    limits: tuple[float, float]
    higher_is_better: bool
    peak: float
    from_distance: Callable[[jax.Array], jax.Array]
    to_db: Callable[[float], float]
    from_db: Callable[[float], float]

    @property
    def key(self) -> str:
        """The name with the unit, as fields and columns have it: "psnr_db"."""
        return f"{self.name}_{self.unit.lower()}" if self.unit else self.name

    @property
    def phrase(self) -> str:
        """The label with its article: "a PSNR", "an SSIM"."""
        spelt = self.label.isupper() or not self.label.isalpha()  # letter by letter: "an MS-SSIM"
        vowels = "AEFHILMNORSX" if spelt else "AEIOUaeiou"
        return f"{'an' if self.label[0] in vowels else 'a'} {self.label}"

    def text(self, value: float, rounding: Callable[[float], int] | None = None) -> str:
        """A value with its digits, without the unit; `rounding` to integers, `math.floor` say, in
        place of the nearest.
        """
        if rounding is not None:
            value = rounding(10**self.digits * value) / 10**self.digits
        return f"{value:.{self.digits}f}"

    def to_distance(self, value: float) -> float:
        """The distance at which the metric has this value."""
        return self.peak / 10 ** (self.to_db(value) / 10)


def decibels(name: str, label: str, peak: float) -> Metric:
    """A metric of 10 log10(peak / distance) dB, as PSNR is; `peak` is the largest distance."""
    return Metric(
        name=name,
        label=label,
        unit="dB",
        digits=2,
        limits=(0.0, 100.0),
        higher_is_better=True,
        peak=peak,
        from_distance=lambda distance: 10 * jnp.log10(peak / distance),
        to_db=_same,
        from_db=_same,
    )


def similarity(name: str, label: str) -> Metric:
    """A metric of 1 - distance, as SSIM is: 1 for equal images."""
    return Metric(
        name=name,
        label=label,
        unit="",
        digits=5,
        limits=(0.0, 1.0),
        higher_is_better=True,
        peak=1.0,
        from_distance=lambda distance: 1 - distance,
        to_db=lambda value: float(similarity_db(value)),
        from_db=lambda db: 1 - 10 ** (-db / 10),
    )


def plain(name: str, label: str, unit: str = "", *, peak: float = 1.0, digits: int = 4) -> Metric:
    """The distance itself as a metric: 0 for equal images.

    `peak` is the largest distance that a target may have, 0 dB: 255 for grey levels say.
    """
    return Metric(
        name=name,
        label=label,
        unit=unit,
        digits=digits,
        limits=(0.0, peak),
        higher_is_better=False,
        peak=peak,
        from_distance=_same,
        to_db=lambda value: 10 * math.log10(peak / value) if value > 0 else math.inf,
        from_db=lambda db: peak / 10 ** (db / 10),
    )


def similarity_db(similarity: float | np.ndarray) -> np.ndarray:
    """-10 log10(1 - similarity), float64: SSIM or MS-SSIM in dB, which spreads the values near 1;
    infinite at 1.
    """
    with np.errstate(divide="ignore"):
        return -10 * np.log10(1 - np.asarray(similarity, np.float64))


def _same(value: Any) -> Any:
    return value


@dataclasses.dataclass(frozen=True)
class PixelTerms:
    """What a distortion consists of that is a mean over pixels and channels: it can count any part
    of the pixels, and each pixel's share of it is known.

    Attributes:
      term: differences, of any shape, in grey levels or in [0, 1], to their terms, which are at
        least 0.
      degree: of the terms, which are homogeneous: term(s * x) = s**degree * term(x).
      curvature: the second derivative of a term, a constant: 2 for x^2, 0 for |x|. Only
        `refinement/descent.py` takes it, to choose which symbols to try; what is tried is measured.
    """

    term: Callable[[Array], jax.Array]
    degree: int
    curvature: float


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["params"],
    meta_fields=[
        "name",
        "unit",
        "compare",
        "metric",
        "is_similarity",
        "least_side",
        "remedy",
        "terms",
        "load",
    ],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Distortion:
    """How far images are from others: a pure function of both, and a pytree of its parameters.

    Called with a and b, each (..., height, width, channels) of one shape, uint8 or float in [0, 1]
    (not clipped), it gives the distance float32 (...), one an image, which a loss minimises: at
    least 0, 0 for equal images, differentiable. `value` gives the metric.

    Attributes:
      name: "mse"; that of its file, for those of this package. The metric has its own, "psnr".
      unit: of the distance, "squared grey levels".
      compare: (params, a, b) -> (...), of images as they are given; see `as_float`.
      metric: what people are shown.
      is_similarity: whether `compare` gives the metric, a similarity of 1 for equal images, and the
        distance is 1 less it; else it gives the distance.
      least_side: of an image, in pixels.
      remedy: what is said to who gives a smaller image.
      terms: of a distortion that is a mean over pixels; else None.
      params: learned parameters, a pytree of arrays.
      load: gives the parameters of one that has them in a file, and has none yet; see `ready`.
    """

    name: str
    unit: str
    compare: Callable[[Any, jax.Array, jax.Array], jax.Array]
    metric: Metric
    is_similarity: bool = False
    least_side: int = 1
    remedy: str = "give larger images"
    terms: PixelTerms | None = None
    params: Any = ()
    load: Callable[[], Any] | None = None

    def ready(self) -> "Distortion":
        """The same with its parameters, as an argument of jitted functions must be.

        As constants, XLA would fold them for minutes. Raises DistortionError where they cannot be
        had.
        """
        if self.load is None:
            return self
        return dataclasses.replace(self, params=self.load(), load=None)

    def __call__(self, a: chex.Array, b: chex.Array) -> jax.Array:
        """The distance of each image, float32 (...).

        Raises:
          DistortionError: the shapes differ, or a side is below `least_side`; the parameters cannot
            be had.
        """
        return _distance(self.ready(), *self.checked(a, b))

    def value(self, a: chex.Array, b: chex.Array) -> jax.Array:
        """The metric of each image, float32 (...); raises as the call."""
        return _value(self.ready(), *self.checked(a, b))

    def checked(self, a: chex.Array, b: chex.Array) -> tuple[jax.Array, jax.Array]:
        """Both as arrays of JAX; raises DistortionError where they cannot be compared."""
        a, b = jnp.asarray(a), jnp.asarray(b)
        if a.shape != b.shape or a.ndim < 3:
            raise DistortionError(
                f"images of shapes {a.shape} and {b.shape} cannot be compared; "
                "give two of one shape (..., height, width, channels)"
            )
        for image in (a, b):
            if image.dtype != jnp.uint8 and not jnp.issubdtype(image.dtype, jnp.floating):
                raise DistortionError(
                    f"an image of type {image.dtype} cannot be compared; give uint8, or float in "
                    "[0, 1]"
                )
        height, width = a.shape[-3:-1]
        if min(height, width) < self.least_side:
            raise DistortionError(
                f"{self.metric.label} needs {self.least_side} pixels a side, not {width} x "
                f"{height}; {self.remedy}"
            )
        return a, b


@jax.jit
def _distance(distortion: Distortion, a: jax.Array, b: jax.Array) -> jax.Array:
    compared = _compared(distortion, a, b)
    return 1 - compared if distortion.is_similarity else compared


@jax.jit
def _value(distortion: Distortion, a: jax.Array, b: jax.Array) -> jax.Array:
    compared = _compared(distortion, a, b)
    return compared if distortion.is_similarity else distortion.metric.from_distance(compared)


def _compared(distortion: Distortion, a: jax.Array, b: jax.Array) -> jax.Array:
    compared = distortion.compare(distortion.params, a, b)
    chex.assert_shape(compared, a.shape[:-3])
    chex.assert_type(compared, jnp.float32)
    return compared


def as_float(image: jax.Array) -> jax.Array:
    """An image, uint8 or float in [0, 1], as float32 in [0, 1]."""
    if image.dtype == jnp.uint8:
        return image.astype(jnp.float32) / 255
    return image.astype(jnp.float32)
