"""The one way from a picture to a .jxc file: at a quality, or at what the file is to weigh."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from jaxcodec import distortions
from jaxcodec.codec import Codec, Encoded, cost, pictures
from jaxcodec.codec.pictures import AnyPicture
from jaxcodec.coding import quantiser_step
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.quantiser_step import MAX_INDEX
from jaxcodec.distortions import Distortion
from jaxcodec.errors import CodecError, RateError, RefineError
from jaxcodec.refinement import methods
from jaxcodec.refinement.batches import Progress
from jaxcodec.refinement.latents import Latents
from jaxcodec.runtime import jax_settings
from jaxcodec.targets import closeness, matching, refined
from jaxcodec.targets import effort as efforts
from jaxcodec.targets.refined import Goal
from jaxcodec.targets.target import (
    AtLeast,
    Bpp,
    Keywords,
    MaxBytes,
    Quality,
    Target,
    from_keywords,
    given,
)

_FINEST = round(math.log(1 / 4) / quantiser_step.UNIT)
"""The index of a fourth of a codec's own step: beyond it files grow, and hardly come closer."""

_MOST_BYTES = 1 << 48
"""What a limit may be: no file is as large."""


def encode(
    codec: Codec,
    picture: AnyPicture,
    target: Target | None = None,
    *,
    latents: Latents | None = None,
    effort: int | None = None,
    refine: int | None = None,
    distortion: str | Distortion = "mse",
    nearest: bool = False,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
    **keywords: Unpack[Keywords],
) -> bytes:
    """The .jxc file of a picture: uint8 pixels (height, width, 1, 3 or 4), a `Picture` or Pillow's.

    `encode(codec, picture, Bpp(0.25))` and `encode(codec, picture, bpp=0.25)` are the same. The
    keywords are quality, bpp, max_bytes, psnr, ms_ssim and ssim. All else as in `encode_picture`.
    """
    return encode_picture(
        codec,
        picture,
        target,
        latents=latents,
        effort=effort,
        refine=refine,
        distortion=distortion,
        nearest=nearest,
        coder=coder,
        keep_hidden_colour=keep_hidden_colour,
        **keywords,
    ).data


@jax_settings.ours
def encode_picture(
    codec: Codec,
    picture: AnyPicture,
    target: Target | None = None,
    *,
    latents: Latents | None = None,
    effort: int | None = None,
    refine: int | None = None,
    distortion: str | Distortion = "mse",
    progress: Callable[[Progress], None] | None = None,
    nearest: bool = False,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
    **keywords: Unpack[Keywords],
) -> Encoded:
    """Compress a picture at a quality, to a size, or to a closeness; any codec can.

    Or with refined latents.

    Args:
      codec: what to encode with; decoding needs the same one.
      picture: 8-bit grey, RGB or RGBA: a `Picture`, an array, or an image of Pillow.
      target: what the file is to weigh or keep, see `targets.target`; `Quality()` without any.
      latents: of `jaxcodec.refine` for this picture and codec, in place of a target.
      effort: 0 (fastest) to 9, see `targets.effort`; without it `effort.DEFAULT`. At a quality, 0
        rounds plainly, which are the bytes of `jaxcodec.codec.encode`, and 1 and 2 round for a low
        rate, as files of a given size or closeness always are. From 3 on latents are refined.
      refine: instead, steps for which the latents of the picture are optimised, at a quality, or
        towards a bpp, max_bytes or PSNR, which hold as without it. A note says so if nothing was
        gained. An interrupt (Ctrl-C) ends that with the best so far, and `Encoded.interrupted` is
        true.
      distortion: what refinement weighs against bits, a name of `jaxcodec.distortions` or a value;
        and what it is closer by. Towards a closeness it must be the one that has the metric.
      progress: called now and then while they are.
      nearest: where no file is close to the target, take the nearest that the codec can do, with a
        note, instead of raising.
      coder, keep_hidden_colour: the entropy coder, and whether colour under alpha 0 counts, see
        `jaxcodec.codec.encode_picture`.
      keywords: the target as a keyword instead, see `targets.target.Keywords`: bpp=0.25.

    Raises:
      ImageError: the picture is none.
      RateError: more than one target, one that makes no sense, or one out of reach.
      RefineError: the latents are not of this codec, or of a picture of this size; the target does
        not go with a refinement; there is no such effort, or it is given beside `refine`; another
        distortion than "mse" without a refinement, or one that takes no picture of this size.
      DistortionError: there is no such distortion.
      CoderError: there is no such coder, it is not installed, or this codec cannot use it.
    """
    if latents is not None:
        beside = {"target": target, "effort": effort, "refine": refine}
        beside |= {} if distortion == "mse" else {"distortion": distortion}
        names = [*given(keywords), *(name for name in beside if beside[name] is not None)]
        if names:
            raise RateError(
                f"{' and '.join([*names, 'latents'])} were given together; give one of them"
            )
        source = pictures.prepare(codec, picture, coder, keep_hidden_colour)
        return refined.encode(codec, source, latents)
    (done,) = encode_pictures(
        codec,
        [picture],
        from_keywords(keywords, target),
        effort=effort,
        refine=refine,
        distortion=distortion,
        progress=progress,
        nearest=nearest,
        coder=coder,
        keep_hidden_colour=keep_hidden_colour,
    )
    if isinstance(done, CodecError):
        raise done
    return done


