"""Distortions: how far a picture is from its original, as a loss and as the number people know.

A distortion is a file of this folder with a `DISTORTION` in it, and is found by the file's name:

    distance = distortions.get("ms_ssim")       # 1 - MS-SSIM
    loss = trade_off * distance(a, b) + bpp     # (B, height, width, C) twice -> (B,)
    distance.value(a, b)                        # MS-SSIM

To add one, add its file (docs/extending.md, "A distortion"); no code names it. One of your own goes
by its import path, MODULE:NAME.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable

import jax

from jaxcodec import extensions
from jaxcodec.distortions.distortion import (
    Distortion,
    DistortionError,
    Metric,
    PixelTerms,
    as_float,
    plain,
)
from jaxcodec.distortions.luma import of_luma

__all__ = [
    "Distortion",
    "DistortionError",
    "Metric",
    "PixelTerms",
    "by_metric",
    "get",
    "listed",
    "metric_names",
    "names",
    "of_function",
]


_LUMA = "_luma"


@functools.cache
def _own() -> dict[str, Distortion]:
    """The distortions of this package by the names of their files."""
    modules = {
        module.name: importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    }
    return {
        name: module.DISTORTION for name, module in modules.items() if hasattr(module, "DISTORTION")
    }


def listed() -> tuple[Distortion, ...]:
    """All of this package, sorted by name; those with parameters in a file are without them."""
    return tuple(distortion for _, distortion in sorted(_own().items()))


def names() -> tuple[str, ...]:
    """The names that `get` takes, sorted."""
    return tuple(sorted(_own()))


@functools.cache
def of_function(compare: Callable[[jax.Array, jax.Array], jax.Array]) -> Distortion:
    """The distortion of a plain function, which is its own metric and is called by its name.

    compare: two batches of images (..., height, width, channels), float in [0, 1], to distances
    (...).
    """
    name = getattr(compare, "__name__", "distance").strip("<>")
    return Distortion(
        name=name,
        unit=name,
        compare=lambda params, a, b: compare(as_float(a), as_float(b)),
        metric=plain(name, name),
    )


def get(name: str | Distortion | Callable[[jax.Array, jax.Array], jax.Array]) -> Distortion:
    """The distortion of a name or of an import path MODULE:NAME; a distortion is given back as it
    is. It has its parameters. A function becomes one, see `of_function`; NAME_luma is that of NAME
    on luma alone.

    Raises:
      DistortionError: there is none of this name, or the import path leads to something else; its
        parameters cannot be had.
      ExtensionError: the module of an import path was not allowed, or cannot be imported.
    """
    if isinstance(name, Distortion):
        return name.ready()
    if isinstance(name, type):
        raise DistortionError(f"{name.__name__} is a class; name a Distortion or a function")
    if callable(name):
        return of_function(name)
    if extensions.is_own(name):
        return get(extensions.resolve(name))
    if name.removesuffix(_LUMA) in _own() and name.endswith(_LUMA):
        return of_luma(get(name.removesuffix(_LUMA)))
    if name not in _own():
        raise DistortionError(f"there is no distortion {name!r}; choose from {', '.join(names())}")
    return _own()[name].ready()


def metric_names() -> tuple[str, ...]:
    """The metrics of the distortions of this package, sorted: "psnr" is that of "mse"."""
    return tuple(sorted(distortion.metric.name for distortion in _own().values()))


def by_metric(name: str | Distortion) -> Distortion:
    """The distortion whose metric has this name, "psnr" say, or that of an import path; a
    distortion is given back as it is.

    Raises: as `get`.
    """
    if isinstance(name, Distortion) or extensions.is_own(name):
        return get(name)
    for distortion in _own().values():
        if distortion.metric.name == name:
            return distortion.ready()
    raise DistortionError(f"there is no metric {name!r}; choose from {', '.join(metric_names())}")
