"""A set of pictures in a budget of bytes: which rate each gets is decided by equal slopes."""

import dataclasses
import functools
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxcodec import distortions
from jaxcodec.codec import Codec, Encoded, decode
from jaxcodec.codec.pictures import prepare
from jaxcodec.collections.allocation import Curve, allocate
from jaxcodec.distortions import Distortion
from jaxcodec.errors import CodecError, RateError
from jaxcodec.guard import attempt
from jaxcodec.image import Picture, hidden
from jaxcodec.refinement import methods
from jaxcodec.refinement.batches import Progress
from jaxcodec.runtime import jax_settings
from jaxcodec.targets import effort as efforts
from jaxcodec.targets.encode import encode_picture
from jaxcodec.targets.refined import Goal, improve
from jaxcodec.targets.target import MaxBytes

SHARES = (1 / 8, 1 / 4, 1 / 2, 1 / math.sqrt(2), 1.0, math.sqrt(2), 2.0, 4.0)
"""The sizes at which a picture's curve is measured, as parts of what it would get at the same rate
for all.
"""

REFINED_TOGETHER = 16
"""Pictures that are held at a time where they are refined in batches."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A picture of a set: its file, its error (the distance, times the pixels), and its notes."""

    encoded: Encoded
    error: float
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class EncodedSet:
    """The files of a set.

    Attributes:
      members: one a picture, in their order, or the error of a picture that was left out.
      same_rate: what they would be at the same rate for all, within the same budget; None where
        some picture cannot have that rate.
      pixels: of each picture, 0 of one that was left out.
    """

    members: tuple[Member | CodecError, ...]
    same_rate: tuple[Member | CodecError, ...] | None
    pixels: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(_sound(self.members))

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(len(member.encoded.data) for member in _sound(self.members))

    @property
    def distance(self) -> float:
        """The mean distance over all pixels.

        Squared grey levels, unless another distortion was chosen.
        """
        return _mean(self.members, self.pixels)

    @property
    def same_rate_distance(self) -> float | None:
        """The same for `same_rate`."""
        return None if self.same_rate is None else _mean(self.same_rate, self.pixels)


class _Encoding(NamedTuple):
    """How all pictures of a set are encoded; `progress` is called after each file."""

    codec: Codec
    distortion: Distortion
    coder: str | None
    keep_hidden_colour: bool
    progress: Callable[[], None]


@jax_settings.ours
def encode_set(
    codec: Codec,
    pictures: Sequence[Picture],
    *,
    total_bytes: int | None = None,
    mean_bpp: float | None = None,
    distortion: str | Distortion = "mse",
    effort: int | None = None,
    refine: int | None = None,
    coder: str | None = None,
    keep_hidden_colour: bool = False,
    progress: Callable[[], None] = lambda: None,
    refine_progress: Callable[[Progress], None] | None = None,
) -> EncodedSet:
    """Compresses pictures so that all files together keep to a budget, with the least error.

    Every picture is first encoded at `SHARES` of its bytes at the same rate for all. From these
    curves follow the rates with equal slopes (`allocation.allocate`). Then each gets its file; the
    rest of a share goes to the next picture. If the result is not better than the same rate for
    all, the latter is returned.

    A picture that cannot be read or compressed is left out, and the others have the budget.

    Args:
      codec: any codec.
      pictures: as `encode_picture` takes them. Each is asked for several times, one after the
        other, so that a sequence may read them anew instead of holding them all; an error that it
        raises is that picture's.
      total_bytes: the budget.
      mean_bpp: or the budget as bits per pixel of all pictures that are not left out.
      distortion: whose sum over pixels is made least, a name of `jaxcodec.distortions` or a value.
      effort: 0 to 9, see `targets.effort`: from 3 on the latents of each picture are refined at the
        rate that it gets, those of one size together.
      refine: instead, the steps of that.
      coder, keep_hidden_colour: as `encode_picture` takes them.
      progress: called after each file that is made, `steps(len(pictures))` times where none is left
        out.
      refine_progress: called now and then while latents are refined, which comes last.

    Raises:
      RateError: not one budget, one that makes no sense, or one that is too small for the set.
      DistortionError: no such distortion.
      RefineError: no such effort, or it is given beside `refine`.
    """
    distortion = distortions.get(distortion)
    refine_steps = efforts.chosen(effort, refine).steps
    encoding = _Encoding(codec, distortion, coder, keep_hidden_colour, progress)
    problems: dict[int, CodecError] = {}
    pixels = _each(
        lambda place: math.prod(pictures[place].pixels.shape[:2]), range(len(pictures)), problems
    )
    budget = functools.partial(_budget, total_bytes, mean_bpp, len(pictures))
    share = budget(sum(pixels.values())) / max(sum(pixels.values()), 1)
    known = _each(
        lambda place: _measure(encoding, pictures[place], share * pixels[place]), pixels, problems
    )
    pixels = {place: pixels[place] for place in known}
    limit = budget(sum(pixels.values()))
    members = _allocated(encoding, pictures, known, limit, problems, refine_steps, refine_progress)
    same_rate = {place: same for place, (_, same) in known.items() if place in members}
    if not known or any(
        len(same.encoded.data) > limit * pixels[place] / sum(pixels.values())
        for place, same in same_rate.items()
    ):
        same_rate = None
    elif _error(same_rate) < _error(members):
        members = same_rate
    places = range(len(pictures))
    return EncodedSet(
        tuple((problems | members)[place] for place in places),
        None if same_rate is None else tuple((problems | same_rate)[place] for place in places),
        tuple(pixels[place] if place in members else 0 for place in places),
    )