@jax_settings.ours
def encode_pictures(
    codec: Codec,
    originals: Sequence[AnyPicture],
    target: Target,
    *,
    effort: int | None = None,
    refine: int | None = None,
    distortion: str | Distortion = "mse",
    progress: Callable[[Progress], None] | None = None,
    nearest: bool = False,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
) -> list[Encoded | CodecError]:
    """Compress pictures as `encode_picture` does, with the same target for all.

    Pictures to refine are refined together.

    Where one cannot be compressed, its error is in its place.
    """
    distortion = distortions.get(distortion)
    descends = distortion.terms is not None
    worth, steps = efforts.chosen(effort, refine)
    if steps is None and distortion.name != "mse":
        raise RefineError(
            f"{distortion.metric.label} is weighed by refinement alone; give an effort of 3 or more"
        )
    settings = None if steps is None else methods.make(steps=steps, descends=descends)
    refined_for = None if steps is None else distortion
    sources = [
        _attempted(pictures.prepare, codec, picture, coder, keep_hidden_colour)
        for picture in originals
    ]
    done = [
        source
        if isinstance(source, CodecError)
        else _attempted(_goal, codec, source, target, worth, refined_for, nearest)
        for source in sources
    ]
    goals = {place: goal for place, goal in enumerate(done) if isinstance(goal, Goal)}
    files = {place: goal.encoded for place, goal in goals.items()}
    if settings is not None and goals:
        better = refined.improve(codec, list(goals.values()), settings, progress, distortion)
        files = dict(zip(goals, better, strict=True))
    return [files.get(place, problem) for place, problem in enumerate(done)]


