"""The one way from a picture to a .jxc file: at a quality, or at what the file is to weigh."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures
from jaxcodec.coding.step import MAX_FIELD
from jaxcodec.errors import RateError, RefineError
from jaxcodec.image import Picture
from jaxcodec.rate import closeness, matching, refined
from jaxcodec.refinement import methods
from jaxcodec.refinement.images import DEFAULT_METHOD, Latents, Progress


def encode(
    codec: Codec,
    picture: Picture | np.ndarray,
    *,
    quality: float | None = None,
    bpp: float | None = None,
    max_bytes: int | None = None,
    psnr: float | None = None,
    ms_ssim: float | None = None,
    latents: Latents | None = None,
    refine: int | None = None,
    nearest: bool = False,
    coder: str | None = None,
) -> bytes:
    """The .jxc file of a picture, or of uint8 pixels (height, width, 1, 3 or 4); see `encode_picture`."""
    targets = {"quality": quality, "bpp": bpp, "max_bytes": max_bytes, "psnr": psnr, "ms_ssim": ms_ssim}
    picture = pictures.as_picture(picture)
    return encode_picture(
        codec, picture, **targets, latents=latents, refine=refine, nearest=nearest, coder=coder
    ).data


def encode_picture(
    codec: Codec,
    picture: Picture,
    *,
    quality: float | None = None,
    bpp: float | None = None,
    max_bytes: int | None = None,
    psnr: float | None = None,
    ms_ssim: float | None = None,
    latents: Latents | None = None,
    refine: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    nearest: bool = False,
    coder: str | None = None,
) -> Encoded:
    """Compress a picture at a quality, to a size, or to a closeness, which any codec can; or with refined latents.

    Args:
      codec: what to encode with; decoding needs the same one.
      picture: 8-bit grey, RGB or RGBA.
      quality: as `jaxcodec.codec.encode_picture` takes it, which does the work; it is also what happens without any target.
      bpp: bits per pixel that the file, header and all, is never above, and at most .5 % below; pictures of less than
        100,000 pixels at most 1 % or 24 bytes.
      max_bytes: the same in bytes, and a file may be smaller where the codec cannot fill it.
      psnr: in dB, over the colours; the decoded picture is at least as close, and at most .05 dB closer.
      ms_ssim: the same of MS-SSIM, .05 dB of -10 log10(1 - MS-SSIM), for pictures of 161 pixels a side and more.
      latents: of `jaxcodec.refine` for this picture and codec, in place of any of these.
      refine: steps for which the latents of the picture are optimised first, at a quality, or towards a bpp, max_bytes or
        psnr, which hold as without it.
      progress: called now and then while they are.
      nearest: where a bpp, PSNR or MS-SSIM is out of the codec's reach, take the nearest that it can do, with a note,
        instead of raising.
      coder: the entropy coder, see `jaxcodec.codec.encode_picture`.

    Raises:
      RateError: more than one target, one that makes no sense, or one out of reach.
      RefineError: the latents are not of this codec, or of a picture of this size; or what was asked for cannot be refined.
      CoderError: there is no such coder, it is not installed, or this codec cannot use it.
    """
    targets = {"quality": quality, "bpp": bpp, "max_bytes": max_bytes, "psnr": psnr, "ms_ssim": ms_ssim}
    targets["latents"] = latents
    given = [name for name, value in targets.items() if value is not None]
    if len(given) > 1:
        raise RateError(f"{' and '.join(given)} were given together; give one of them")
    settings = None if refine is None else methods.make(DEFAULT_METHOD, steps=refine)
    if settings is not None and given in (["ms_ssim"], ["latents"]):
        raise RefineError(f"{given[0]} and a refinement do not go together; ask for a quality, a bpp, a size or a PSNR with it")
    source = pictures.prepare(codec, picture, coder)
    if latents is not None:
        return refined.encode(codec, source, latents)
    if given in ([], ["quality"]):
        if settings is None:
            return pictures.encode_source(codec, source, quality)
        return refined.at_quality(codec, source, pictures.to_hundredths(codec, quality), settings, progress)
    if given in (["psnr"], ["ms_ssim"]):
        wanted = closeness.by_ms_ssim(source, ms_ssim) if psnr is None else closeness.by_psnr(source, psnr)
        encoded = closeness.encode(codec, source, wanted, nearest)
        return encoded if settings is None else refined.to_psnr(codec, source, encoded, psnr, settings, progress)
    if not (math.isfinite(targets[given[0]]) and targets[given[0]] > 0):
        raise RateError(f"{given[0]} of {targets[given[0]]} makes no sense; give a number above 0")
    limit = max_bytes if bpp is None else _bytes_within(bpp, source.pixel_count)
    if settings is None:
        fit = matching.to_size(codec, source, int(limit))
    else:
        fit = refined.to_size(codec, source, int(limit), settings, progress)
    if fit.fits and matching.close_enough(len(fit.encoded.data), limit, source.pixel_count):
        return fit.encoded
    return _out_of_reach(codec, source, fit, bpp, limit, nearest)


def _bytes_within(bpp: float, pixel_count: int) -> int:
    """The most bytes whose rate is not above `bpp`."""
    limit = math.floor(bpp * pixel_count / 8)
    return limit + (8 * (limit + 1) / pixel_count <= bpp)  # the product may have been rounded down


def _out_of_reach(codec, source, fit, bpp, limit, nearest) -> Encoded:
    """What to do where no file of the codec comes close to the limit."""
    smallest, largest = (matching.at_extreme(codec, source, field) for field in (MAX_FIELD, -MAX_FIELD))
    reach = f"the codec {codec.name} reaches {_up(smallest.bpp)} to {_down(largest.bpp)} bpp with this picture"
    wanted = f"{limit} bytes" if bpp is None else f"{bpp} bpp"
    if not fit.fits:
        best = min(fit.encoded, smallest, key=lambda encoded: len(encoded.data))
    elif len(largest.data) <= limit:
        best = max(fit.encoded, largest, key=lambda encoded: len(encoded.data))
    else:
        best = fit.encoded
    if not nearest and (bpp is not None or not fit.fits):
        raise RateError(f"{wanted} cannot be met: {reach}; ask for another size, or for the nearest")
    return dataclasses.replace(best, notes=(*best.notes, f"{wanted} is out of reach: {reach}"))


def _up(bpp: float) -> str:
    return f"{math.ceil(1e4 * bpp) / 1e4:.4f}"


def _down(bpp: float) -> str:
    return f"{math.floor(1e4 * bpp) / 1e4:.4f}"
