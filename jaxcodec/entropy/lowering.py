"""The hyper-synthesis of a model as a list of operations, from which export makes integers."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from jaxcodec.errors import CodecFileError
from jaxcodec.transforms import operations
from jaxcodec.transforms.operations import Conv, Operation


def hyper_synthesis_operations(model: nn.Module, params: Mapping[str, Any]) -> list[Operation]:
    """The hyper-synthesis of a model, from hyper-symbols on.

    `params` are its variables, {"params": ...}.

    A network gives it by `lower(params) -> list of operations`. For a network from outside the
    package the operations are run beside it once.

    Raises:
      CodecFileError: there is no integer form of such a network, or its `lower` gives another
        network.
    """
    module, own = model.hyper_synthesis, params["params"]
    ops = _lower(module, own["hyper_synthesis"])
    if not type(module).__module__.startswith("jaxcodec."):
        _check(module, own["hyper_synthesis"], ops, model.prior.channels)
    if "median" in own["prior"]:
        ops[0] = dataclasses.replace(ops[0], offset=np.asarray(own["prior"]["median"], np.float32))
    return ops


def _lower(module: nn.Module, params: Mapping[str, Any]) -> list[Operation]:
    kind = _name(module)
    if not hasattr(module, "lower"):
        raise CodecFileError(
            f"a hyper-synthesis of kind {kind!r} has no integer form: it has no method `lower`, "
            "see docs/extending.md"
        )
    ops = list(module.lower(params))
    if not ops or not isinstance(ops[0], Conv) or not isinstance(ops[-1], Conv):
        raise CodecFileError(
            f"`lower` of {kind!r} must begin and end with a Conv of {operations.__name__}; see "
            "docs/extending.md"
        )
    return ops


def _check(module, params, ops, channels: int) -> None:
    """Raises CodecFileError unless operations give what the network gives for a few symbols."""
    symbols = np.random.default_rng(0).integers(-3, 4, (2, 4, 4, channels)).astype(np.float32)
    quality = np.array([0.0, 1.0], np.float32)
    expected = module.apply({"params": params}, symbols, quality)
    found = operations.run(ops, jnp.asarray(symbols), jnp.asarray(quality))
    if expected.shape != found.shape or not np.allclose(
        expected, found, rtol=1e-3, atol=1e-3 * np.abs(expected).max()
    ):
        raise CodecFileError(
            f"`lower` of {_name(module)!r} does not compute what the network does; see "
            "docs/extending.md"
        )


def _name(module: nn.Module) -> str:
    return f"{type(module).__module__}:{type(module).__qualname__}"
