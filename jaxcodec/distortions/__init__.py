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

from jaxcodec import extensions
from jaxcodec.distortions.distortion import Distortion, DistortionError, Metric, PixelTerms

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
]


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


def get(name: str | Distortion) -> Distortion:
    """The distortion of a name or of an import path MODULE:NAME; a distortion is given back as it
    is. It has its parameters.

    Raises:
      DistortionError: there is none of this name, or the import path leads to something else; its
        parameters cannot be had.
      ExtensionError: the module of an import path was not allowed, or cannot be imported.
    """
    if isinstance(name, Distortion):
        return name.ready()
    if extensions.is_own(name):
        found = extensions.resolve(name)
        if not isinstance(found, Distortion):
            raise DistortionError(f"{name} is not a jaxcodec.distortions.Distortion; name one")
        return found.ready()
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
