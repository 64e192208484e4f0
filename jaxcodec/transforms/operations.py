"""Networks as plain lists of operations: what integer networks are made from.

A network that decides tables is taken out of its Flax module into this form by its method
`lower(params) -> list[Operation]`, which every layer has that can be lowered. Calibration runs the
list to see the range of every activation. The interpreter gives what the module gives.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcodec.ops import depth_to_space, interpolate_points

ELEMENTWISE: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "leaky_relu": lambda v: jax.nn.leaky_relu(v, 0.01),
    "silu": jax.nn.silu,
}
"""Activations that integer networks have."""


@dataclasses.dataclass(frozen=True, eq=False)
class Conv:
    """Convolution by `kernel` (k, k, I, O), k odd.

    The input is spread out by `upsample` with zeros between.

    border: "zeros", or "edge" to replicate the outermost places. offset: None, or (I,), added to
      the input first, inside the border only.
    """

    kernel: np.ndarray
    bias: np.ndarray
    border: str = "zeros"
    upsample: int = 1
    offset: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Modulate:
    """x * (1 + scale) + shift, tables (points, C) interpolated over the quality."""

    scale: np.ndarray
    shift: np.ndarray


@dataclasses.dataclass(frozen=True)
class Activate:
    """An activation, one of `ELEMENTWISE`."""

    kind: str


@dataclasses.dataclass(frozen=True)
class Shuffle:
    """Depth to space."""

    factor: int


@dataclasses.dataclass(frozen=True, eq=False)
class Residual:
    """x + what `ops` make of x."""

    ops: tuple["Operation", ...]


Operation = Conv | Modulate | Activate | Shuffle | Residual
Path = tuple[int | str, ...]
"""Where an operation stands: its place in the list, then, inside of a residual, its place there.
Before them, where there are several networks, the name of one.
"""


def run(
    ops: Sequence[Operation],
    x: jax.Array,
    quality: jax.Array,
    see: Callable[[Path, jax.Array], jax.Array] = lambda path, x: x,
    path: Path = (),
) -> jax.Array:
    """Apply `ops` to x (B, h, w, C) float32 at `quality` (B,) in [0, 1].

    `see` is shown, and may change, every input.
    """
    for place, op in enumerate(ops):
        here = (*path, place)
        x = see(here, x)
        match op:
            case Conv():
                x = _convolve(op, x)
            case Modulate():
                scale, shift = (
                    interpolate_points(jnp.asarray(table), quality)
                    for table in (op.scale, op.shift)
                )
                x = x * (1 + scale[:, None, None]) + shift[:, None, None]
            case Activate():
                x = ELEMENTWISE[op.kind](x)
            case Shuffle():
                x = depth_to_space(x, op.factor)
            case Residual():
                x = x + run(op.ops, x, quality, see, here)
    return x


def _convolve(op: Conv, x):
    kernel, pad = jnp.asarray(op.kernel), op.kernel.shape[0] // 2
    x = x if op.offset is None else x + op.offset
    if op.border == "edge":
        x, pad = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge"), 0
    y = lax.conv_general_dilated(
        x, kernel, (1, 1), [(pad, pad + op.upsample - 1)] * 2, lhs_dilation=(op.upsample,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip
    return y + op.bias


def of_layer(layer: Any, params: Mapping[str, Any]) -> list[Operation]:
    """The operations of a layer inside of a network, from the parameters of the network."""
    return layer.lower(params[layer.name])


def conv(params: Mapping[str, Any], border: str = "zeros") -> Conv:
    """The operation of a `jaxcodec.transforms.layers.Conv` of stride 1."""
    return Conv(
        np.asarray(params["kernel"], np.float32), np.asarray(params["bias"], np.float32), border
    )


def last_outputs(ops: Sequence[Operation], chosen: slice) -> list[Operation]:
    """The same network with only these channels of its last layer, a convolution."""
    *before, last = ops
    assert isinstance(last, Conv)
    return [
        *before,
        dataclasses.replace(last, kernel=last.kernel[..., chosen], bias=last.bias[chosen]),
    ]
