"""Refining images: the library's function."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxcodec import distortions
from jaxcodec.codec import Codec, pictures
from jaxcodec.distortions import Distortion
from jaxcodec.errors import RefineError
from jaxcodec.image import Picture
from jaxcodec.refinement import batches, methods, tiling
from jaxcodec.refinement.batches import Progress
from jaxcodec.refinement.latents import Latents
from jaxcodec.refinement.tasks import Task
from jaxcodec.runtime import jax_settings


@jax_settings.ours
def refine(
    codec: Codec,
    images: Sequence[Picture | np.ndarray],
    *,
    quality: float | Sequence[float] | None = None,
    steps: int | None = None,
    method: str | None = None,
    distortion: str | Distortion = "mse",
    trade_off: float | Sequence[float] | None = None,
    trade_off_factor: float = 1.0,
    batch_size: int | None = None,
    memory_bytes: int = tiling.MEMORY_BYTES,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> list[Latents]:
    """The latents of images, optimised for each with the networks held fixed (Yang et al. 2020).

    No image ends worse than it began, in true loss. An interrupt (Ctrl-C) ends the refinement with
    the best so far, and `Latents.interrupted` is true.

    Args:
      codec: what they are for.
      images: pictures, or uint8 pixels (height, width, 1, 3 or 4), of any sizes; without alpha.
      quality: 0 to 100, one for all or for each; without it 50. A codec with one quality takes
        none.
      steps: how many; without it what the method has, 2,000.
      method: one of `methods.METHODS`; without it `methods.default(steps)`.
      distortion: D of the loss lambda * D + bpp, a name of `jaxcodec.distortions` or a value; 255^2
        * MSE without it. One that is no mean over pixels takes a method without descent.
      trade_off: lambda, one for all or for each; without it the one
        that the codec itself has with the picture: the slope of its own rate over its own
        distortion.
      trade_off_factor: on top of either (semi-multi-rate: Perugachi-Diaz et al. 2024).
      batch_size: images of one size that go together, at most; without it 4, and large ones alone
        on a CPU.
      memory_bytes: about what they may take; larger images are refined in overlapping tiles.
      seed: of the random numbers; those of an image do not depend on the others.
      progress: called at every evaluation.
      settings: changes to the method, see `methods.Settings`.

    Raises:
      RefineError: no such method, or a setting makes no sense.
      DistortionError: no such distortion.
      RateError: a quality makes no sense.
    """
    distortion = distortions.get(distortion)
    chosen = methods.make(method, steps=steps, descends=distortion.terms is not None, **settings)

    def of_each(value: Any) -> list[Any]:
        return [value] * len(images) if value is None or np.isscalar(value) else list(value)

    qualities, trade_offs = of_each(quality), of_each(trade_off)
    if not trade_off_factor > 0 or any(value is not None and not value > 0 for value in trade_offs):
        raise RefineError("a trade-off of 0 or less makes no sense; give a number above 0")
    wanted = []
    for index, (picture, own, given) in enumerate(zip(images, qualities, trade_offs, strict=True)):
        source = pictures.prepare(codec, pictures.as_picture(picture), None)
        hundredths = pictures.to_hundredths(codec, own)
        wanted.append(Task(index, source, hundredths, trade_off=given, factor=trade_off_factor))
    return batches.refine(
        codec,
        wanted,
        chosen,
        distortion=distortion,
        batch_size=batch_size,
        memory_bytes=memory_bytes,
        seed=seed,
        progress=progress,
    )
