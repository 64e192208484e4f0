"""One codec at many quantiser steps, for `jax.vmap` over images that each have their own."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxcodec.codec.value import Codec, at_step
from jaxcodec.ops import Array

_ENCODING = ("interval", "start", "size", "minimum")


class Steps(NamedTuple):
    """What of a codec depends on its step, with a leading axis of images.

    step_index: see `quantiser_step`, int32 (n,). integer: arrays of the integer networks by name.
      lane_tables: fields of `LaneTables` that an encoder needs, by name; empty where they do not
      depend on it. step: float32 (n,).
    """

    step_index: Array
    integer: Mapping[str, Array]
    lane_tables: Mapping[str, Array]
    step: Array


def at_steps(codec: Codec, step_indices: Sequence[int]) -> Steps:
    """What `codec` has at the steps of `step_indices` (`quantiser_step`), one for each image."""
    own = {step_index: at_step(codec, step_index) for step_index in set(step_indices)}
    each = [own[step_index] for step_index in step_indices]
    moved = [
        name
        for name, array in codec.integer.items()
        if any(one.integer[name] is not array for one in each)
    ]
    names = _ENCODING if codec.order.tables_depend_on_step else ()
    return jax.device_put(
        Steps(
            np.array(step_indices, np.int32),
            {name: np.stack([one.integer[name] for one in each]) for name in moved},
            {name: _stacked([getattr(one.lane_tables, name) for one in each]) for name in names},
            np.array([one.step for one in each], np.float32),
        )
    )


def with_step(codec: Codec, at: Steps) -> Codec:
    """The codec at the step of one image, for use inside `vmap`.

    `at` has no leading axis. The codec can only encode.
    """
    lane_tables = codec.lane_tables._replace(**at.lane_tables)
    return dataclasses.replace(
        codec, integer={**codec.integer, **at.integer}, lane_tables=lane_tables, step=at.step
    )


def _stacked(arrays):
    """Arrays (n,), filled up to a power of 2, so that other steps compile nothing.

    The filling is never looked up.
    """
    most = 1 << (max(len(array) for array in arrays) - 1).bit_length()
    return np.stack([np.pad(array, (0, most - len(array))) for array in arrays])