def _allocated(
    encoding: _Encoding,
    pictures: Sequence[Picture],
    known: Mapping[int, tuple[Curve, Member]],
    limit: int,
    problems: dict[int, CodecError],
    refine: int | None,
    refine_progress: Callable[[Progress], None] | None,
) -> dict[int, Member]:
    """The files of pictures whose curves are known, at equal slopes within a limit of bytes."""
    if not known:
        return {}
    curves = [curve for curve, _ in known.values()]
    shares = dict(zip(known, allocate(curves, limit), strict=True))
    members, limits = _fill(encoding, pictures, shares, problems)
    if refine is None:
        return members
    return _refined(encoding, pictures, members, limits, refine, refine_progress)


def _each(
    work: Callable[[int], Any], places: Iterable[int], problems: dict[int, CodecError]
) -> dict[int, Any]:
    """What `work` makes of each place; where it fails, the error goes to `problems`."""
    made = {place: attempt(work, place) for place in places}
    problems |= {
        place: outcome for place, outcome in made.items() if isinstance(outcome, CodecError)
    }
    return {place: outcome for place, outcome in made.items() if place not in problems}


def _make(encoding: _Encoding, picture: Picture, limit: float, nearest: bool) -> Member:
    """The file of a picture within a limit of bytes."""
    encoded = encode_picture(
        encoding.codec,
        picture,
        MaxBytes(_bytes(limit)),
        nearest=nearest,
        coder=encoding.coder,
        keep_hidden_colour=encoding.keep_hidden_colour,
    )
    encoding.progress()
    return _member(encoding, picture, encoded)


def _measure(encoding: _Encoding, picture: Picture, same_rate_bytes: float) -> tuple[Curve, Member]:
    """The curve of a picture, and its file at the same rate as all."""
    grid = [_make(encoding, picture, share * same_rate_bytes, nearest=True) for share in SHARES]
    curve = Curve([len(member.encoded.data) for member in grid], [member.error for member in grid])
    return curve, grid[SHARES.index(1.0)]


def _fill(
    encoding: _Encoding,
    pictures: Sequence[Picture],
    shares: Mapping[int, float],
    problems: dict[int, CodecError],
) -> tuple[dict[int, Member], dict[int, int]]:
    """The file of each picture, and the bytes that it could have.

    These are its share, and the bytes that those before left of theirs.
    """
    members, limits, spare = {}, {}, 0.0
    for place, share in shares.items():
        spare += share
        limits[place] = _bytes(spare)
        members |= _each(
            lambda place: _make(encoding, pictures[place], limits[place], nearest=False),
            [place],
            problems,
        )
        if place in members:
            spare -= len(members[place].encoded.data)
    return members, limits


