"""Descriptions of the usual models, by their few sizes.

`jaxcodec.models.build` explains their content.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Description = dict[str, Any]


def patch_model(
    latent: int,
    width: int,
    blocks: int,
    hyper: int,
    points: int,
    first_gain: float,
    last_gain: float,
    activity: bool = False,
) -> Description:
    """The patch network under a mean-scale hyperprior, with learned gains.

    There are `points` of them, from `first_gain` to `last_gain`.

    `hyper` of 0 stands for a factorized prior in its place. `activity`: the last channel of the
    latent is that of `ActivityGain`, for target rates.
    """
    gains = {"channels": latent, "points": points, "first": first_gain, "last": last_gain}
    network = {"width": width, "blocks": blocks, "points": points, "activity": activity}
    description = {
        "gains": gains,
        "analysis": {"kind": "patch_analysis", "latent": latent} | network,
        "synthesis": {"kind": "patch_synthesis"} | network,
    }
    if not hyper:
        return {"entropy": "factorized"} | description
    return description | {
        "entropy": "mean_scale",
        "hyper_channels": hyper,
        "scale_form": "log",
        "log_scale_start": "photographs",
        "hyper_analysis": {
            "kind": "patch_hyper_analysis",
            "features": hyper,
            "width": width,
            "points": points,
        },
        "hyper_synthesis": {
            "kind": "patch_hyper_synthesis",
            "outputs": 2 * latent,
            "width": width,
            "points": points,
        },
    }


def patch_four_step_model(
    latent: int,
    width: int,
    blocks: int,
    hyper: int,
    points: int,
    first_gain: float,
    last_gain: float,
    hyper_width: int = 96,
    context_width: int = 96,
) -> Description:
    """The patch network under a hyperprior with a four-step context.

    Sizes are those of `patch_model`, but that hyper-networks have a width of their own.
    """
    description = patch_model(latent, hyper_width, blocks, hyper, points, first_gain, last_gain)
    for part in ("analysis", "synthesis"):
        description[part]["width"] = width
    return description | {"entropy": "four_step", "context_width": context_width}


def factorized_model(
    features: int,
    latent: int,
    kernels: Sequence[int] = (5, 5, 5, 5),
    strides: Sequence[int] = (2, 2, 2, 2),
) -> Description:
    """Convolutions with GDN under a factorized prior.

    CompressAI's sizes are (128, 192) and (192, 320).
    """
    return {
        "entropy": "factorized",
        "gains": {"channels": latent},
        **_convolutions(features, latent, kernels, strides),
    }


def bounded_model(
    features: int,
    latent: int,
    levels: int,
    kernels: Sequence[int] = (5, 5, 5, 5),
    strides: Sequence[int] = (2, 2, 2, 2),
    hard: bool = False,
) -> Description:
    """Convolutions with GDN and a latent of few levels (Hepburn et al. 2022).

    The paper's sizes are (128, 64).
    """
    description = factorized_model(features, latent, kernels, strides)
    return description | {"entropy": "bounded", "levels": levels, "hard": hard}


def resnet_factorized_model(
    features: int,
    latent: int,
    kernels: Sequence[int] = (9, 5, 5),
    strides: Sequence[int] = (4, 2, 2),
) -> Description:
    """Residual blocks under a factorized prior (Guerin 2024, section 5.5.7).

    They replace convolution and GDN.
    """
    description = factorized_model(features, latent, kernels, strides)
    for name in ("analysis", "synthesis"):
        del description[name]["activation"]
        description[name]["kind"] = f"resnet_{name}"
    return description


def mean_scale_model(
    features: int,
    latent: int,
    hyper: int | None = None,
    hyper_activation: str = "leaky_relu",
    wide: bool = True,
) -> Description:
    """Four 5x5 convolutions with GDN under a mean-scale hyperprior (Minnen et al. 2018).

    `wide` lets the hyper-synthesis widen to 3/2 of the latent as CompressAI does, and ends it with
    a 3x3 convolution; otherwise every hyper layer has `hyper` filters, as in the thesis (table
    4.2).
    """
    hyper = hyper or features
    middle = (latent, latent * 3 // 2) if wide else (hyper, hyper)
    return {
        "entropy": "mean_scale",
        "hyper_channels": hyper,
        "gains": {"channels": latent},
        **_convolutions(features, latent, (5, 5, 5, 5), (2, 2, 2, 2)),
        "hyper_analysis": {
            "kind": "conv_analysis",
            "features": (hyper, hyper, hyper),
            "kernels": (3, 5, 5),
            "strides": (1, 2, 2),
            "activation": hyper_activation,
        },
        "hyper_synthesis": {
            "kind": "conv_synthesis",
            "features": (*middle, 2 * latent),
            "kernels": (5, 5, 3),
            "strides": (2, 2, 1),
            "activation": hyper_activation,
        },
    }


def shrinkage_model(
    features: int,
    latent: int,
    hyper: int | None = None,
    activation: str | Mapping[str, Any] = "shrinkage",
) -> Description:
    """Four 5x5 convolutions a side under a normalised latent (Kirmemis 2023, chapter 3).

    activation: "shrinkage" on both sides, "gdn" (the inverse on the synthesis side) for the twin,
    or an elementwise one; with fields as `layers.activation` has them. Widths, kernels and the
    start are ours: an output that is smooth, a hyper-latent well above its noise, and sigmas that
    do not follow it yet. Else noise of the hyper-latent carries sigma through zero, and symbols
    grow to thousands where it is rounded.
    """
    hyper = hyper or features
    transform = {"kernels": (5, 5, 5, 5), "strides": (2, 2, 2, 2), "signed": True}
    network = {"activation": "leaky_relu"}
    return {
        "entropy": "normalised",
        "unit": 0.1,
        "hyper_channels": hyper,
        "gains": {"channels": latent},
        "analysis": {
            "kind": "conv_analysis",
            "features": (features, features, features, latent),
            "activation": activation,
        }
        | transform,
        "synthesis": {
            "kind": "conv_synthesis",
            "features": (features, features, features, 3),
            "activation": _inverse(activation),
            "subpixel": True,
            "alike": True,
        }
        | transform,
        "hyper_analysis": {
            "kind": "conv_analysis",
            "features": (hyper, hyper, hyper),
            "kernels": (3, 5, 5),
            "strides": (1, 2, 2),
            "last_scale": 10.0,
        }
        | network,
        "hyper_synthesis": {
            "kind": "conv_synthesis",
            "features": (hyper, hyper, 2 * latent),
            "kernels": (5, 5, 3),
            "strides": (2, 2, 1),
            "subpixel": True,
            "alike": True,
            "last_scale": 0.0,
        }
        | network,
    }


def _inverse(activation: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """That of a synthesis where the analysis has this one: igdn for gdn, else the same."""
    if isinstance(activation, str):
        return "igdn" if activation == "gdn" else activation
    return {**activation, "kind": _inverse(activation["kind"])}


def scale_hyperprior_model(features: int, latent: int) -> Description:
    """Four 5x5 convolutions with GDN under a scale hyperprior (Balle et al. 2018).

    CompressAI's sizes are as above.
    """
    description = mean_scale_model(features, latent, hyper_activation="relu", wide=False)
    description["hyper_synthesis"]["features"] = (features, features, latent)
    return description | {"entropy": "scale"}


def autoregressive_model(
    features: int, latent: int, pattern: str = "autoregressive"
) -> Description:
    """The mean-scale model with a context (Minnen et al. 2018).

    `pattern` "checkerboard" for that of He et al. 2021.

    CompressAI's sizes are (192, 192) and (192, 320).
    """
    return mean_scale_model(features, latent) | {"entropy": pattern}


def cheng2020_model(
    features: int, attention: bool = True, mixture: int = 1, pattern: str = "autoregressive"
) -> Description:
    """Residual blocks, and `attention`, under an autoregressive prior (Cheng et al. 2020).

    With one Gaussian as CompressAI has it, at 128 and 192 features; the paper has a `mixture` of
    three.
    """
    return {
        "entropy": pattern,
        "mixture": mixture,
        "hyper_channels": features,
        "gains": {"channels": features},
        "analysis": {"kind": "cheng_analysis", "features": features, "attention": attention},
        "synthesis": {"kind": "cheng_synthesis", "features": features, "attention": attention},
        "hyper_analysis": {
            "kind": "conv_analysis",
            "features": (features,) * 5,
            "kernels": (3,) * 5,
            "strides": (1, 1, 2, 1, 2),
            "activation": "leaky_relu",
        },
        "hyper_synthesis": {
            "kind": "conv_synthesis",
            "features": (*[features] * 2, *[features * 3 // 2] * 2, features * 2),
            "kernels": (3,) * 5,
            "strides": (1, 2, 1, 2, 1),
            "activation": "leaky_relu",
            "subpixel": True,
        },
    }


def patch_context_model(
    latent: int,
    width: int,
    blocks: int,
    hyper: int,
    gain: float,
    pattern: str = "autoregressive",
    mixture: int = 1,
) -> Description:
    """The patch network at one quality, with a context, under one Gaussian or a `mixture`.

    `gain` is one over the starting quantiser step.
    """
    description = patch_model(
        latent, width, blocks, hyper, points=1, first_gain=gain, last_gain=gain
    )
    hyper_synthesis = {
        "kind": "conv_synthesis",
        "features": (hyper, latent, 2 * latent),
        "kernels": (5, 5, 3),
        "strides": (2, 2, 1),
        "activation": "leaky_relu",
    }
    return description | {
        "entropy": pattern,
        "mixture": mixture,
        "hyper_synthesis": hyper_synthesis,
    }


def _convolutions(features, latent, kernels, strides) -> Description:
    depth = len(kernels) - 1
    return {
        "analysis": {
            "kind": "conv_analysis",
            "features": (*[features] * depth, latent),
            "kernels": tuple(kernels),
            "strides": tuple(strides),
            "activation": "gdn",
        },
        "synthesis": {
            "kind": "conv_synthesis",
            "features": (*[features] * depth, 3),
            "kernels": tuple(kernels)[::-1],
            "strides": tuple(strides)[::-1],
            "activation": "igdn",
        },
    }
