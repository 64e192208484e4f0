"""Learned codecs as coders.

A coder sweeps the qualities of one codec, or makes a curve of several codecs of one quality each.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

import jaxcodec
from jaxcodec.codec import Codec
from jaxcodec.codec.pictures import as_picture
from jaxcodec.evaluation.coder import EvaluationError, check_qualities, check_rates
from jaxcodec.targets import effort
from jaxcodec.targets.encode import encode_picture
from jaxcodec.targets.target import Quality, Target, from_keywords

DEFAULT_QUALITIES = (0.0, 12.5, 25.0, 37.5, 50.0, 62.5, 75.0, 87.5, 100.0)
"""Where a codec with a range of qualities is measured unless the caller says otherwise."""


@dataclasses.dataclass(frozen=True)
class VariableCoder:
    """A `Coder` over one codec, whose points are qualities or rates.

    Qualities are 0 to 100, and the codec must have a range of them. Rates are in bpp.

    Where a picture cannot have a rate, the nearest that the codec reaches is taken.
    """

    name: str
    codec: Codec
    points: tuple[float, ...]
    point_name: str
    effort: int | None = None
    refine: int | None = None

    @property
    def settings(self) -> dict:
        """The codec's identity, and the effort or the steps of refinement."""
        return {"codec": self.codec.name, "id": self.codec.id} | _tried(self)

    def encode(self, pixels: np.ndarray, point: float) -> bytes:
        """The .jxc file of a picture."""
        target = from_keywords({self.point_name: point})
        return _encode(self, self.codec, pixels, target, nearest=True)

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a .jxc file; the file alone decides how, whatever the point."""
        return jaxcodec.decode(self.codec, data)


@dataclasses.dataclass(frozen=True)
class FixedCoder:
    """A `Coder` over codecs of one quality each.

    Its points count them from 0, the lowest rate first.
    """

    name: str
    codecs: tuple[Codec, ...]
    effort: int | None = None
    refine: int | None = None
    point_name: str = "codec"

    @property
    def points(self) -> tuple[float, ...]:
        """One point a codec."""
        return tuple(range(len(self.codecs)))

    @property
    def settings(self) -> dict:
        """The codecs' identities, by point, and the effort or the steps of refinement."""
        return {
            "codecs": [{"codec": codec.name, "id": codec.id} for codec in self.codecs]
        } | _tried(self)

    def encode(self, pixels: np.ndarray, point: float) -> bytes:
        """The .jxc file of a picture."""
        return _encode(self, self.codecs[int(point)], pixels, Quality())

    def decode(self, data: bytes, point: float) -> np.ndarray:
        """The picture of a .jxc file."""
        return jaxcodec.decode(self.codecs[int(point)], data)


def refined(coder: VariableCoder | FixedCoder, steps: int) -> VariableCoder | FixedCoder:
    """The same coder, which refines latents for so many steps, under a name that says so."""
    return dataclasses.replace(coder, name=f"{coder.name}, refined {steps}", refine=steps)


def at_effort(coder: VariableCoder | FixedCoder, level: int) -> VariableCoder | FixedCoder:
    """The same coder at a level of effort, under a name that says so."""
    return dataclasses.replace(coder, name=f"{coder.name}, effort {level}", effort=level)


def _encode(
    coder: VariableCoder | FixedCoder,
    codec: Codec,
    pixels: np.ndarray,
    target: Target,
    nearest: bool = False,
) -> bytes:
    """The .jxc file of a picture; raises KeyboardInterrupt where refinement was interrupted.

    Half of a refinement must not be measured.
    """
    encoded = encode_picture(
        codec,
        as_picture(pixels),
        target,
        effort=coder.effort,
        refine=coder.refine,
        nearest=nearest,
    )
    if encoded.interrupted:
        raise KeyboardInterrupt
    return encoded.data


def _tried(coder: VariableCoder | FixedCoder) -> dict:
    if coder.refine is not None:
        return {"refine": coder.refine}
    return {"effort": effort.DEFAULT if coder.effort is None else coder.effort}


def from_spec(
    spec: str, *, qualities: Sequence[float] | None = None, bpps: Sequence[float] | None = None
) -> VariableCoder | FixedCoder:
    """The coder that a command line names as [LABEL=]CODEC[,CODEC...].

    Args:
      spec: a codec's name or file; or, as one curve, several codecs of one quality each, which need
        a label.
      qualities: where to measure a codec that has a range of qualities; `DEFAULT_QUALITIES` without
        it.
      bpps: the rates at which to measure instead, with any single codec.

    Raises:
      EvaluationError: several codecs without a label, one of them twice, or one that has a range of
        qualities; or a quality or a rate that cannot be.
      CodecFileError, VersionError: a codec cannot be loaded.
    """
    qualities, bpps = check_qualities(qualities or DEFAULT_QUALITIES), check_rates(bpps or ())
    label, names = parse_spec(spec)
    loaded = [jaxcodec.load(name) for name in names]
    if len(loaded) > 1 and not label:
        raise EvaluationError(f"the curve of {spec} has no name; give one, as in NAME={spec}")
    for codec, name in zip(loaded, names, strict=True):
        if [other.id for other in loaded].count(codec.id) > 1:
            raise EvaluationError(f"the curve {label} has the codec {name} twice; leave one out")
    name = label or loaded[0].name
    if len(loaded) > 1 and any(codec.variable for codec in loaded):
        raise EvaluationError(
            f"a codec of {spec} has a range of qualities and is a curve of its own; give it alone"
        )
    if bpps and len(loaded) == 1:
        return VariableCoder(name, loaded[0], bpps, "bpp")
    if not loaded[0].variable:
        return FixedCoder(name, tuple(sorted(loaded, key=lambda codec: codec.bpp_range[0])))
    return VariableCoder(name, loaded[0], qualities, "quality")


def parse_spec(spec: str) -> tuple[str, list[str]]:
    """The label ("" without one) and the names or files of the codecs in [LABEL=]CODEC[,CODEC...].

    A file may have "=" and "," in its path: the longest existing files are taken, and what exists
    as it stands has no label.
    """
    if pathlib.Path(spec).exists():
        return "", [spec]
    equals = [place for place, letter in enumerate(spec) if letter == "="]
    for place in equals:
        names = _existing(spec[place + 1 :])
        if all(pathlib.Path(name).exists() for name in names):
            return spec[:place], names
    label, _, rest = spec.partition("=") if equals else ("", "", spec)
    return label, _existing(rest)


def _existing(names: str) -> list[str]:
    """Names between commas, put together again where that makes the path of a file."""
    parts = names.split(",")
    found = []
    while parts:
        longest = (
            end for end in range(len(parts), 1, -1) if pathlib.Path(",".join(parts[:end])).exists()
        )
        end = next(longest, 1)
        found.append(",".join(parts[:end]))
        del parts[:end]
    return found
