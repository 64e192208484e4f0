"""Float networks as plain lists of operations: what integer networks are made from.

A network that decides tables is taken out of its Flax module into this form, which calibration runs
to see the range of every activation. Its interpreter gives what the module gives.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcodec.errors import CodecFileError
from jaxcodec.ops import depth_to_space
from jaxcodec.transforms import networks
from jaxcodec.transforms.layers import activation, interpolate_points

ELEMENTWISE = ("relu", "leaky_relu", "silu")
"""Activations, by their names in `jaxcodec.transforms.layers`, that integer networks have."""


@dataclasses.dataclass(frozen=True, eq=False)
class Conv:
    """Convolution by `kernel` (k, k, I, O), k odd, of an input spread out by `upsample` with zeros
    between.

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

    ops: tuple["Op", ...]


Op = Conv | Modulate | Activate | Shuffle | Residual
Path = tuple[int, ...]
"""Where an operation stands: its place in the list, then, inside of a residual, its place there."""


def run(
    ops: Sequence[Op],
    x: jax.Array,
    quality: jax.Array,
    see: Callable[[Path, jax.Array], jax.Array] = lambda path, x: x,
    path: Path = (),
) -> jax.Array:
    """Applies `ops` to x (B, h, w, C) float32 at `quality` (B,) in [0, 1]. `see` is shown, and may
    change, every input.
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
                x = activation(op.kind)(x)
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


def hyper_synthesis(description: Mapping[str, Any], params: Mapping[str, Any]) -> list[Op]:
    """The hyper-synthesis of a model, from hyper-symbols on; `params` are its variables, {"params":
    ...}.

    A network of one's own tells it by `lower(params) -> list of operations`, which are run beside
    it once.

    Raises:
      CodecFileError: there is no integer form of a network of this kind, or its `lower` gives
        another network.
    """
    settings, params = description["hyper_synthesis"], params["params"]
    if settings["kind"] == "conv_synthesis":
        ops = _conv_synthesis(settings, params["hyper_synthesis"])
    elif settings["kind"] == "patch_hyper_synthesis":
        ops = _patch_hyper_synthesis(params["hyper_synthesis"])
    else:
        ops = _lowered(settings, params["hyper_synthesis"], description["hyper_channels"])
    if "median" in params["prior"]:
        ops[0] = dataclasses.replace(
            ops[0], offset=np.asarray(params["prior"]["median"], np.float32)
        )
    return ops


def _lowered(settings, params, channels: int) -> list[Op]:
    """The operations that a network of one's own gives, once they have given what it gives for a
    few symbols.
    """
    kind, network = settings["kind"], networks.create(settings, "hyper_synthesis")
    if not hasattr(network, "lower"):
        raise CodecFileError(
            f"a hyper-synthesis of kind {kind!r} has no integer form: it has no method `lower`, "
            "see docs/extending.md"
        )
    ops = list(network.lower(params))
    if not ops or not isinstance(ops[0], Conv) or not isinstance(ops[-1], Conv):
        raise CodecFileError(
            f"`lower` of {kind!r} must begin and end with a Conv of {__name__}; see "
            "docs/extending.md"
        )
    symbols = np.random.default_rng(0).integers(-3, 4, (2, 4, 4, channels)).astype(np.float32)
    quality = np.array([0.0, 1.0], np.float32)
    expected, found = (
        network.apply({"params": params}, symbols, quality),
        run(ops, symbols, quality),
    )
    if expected.shape != found.shape or not np.allclose(
        expected, found, rtol=1e-3, atol=1e-3 * np.abs(expected).max()
    ):
        raise CodecFileError(
            f"`lower` of {kind!r} does not compute what the network does; see docs/extending.md"
        )
    return ops


def conv(params: Mapping[str, Any], border: str = "zeros") -> Conv:
    """The operation of a `jaxcodec.transforms.layers.Conv` of stride 1."""
    return Conv(
        np.asarray(params["kernel"], np.float32), np.asarray(params["bias"], np.float32), border
    )


def last_outputs(ops: Sequence[Op], chosen: slice) -> list[Op]:
    """The same network with only these channels of its last layer, a convolution."""
    *before, last = ops
    return [
        *before,
        dataclasses.replace(last, kernel=last.kernel[..., chosen], bias=last.bias[chosen]),
    ]


def _conv_synthesis(settings, params) -> list[Op]:
    kind = settings.get("activation", "igdn")
    if kind not in ELEMENTWISE and len(settings["strides"]) > 1:
        raise CodecFileError(
            f"a hyper-synthesis with {kind!r} has no integer form; use one of "
            f"{', '.join(ELEMENTWISE)}"
        )
    ops, plain, upsampling = [], 0, 0
    for stride in settings["strides"]:
        if ops:
            ops.append(Activate(kind))
        if stride == 1:
            ops.append(conv(params[f"Conv_{plain}"]))
            plain += 1
        elif settings.get("subpixel", False):
            ops += [conv(params[f"SubpixelConv_{upsampling}"]["Conv_0"]), Shuffle(stride)]
            upsampling += 1
        else:
            layer = conv(params[f"UpsampleConv_{upsampling}"])
            # Transposed: the kernel lies the other way round.
            ops.append(dataclasses.replace(layer, kernel=layer.kernel[::-1, ::-1], upsample=stride))
            upsampling += 1
    return ops


def _patch_hyper_synthesis(params) -> list[Op]:
    ops = []
    for level in range(2):
        ops += [
            conv(params[f"Conv_{level}"]),
            Shuffle(2),
            _bottleneck(params[f"BottleneckBlock_{level}"]),
        ]
    return [*ops, _bottleneck(params["BottleneckBlock_2"]), conv(params["Conv_2"])]


def _bottleneck(params) -> Residual:
    modulation = params["Modulation_0"]
    return Residual(
        (
            conv(params["Conv_0"]),
            Modulate(
                np.asarray(modulation["scale"], np.float32),
                np.asarray(modulation["shift"], np.float32),
            ),
            Activate("silu"),
            conv(params["Conv_1"], border="edge"),
            Activate("silu"),
            conv(params["Conv_2"]),
        )
    )