def _attempted(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, or the CodecError that it raises."""
    try:
        return function(*arguments)
    except CodecError as problem:
        return problem


def _goal(
    codec: Codec,
    source: pictures.Source,
    target: Target,
    worth: float,
    refined_for: Distortion | None,
    nearest: bool,
) -> Goal:
    """The file of a picture without refinement, and what it was to meet."""
    if isinstance(target, Quality):
        return Goal(source, _at_quality(codec, source, target.value, worth))
    if isinstance(target, AtLeast):
        if refined_for not in (None, target.distortion):
            raise RefineError(
                f"{target.distortion.metric.name} and a refinement do not go together; ask for a "
                f"quality, a bpp, a size or {refined_for.metric.phrase} with it"
            )
        encoded = closeness.encode(codec, source, target, nearest)
        return Goal(source, encoded, at_least=target)
    return _of_size(codec, source, target, worth, nearest)


def _at_quality(
    codec: Codec, source: pictures.Source, quality: float | None, worth: float
) -> Encoded:
    """The file at a quality, with symbols rounded for a share of what a bit is worth."""
    if worth == 0:
        return pictures.encode_source(codec, source, quality)
    hundredths = pictures.to_hundredths(codec, quality)
    analysis = pictures.analyse(codec, source, hundredths)
    tau = worth * cost.worth(codec)
    return matching.file_at(codec, source, hundredths, analysis, codec.step_index or 0, tau)


def _of_size(
    codec: Codec, source: pictures.Source, target: Bpp | MaxBytes, worth: float, nearest: bool
) -> Goal:
    """The fullest file within a limit, or what is taken in place of it."""
    bounds_only = isinstance(target, MaxBytes)
    limit = (
        int(min(target.value, _MOST_BYTES))
        if bounds_only
        else _bytes_within(target.value, source.pixel_count)
    )
    fit = matching.to_size(codec, source, limit)
    if bounds_only and not nearest:
        enough = _enough(codec, source, fit, limit, worth)
        if enough is not None:
            return Goal(source, enough)
    if fit.fits and matching.close_enough(len(fit.encoded.data), limit, source.pixel_count):
        return Goal(source, fit.encoded, limit)
    bpp = None if bounds_only else target.value
    encoded = _out_of_reach(codec, source, fit, bpp, limit, nearest)
    return Goal(source, encoded, len(encoded.data))


def _enough(
    codec: Codec, source: pictures.Source, fit: matching.Fit, limit: int, worth: float
) -> Encoded | None:
    """A smaller file in place of one that fills a limit at a bad price, with a note.

    None if the file is worth its bytes.

    The price is bad at a step finer than the best quality's own. A codec with one quality can only
    improve by its step: there the price is bad at a step finer than `_FINEST`.
    """
    best, finest = (MAX_QUALITY, 0) if codec.variable else (None, _FINEST)
    filled = fit.encoded
    if (
        not fit.fits
        or filled.step >= quantiser_step.size(finest)
        or filled.quality not in (None, MAX_QUALITY / 100)
    ):
        return None
    if codec.variable:
        encoded, name = _at_quality(codec, source, MAX_QUALITY / 100, worth), "the best quality"
    else:
        encoded, name = (
            matching.file_at(codec, source, best, pictures.analyse(codec, source, best), finest),
            "a fourth of its step",
        )
    room = limit - len(encoded.data)
    note = (
        f"{limit} bytes are {room} more than {name} of the codec {codec.name} takes; nearest=True "
        "(--nearest) fills them"
    )
    return dataclasses.replace(encoded, notes=(*encoded.notes, note)) if room > 0 else None


def _bytes_within(bpp: float, pixel_count: int) -> int:
    """The most bytes whose rate is not above `bpp`."""
    limit = math.floor(min(bpp * pixel_count / 8, _MOST_BYTES))
    return limit + (8 * (limit + 1) / pixel_count <= bpp)  # the product may have been rounded down


def _out_of_reach(
    codec: Codec,
    source: pictures.Source,
    fit: matching.Fit,
    bpp: float | None,
    limit: int,
    nearest: bool,
) -> Encoded:
    """What to do where no file of the codec comes close to the limit."""
    smallest, largest = (
        matching.at_extreme(codec, source, step_index) for step_index in (MAX_INDEX, -MAX_INDEX)
    )
    reach = (
        f"the codec {codec.name} reaches {_up(smallest.bpp)} to {_down(largest.bpp)} bpp with "
        "this picture"
    )
    reach += f" ({source.weighs})" if source.weighs and not fit.fits else ""
    request = f"{limit} bytes" if bpp is None else f"{bpp} bpp"
    if not fit.fits:
        best = min(fit.encoded, smallest, key=lambda encoded: len(encoded.data))
    elif len(largest.data) <= limit:
        best = max(fit.encoded, largest, key=lambda encoded: len(encoded.data))
    else:
        best = fit.encoded
    if not nearest and (bpp is not None or not fit.fits):
        raise RateError(
            f"{request} cannot be met: {reach}; ask for another size, or take the nearest with "
            "nearest=True (--nearest)"
        )
    return dataclasses.replace(best, notes=(*best.notes, f"{request} is out of reach: {reach}"))


def _up(bpp: float) -> str:
    return f"{math.ceil(1e4 * bpp) / 1e4:.4f}"


def _down(bpp: float) -> str:
    return f"{math.floor(1e4 * bpp) / 1e4:.4f}"
