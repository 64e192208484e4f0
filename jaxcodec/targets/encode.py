"""The one way from a picture to a .jxc file: at a quality, or at what the file is to weigh."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from jaxcodec.codec import Codec, Encoded, pictures
from jaxcodec.codec.pictures import AnyPicture
from jaxcodec.coding import step
from jaxcodec.coding.container import MAX_QUALITY
from jaxcodec.coding.step import MAX_FIELD
from jaxcodec.errors import CodecError, RateError, RefineError
from jaxcodec.refinement import methods
from jaxcodec.refinement.batches import Progress
from jaxcodec.refinement.latents import Latents
from jaxcodec.runtime import jax_settings
from jaxcodec.targets import closeness, matching, refined
from jaxcodec.targets.refined import Goal

_FINEST = round(math.log(1 / 4) / step.UNIT)
"""The field of a fourth of a codec's own step: beyond it files grow, and hardly come closer."""

_MOST_BYTES = 1 << 48
"""What a limit may be: no file is as large."""


def encode(
    codec: Codec,
    picture: AnyPicture,
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
    keep_hidden_colour: bool = False,
) -> bytes:
    """The .jxc file of a picture: uint8 pixels (height, width, 1, 3 or 4), a `Picture` or Pillow's;
    see `encode_picture`.
    """
    targets = {
        "quality": quality,
        "bpp": bpp,
        "max_bytes": max_bytes,
        "psnr": psnr,
        "ms_ssim": ms_ssim,
    }
    options = {
        "refine": refine,
        "nearest": nearest,
        "coder": coder,
        "keep_hidden_colour": keep_hidden_colour,
    }
    return encode_picture(codec, picture, **targets, latents=latents, **options).data


@jax_settings.ours
def encode_picture(
    codec: Codec,
    picture: AnyPicture,
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
    keep_hidden_colour: bool = False,
) -> Encoded:
    """Compress a picture at a quality, to a size, or to a closeness, which any codec can; or with
    refined latents.

    Args:
      codec: what to encode with; decoding needs the same one.
      picture: 8-bit grey, RGB or RGBA: a `Picture`, an array, or an image of Pillow.
      quality: as `jaxcodec.codec.encode_picture` takes it, which does the work; it is also what
        happens without any target.
      bpp: bits per pixel that the file, header and all, is never above, and at most .5 % below;
        pictures of less than 100,000 pixels at most 1 % or 24 bytes.
      max_bytes: the same in bytes, but a bound and no target beyond what the best quality takes:
        then the file is that of the best quality, with a note; with `nearest` it is filled as far
        as the codec can.
      psnr: in dB, over the colours of pixels that are not wholly transparent; the decoded picture
        is at least as close, and at most .05 dB closer where the codec can do that, as with
        photographs. Else the smallest file found is taken that is at least as close, with a note.
      ms_ssim: the same of MS-SSIM, .05 dB of -10 log10(1 - MS-SSIM), for pictures of 161 pixels a
        side and more.
      latents: of `jaxcodec.refine` for this picture and codec, in place of any of these.
      refine: steps for which the latents of the picture are optimised first, at a quality, or
        towards a bpp, max_bytes or psnr, which hold as without it; a note tells where nothing was
        gained. An interrupt (Ctrl-C) ends that with the best so far, and `Encoded.interrupted`
        tells.
      progress: called now and then while they are.
      nearest: where no file is close to the bpp, size, PSNR or MS-SSIM that was asked for, take the
        nearest that the codec can do, with a note, instead of raising.
      coder, keep_hidden_colour: the entropy coder, and whether colour under alpha 0 counts, see
        `jaxcodec.codec.encode_picture`.

    Raises:
      ImageError: the picture is none.
      RateError: more than one target, one that makes no sense, or one out of reach.
      RefineError: the latents are not of this codec, or of a picture of this size; or what was
        asked for cannot be refined.
      CoderError: there is no such coder, it is not installed, or this codec cannot use it.
    """
    targets = {
        "quality": quality,
        "bpp": bpp,
        "max_bytes": max_bytes,
        "psnr": psnr,
        "ms_ssim": ms_ssim,
    }
    if latents is None:
        (done,) = encode_pictures(
            codec,
            [picture],
            **targets,
            refine=refine,
            progress=progress,
            nearest=nearest,
            coder=coder,
            keep_hidden_colour=keep_hidden_colour,
        )
        if isinstance(done, CodecError):
            raise done
        return done
    others = [name for name, value in {**targets, "refine": refine}.items() if value is not None]
    if others:
        raise RateError(
            f"{' and '.join([*others, 'latents'])} were given together; give one of them"
        )
    return refined.encode(
        codec, pictures.prepare(codec, picture, coder, keep_hidden_colour), latents
    )


