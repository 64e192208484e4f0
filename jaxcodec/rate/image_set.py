"""A set of pictures in a budget of bytes: which rate each gets is decided by equal slopes."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from jaxcodec.codec import Codec, Encoded, decode
from jaxcodec.codec.pictures import prepare
from jaxcodec.errors import RateError
from jaxcodec.image import Picture
from jaxcodec.rate.allocation import Curve, allocate
from jaxcodec.rate.encode import encode_picture
from jaxcodec.rate.refined import Goal, improve
from jaxcodec.refinement import methods
from jaxcodec.refinement.batches import Progress

SHARES = (1 / 8, 1 / 4, 1 / 2, 1 / math.sqrt(2), 1.0, math.sqrt(2), 2.0, 4.0)
"""The sizes at which a picture's curve is measured, as parts of what it would get at the same rate for all."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A picture of a set: its file, and the squared error of it, a mean over channels, summed over pixels."""

    encoded: Encoded
    squared_error: float


@dataclasses.dataclass(frozen=True)
class EncodedSet:
    """The files of a set.

    Attributes:
      members: one a picture, in their order.
      same_rate: what they would be at the same rate for all, within the same budget; None where some picture cannot have
        that rate.
      pixels: of each picture.
    """

    members: tuple[Member, ...]
    same_rate: tuple[Member, ...] | None
    pixels: tuple[int, ...]

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(len(member.encoded.data) for member in self.members)

    @property
    def mse_255(self) -> float:
        """Mean squared error over all pixels, on the scale 0 to 255."""
        return _mse(self.members, self.pixels)

    @property
    def same_rate_mse_255(self) -> float | None:
        """The same for `same_rate`."""
        return None if self.same_rate is None else _mse(self.same_rate, self.pixels)


def encode_set(
    codec: Codec,
    pictures: Sequence[Picture],
    *,
    total_bytes: int | None = None,
    mean_bpp: float | None = None,
    refine: int | None = None,
    coder: str | None = None,
    progress: Callable[[], None] = lambda: None,
    looked: Callable[[Progress], None] | None = None,
) -> EncodedSet:
    """Compresses pictures so that all files together keep to a budget, with the least squared error.

    Every picture is first encoded at `SHARES` of what it would get at the same rate for all; these curves tell which rates
    have equal slopes (`allocation.allocate`). Then each gets its file; what one leaves of its share goes to the next.
    Where that is not better than the same rate for all, the latter is what is returned.

    Args:
      codec: any codec.
      pictures: as `encode_picture` takes them.
      total_bytes: the budget.
      mean_bpp: or the budget as bits per pixel of all pictures.
      refine: steps for which the latents of each picture are optimised at the rate that it gets, those of one size together.
      coder: as `encode_picture` takes it.
      progress: called after each file that is made, `steps(len(pictures))` times.
      looked: called now and then while latents are refined, which comes last.

    Raises:
      RateError: not one budget, one that makes no sense, or one that is too small for the set.
    """
    pixels = [picture.pixels.shape[0] * picture.pixels.shape[1] for picture in pictures]
    budget = _budget(total_bytes, mean_bpp, sum(pixels))

    def member(picture: Picture, limit: float, nearest: bool) -> Member:
        encoded = encode_picture(codec, picture, max_bytes=_bytes(limit), nearest=nearest, coder=coder)
        progress()
        return _member(codec, picture, encoded)

    same = [budget * own / sum(pixels) for own in pixels]
    grids = [
        [member(picture, share * size, nearest=True) for share in SHARES]
        for picture, size in zip(pictures, same, strict=True)
    ]
    curves = [Curve(*zip(*((len(m.encoded.data), m.squared_error) for m in grid), strict=True)) for grid in grids]
    members, limits, spare = [], [], 0.0
    for picture, share in zip(pictures, allocate(curves, budget), strict=True):
        limits.append(_bytes(share + spare))
        members.append(member(picture, limits[-1], nearest=False))
        spare += share - len(members[-1].encoded.data)
    if refine is not None:
        members = _refined(codec, pictures, members, limits, refine, coder, looked)
    uniform = tuple(grid[SHARES.index(1.0)] for grid in grids)
    if any(len(m.encoded.data) > size for m, size in zip(uniform, same, strict=True)):
        uniform = None
    elif sum(m.squared_error for m in uniform) < sum(m.squared_error for m in members):
        members = list(uniform)
    return EncodedSet(tuple(members), uniform, tuple(pixels))


def _bytes(limit: float) -> int:
    return max(int(limit + 1e-6), 1)


def _member(codec: Codec, picture: Picture, encoded: Encoded) -> Member:
    difference = decode(codec, encoded.data).astype(np.float64) - picture.pixels
    return Member(encoded, float(np.square(difference).mean(axis=-1).sum()))


def _refined(codec: Codec, pictures, members: list[Member], limits: list[int], steps: int, coder, looked) -> list[Member]:
    """The members with refined latents, each within the same limit."""
    goals = [
        Goal(prepare(codec, picture, coder), member.encoded, limit)
        for picture, member, limit in zip(pictures, members, limits, strict=True)
    ]
    files = improve(codec, goals, methods.make(steps=steps), looked)
    return [_member(codec, picture, file) for picture, file in zip(pictures, files, strict=True)]


def steps(pictures: int) -> int:
    """How many files `encode_set` makes for a set of so many pictures."""
    return pictures * (len(SHARES) + 1)


def _budget(total_bytes: int | None, mean_bpp: float | None, pixels: int) -> int:
    if (total_bytes is None) == (mean_bpp is None):
        raise RateError("a set needs one budget; give either a total in bytes or a mean rate in bpp")
    value = total_bytes if mean_bpp is None else mean_bpp
    if not (math.isfinite(value) and value > 0):
        raise RateError(f"a budget of {value} makes no sense; give a number above 0")
    if not pixels:
        raise RateError("the set is empty; give at least one picture")
    return int(total_bytes) if mean_bpp is None else math.floor(mean_bpp * pixels / 8)


def _mse(members: Sequence[Member], pixels: Sequence[int]) -> float:
    return sum(member.squared_error for member in members) / sum(pixels)
