"""The sizes of a codec's arrays, and how its networks go over large ones."""

from typing import Any, NamedTuple

from jaxcodec.entropy.context import REACH


class Windows(NamedTuple):
    """How to run a network in windows.

    into, out: elements of an input and of the output per position, along each axis. reach: how far
      an output depends on its neighbours, in positions. pixels: those that a position stands for.
    """

    into: int
    out: int
    reach: int
    pixels: int


class Geometry(NamedTuple):
    """Sizes of a model's arrays.

    stride: the multiple that image sides must have. latent_stride: pixels per latent position,
      along each axis.
    channels: of the latent.
    analysis, synthesis, hyper_analysis: windows of these networks; the last is None without a
      hyper-latent.
    hyper: of those that go from hyper-latent to latent positions; None likewise.
    context: of those that see the neighbours of a latent position. passes: of all passes in which
      a latent is rounded. place: of those that see a position alone.
    """

    stride: int
    latent_stride: int
    channels: int
    analysis: Windows
    synthesis: Windows
    hyper_analysis: Windows | None
    hyper: Windows | None
    context: Windows
    passes: Windows
    place: Windows


def of(model: Any) -> Geometry:
    """The geometry of an `EntropyModel`."""
    unit = model.analysis.stride
    hyper_unit = model.hyper_analysis.stride if model.has_hyper else None
    stride = unit * (hyper_unit or 1)
    return Geometry(
        stride=stride,
        latent_stride=unit,
        channels=model.gains.channels,
        analysis=Windows(unit, 1, model.analysis.halo, unit**2),
        synthesis=Windows(1, unit, model.synthesis.halo, unit**2),
        hyper_analysis=Windows(hyper_unit, 1, model.hyper_analysis.halo, stride**2)
        if hyper_unit
        else None,
        hyper=Windows(1, hyper_unit, model.hyper_synthesis.halo, stride**2) if hyper_unit else None,
        context=Windows(1, 1, REACH, unit**2),
        passes=Windows(1, 1, model.pass_reach, unit**2),
        place=Windows(1, 1, 0, unit**2),
    )