@jax_settings.ours
def encode_pictures(
    codec: Codec,
    given: Sequence[AnyPicture],
    *,
    refine: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    nearest: bool = False,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
    **targets: float | None,
) -> list[Encoded | CodecError]:
    """Compress pictures as `encode_picture` does, with the same target for all; what are refined go
    through that together.

    Where one cannot be compressed, its error is in its place.
    """
    settings = None if refine is None else methods.make(steps=refine)
    sources = [
        _attempted(pictures.prepare, codec, picture, coder, keep_hidden_colour) for picture in given
    ]
    done = [
        source
        if isinstance(source, CodecError)
        else _attempted(_goal, codec, source, targets, settings is not None, nearest)
        for source in sources
    ]
    goals = {place: goal for place, goal in enumerate(done) if isinstance(goal, Goal)}
    files = {place: goal.encoded for place, goal in goals.items()}
    if settings is not None and goals:
        files = dict(
            zip(
                goals, refined.improve(codec, list(goals.values()), settings, progress), strict=True
            )
        )
    return [files.get(place, problem) for place, problem in enumerate(done)]


def _attempted(function, *arguments):
    try:
        return function(*arguments)
    except CodecError as problem:
        return problem


def _goal(codec: Codec, source: pictures.Source, targets, refine: bool, nearest: bool) -> Goal:
    """The file of a picture without refinement, and what it was to meet."""
    given = [name for name, value in targets.items() if value is not None]
    if len(given) > 1:
        raise RateError(f"{' and '.join(given)} were given together; give one of them")
    if refine and given == ["ms_ssim"]:
        raise RefineError(
            "ms_ssim and a refinement do not go together; ask for a quality, a bpp, a size or a "
            "PSNR with it"
        )
    name, value = (given[0], targets[given[0]]) if given else ("quality", None)
    if name == "quality":
        return Goal(source, pictures.encode_source(codec, source, value))
    if name in ("psnr", "ms_ssim"):
        wanted = (
            closeness.by_ms_ssim(source, value)
            if name == "ms_ssim"
            else closeness.by_psnr(source, value)
        )
        encoded = closeness.encode(codec, source, wanted, nearest)
        return Goal(source, encoded, psnr_db=value if name == "psnr" else None)
    if not 0 < value < math.inf:
        raise RateError(f"{name} of {value} makes no sense; give a number above 0")
    limit = (
        int(min(value, _MOST_BYTES))
        if name == "max_bytes"
        else _bytes_within(value, source.pixel_count)
    )
    fit = matching.to_size(codec, source, limit)
    if (
        name == "max_bytes"
        and not nearest
        and (enough := _enough(codec, source, fit, limit)) is not None
    ):
        return Goal(source, enough)
    if fit.fits and matching.close_enough(len(fit.encoded.data), limit, source.pixel_count):
        return Goal(source, fit.encoded, limit)
    encoded = _out_of_reach(codec, source, fit, value if name == "bpp" else None, limit, nearest)
    return Goal(source, encoded, len(encoded.data))


def _enough(codec: Codec, source: pictures.Source, fit: matching.Fit, limit: int) -> Encoded | None:
    """What is taken in place of a file that fills a limit with more than is of use, with a note;
    None where it does not.

    More than that is what a step finer than the best quality's own holds. A codec with one quality
    has nothing but its step to become better by: there it is a step finer than `_FINEST`.
    """
    best, finest = (MAX_QUALITY, 0) if codec.variable else (None, _FINEST)
    filled = fit.encoded
    if (
        not fit.fits
        or filled.step >= step.size(finest)
        or filled.quality not in (None, MAX_QUALITY / 100)
    ):
        return None
    if codec.variable:
        encoded, name = pictures.encode_source(codec, source, MAX_QUALITY / 100), "the best quality"
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


def _out_of_reach(codec, source, fit, bpp, limit, nearest) -> Encoded:
    """What to do where no file of the codec comes close to the limit."""
    smallest, largest = (
        matching.at_extreme(codec, source, field) for field in (MAX_FIELD, -MAX_FIELD)
    )
    reach = (
        f"the codec {codec.name} reaches {_up(smallest.bpp)} to {_down(largest.bpp)} bpp with "
        "this picture"
    )
    reach += f" ({source.weighs})" if source.weighs and not fit.fits else ""
    wanted = f"{limit} bytes" if bpp is None else f"{bpp} bpp"
    if not fit.fits:
        best = min(fit.encoded, smallest, key=lambda encoded: len(encoded.data))
    elif len(largest.data) <= limit:
        best = max(fit.encoded, largest, key=lambda encoded: len(encoded.data))
    else:
        best = fit.encoded
    if not nearest and (bpp is not None or not fit.fits):
        raise RateError(
            f"{wanted} cannot be met: {reach}; ask for another size, or take the nearest with "
            "nearest=True (--nearest)"
        )
    return dataclasses.replace(best, notes=(*best.notes, f"{wanted} is out of reach: {reach}"))


def _up(bpp: float) -> str:
    return f"{math.ceil(1e4 * bpp) / 1e4:.4f}"


def _down(bpp: float) -> str:
    return f"{math.floor(1e4 * bpp) / 1e4:.4f}"
