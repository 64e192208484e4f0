"""Which of CompressAI's layers is which of ours, and how its arrays become those of ours.

PyTorch keeps convolution kernels as (outputs, inputs, rows, columns) and transposed ones as
(inputs, outputs, rows, columns), ours are (rows, columns, inputs, outputs). No kernel needs to be
flipped. GDN keeps the same reparameterised beta and gamma on both sides, with the same bounds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxcodec.entropy.context import TAPS

Arrays = Mapping[str, np.ndarray]


class Layer(NamedTuple):
    """A layer: its name in CompressAI, its path here, and its form.

    Names are like "g_a.0", paths like "analysis/Conv_0"; the form is a key of FORMS.
    """

    source: str
    path: str
    form: str


def convolution(arrays: Arrays) -> dict[str, np.ndarray]:
    """A convolution."""
    return {"kernel": arrays["weight"].transpose(2, 3, 1, 0), "bias": arrays["bias"]}


def transposed_convolution(arrays: Arrays) -> dict[str, np.ndarray]:
    """A transposed convolution."""
    return {"kernel": arrays["weight"].transpose(2, 3, 0, 1), "bias": arrays["bias"]}


def subpixel_convolution(arrays: Arrays) -> dict[str, np.ndarray]:
    """A convolution before pixel shuffle by 2, with our order of channels.

    Channels are (features, row, column) in CompressAI, and (row, column, features) here.
    """
    order = np.arange(len(arrays["bias"])).reshape(-1, 2, 2).transpose(1, 2, 0).ravel()
    return convolution({name: array[order] for name, array in arrays.items()})


def masked_convolution(arrays: Arrays) -> dict[str, np.ndarray]:
    """The context convolution; what its mask hides may hold anything there, and is zero here."""
    layer = convolution(arrays)
    visible = np.zeros((5, 5, 1, 1), bool)
    visible[tuple(np.transpose(TAPS["autoregressive"]))] = True
    return {"kernel": np.where(visible, layer["kernel"], 0), "bias": layer["bias"]}


def scales_before_means(arrays: Arrays) -> dict[str, np.ndarray]:
    """A convolution that gives scales, then means, where ours gives means, then scales."""
    return convolution(
        {name: np.roll(array, len(array) // 2, axis=0) for name, array in arrays.items()}
    )


def normalisation(arrays: Arrays) -> dict[str, np.ndarray]:
    """GDN and its inverse."""
    return {"beta": arrays["beta"], "gamma": arrays["gamma"]}


class Form(NamedTuple):
    """The tensors that a layer has in CompressAI, and what makes the arrays of ours from them."""

    tensors: tuple[str, ...]
    convert: Callable[[Arrays], dict[str, np.ndarray]]


_CONVOLUTION = ("weight", "bias")
FORMS = {
    "conv": Form(_CONVOLUTION, convolution),
    "transposed": Form(_CONVOLUTION, transposed_convolution),
    "subpixel": Form(_CONVOLUTION, subpixel_convolution),
    "masked": Form(_CONVOLUTION, masked_convolution),
    "scales_means": Form(_CONVOLUTION, scales_before_means),
    "gdn": Form(("beta", "gamma"), normalisation),
}
"""The forms that layers have."""

_RESIDUAL_UNITS = [
    Layer(f"conv_{source}.{unit}.conv.{2 * i}", f"{path}_{unit}/Conv_{i}", "conv")
    for source, path in (("a", "trunk"), ("b", "mask"))
    for unit in range(3)
    for i in range(3)
]
_BLOCKS = {
    "conv": [Layer("", "", "conv")],
    "subpixel": [Layer("0", "Conv_0", "subpixel")],
    "residual": [Layer("conv1", "Conv_0", "conv"), Layer("conv2", "Conv_1", "conv")],
    "down": [
        Layer("conv1", "Conv_0", "conv"),
        Layer("conv2", "Conv_1", "conv"),
        Layer("gdn", "GDN_0", "gdn"),
        Layer("skip", "Conv_2", "conv"),
    ],
    "up": [
        Layer("subpel_conv.0", "SubpixelConv_0/Conv_0", "subpixel"),
        Layer("conv", "Conv_0", "conv"),
        Layer("igdn", "GDN_0", "gdn"),
        Layer("upsample.0", "SubpixelConv_1/Conv_0", "subpixel"),
    ],
    "attention": [*_RESIDUAL_UNITS, Layer("conv_b.3", "mask_3", "conv")],
}


def balle_transforms() -> list[Layer]:
    """Four 5x5 convolutions with GDN, and their mirror image."""
    return [
        *(Layer(f"g_a.{2 * i}", f"analysis/Conv_{i}", "conv") for i in range(4)),
        *(Layer(f"g_a.{2 * i + 1}", f"analysis/GDN_{i}", "gdn") for i in range(3)),
        *(Layer(f"g_s.{2 * i}", f"synthesis/UpsampleConv_{i}", "transposed") for i in range(4)),
        *(Layer(f"g_s.{2 * i + 1}", f"synthesis/GDN_{i}", "gdn") for i in range(3)),
    ]


def balle_hyper_networks(last: str) -> list[Layer]:
    """Three convolutions, and two transposed ones with a last convolution of the form `last`."""
    return [
        *(Layer(f"h_a.{2 * i}", f"hyper_analysis/Conv_{i}", "conv") for i in range(3)),
        *(
            Layer(f"h_s.{2 * i}", f"hyper_synthesis/UpsampleConv_{i}", "transposed")
            for i in range(2)
        ),
        Layer("h_s.4", "hyper_synthesis/Conv_0", last),
    ]


def cheng_transforms(attention: bool) -> list[Layer]:
    """The residual blocks of the anchor, with attention blocks between or not."""
    focus = ["attention"] if attention else []
    analysis = ["down", "residual", "down", *focus, "residual", "down", "residual", "conv", *focus]
    synthesis = [
        *focus,
        "residual",
        "up",
        "residual",
        "up",
        *focus,
        "residual",
        "up",
        "residual",
        "subpixel",
    ]
    return _blocks("g_a", "analysis", analysis) + _blocks("g_s", "synthesis", synthesis)


def cheng_hyper_networks() -> list[Layer]:
    """Five 3x3 convolutions a side, of which two change the resolution."""
    return [
        *(Layer(f"h_a.{2 * i}", f"hyper_analysis/Conv_{i}", "conv") for i in range(5)),
        *(Layer(f"h_s.{4 * i}", f"hyper_synthesis/Conv_{i}", "conv") for i in range(3)),
        *(
            Layer(f"h_s.{4 * i + 2}.0", f"hyper_synthesis/SubpixelConv_{i}/Conv_0", "subpixel")
            for i in range(2)
        ),
    ]


def context_networks() -> list[Layer]:
    """The context convolution and the entropy parameters of the joint autoregressive prior."""
    return [
        Layer("context_prediction", "context", "masked"),
        *(
            Layer(f"entropy_parameters.{2 * i}", f"entropy_parameters/Conv_{i}", "conv")
            for i in range(3)
        ),
    ]


def _blocks(source: str, path: str, kinds: Sequence[str]) -> list[Layer]:
    return [
        Layer(
            f"{source}.{i}.{layer.source}".rstrip("."),
            f"{path}/layers_{i}/{layer.path}".rstrip("/"),
            layer.form,
        )
        for i, kind in enumerate(kinds)
        for layer in _BLOCKS[kind]
    ]