def _bytes(limit: float) -> int:
    return max(int(limit + 1e-6), 1)


def _member(encoding: _Encoding, picture: Picture, encoded: Encoded) -> Member:
    error = _summed(encoding, picture.pixels, decode(encoding.codec, encoded.data))
    return Member(encoded, error, picture.notes)


def _summed(encoding: _Encoding, original: np.ndarray, decoded: np.ndarray) -> float:
    """The distance of a picture times its pixels.

    Of a mean over pixels, without invisible ones.
    """
    distortion = encoding.distortion
    if distortion.terms is None:
        colours = (pixels[..., : min(pixels.shape[2], 3)] for pixels in (decoded, original))
        return float(distortion(*colours)) * math.prod(original.shape[:2])
    difference = decoded.astype(np.float32) - original
    visible = None if encoding.keep_hidden_colour else hidden.visible(original)
    if visible is not None:
        difference[~visible] = 0
    terms = np.asarray(distortion.terms.term(difference), np.float64)
    return float(terms.mean(axis=-1).sum())


def _refined(
    encoding: _Encoding,
    pictures: Sequence[Picture],
    members: dict[int, Member],
    limits: dict[int, int],
    steps: int,
    progress: Callable[[Progress], None] | None,
) -> dict[int, Member]:
    """The members with refined latents, each within the same limit.

    An interrupt leaves the rest as they are.
    """
    done, places = dict(members), list(members)
    for first in range(0, len(places), REFINED_TOGETHER):
        together = places[first : first + REFINED_TOGETHER]
        better = attempt(
            _refined_together, encoding, pictures, together, members, limits, steps, progress
        )
        if isinstance(better, CodecError):
            notes = (f"it is not refined: {better}",)
            better = {
                place: dataclasses.replace(members[place], notes=members[place].notes + notes)
                for place in together
            }
        done |= better
        if any(member.encoded.interrupted for member in better.values()):
            break
    return done


def _refined_together(
    encoding: _Encoding,
    pictures: Sequence[Picture],
    places: Sequence[int],
    members: dict[int, Member],
    limits: dict[int, int],
    steps: int,
    progress: Callable[[Progress], None] | None,
) -> dict[int, Member]:
    codec, distortion = encoding.codec, encoding.distortion
    given = {place: pictures[place] for place in places}
    goals = [
        Goal(
            prepare(codec, picture, encoding.coder, encoding.keep_hidden_colour),
            members[place].encoded,
            limits[place],
        )
        for place, picture in given.items()
    ]
    settings = methods.make(steps=steps, descends=distortion.terms is not None)
    files = improve(codec, goals, settings, progress, distortion)
    return {
        place: _member(encoding, given[place], file)
        for place, file in zip(given, files, strict=True)
    }


def steps(pictures: int) -> int:
    """How many files `encode_set` makes for a set of so many pictures."""
    return pictures * (len(SHARES) + 1)


def _budget(total_bytes: int | None, mean_bpp: float | None, pictures: int, pixels: int) -> int:
    if (total_bytes is None) == (mean_bpp is None):
        raise RateError(
            "a set needs one budget; give either a total in bytes or a mean rate in bpp"
        )
    value = total_bytes if mean_bpp is None else mean_bpp
    assert value is not None  # one of them is given
    if not (math.isfinite(value) and value > 0):
        raise RateError(f"a budget of {value} makes no sense; give a number above 0")
    if not pictures:
        raise RateError("the set is empty; give at least one picture")
    return int(value) if mean_bpp is None else int(min(mean_bpp * pixels / 8, sys.maxsize))


def _sound(members: Sequence[Member | CodecError]) -> list[Member]:
    return [member for member in members if isinstance(member, Member)]


def _error(members: Mapping[int, Member]) -> float:
    return sum(member.error for member in members.values())


def _mean(members: Sequence[Member | CodecError], pixels: Sequence[int]) -> float:
    return sum(member.error for member in _sound(members)) / max(sum(pixels), 1)
