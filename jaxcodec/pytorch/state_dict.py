"""The state dictionary of a checkpoint: its tensors by the names that the model itself gave them.

Training scripts wrap it in many ways: beside an optimiser's state in a larger dictionary, with a
prefix that DataParallel, `torch.compile` or a Lightning module puts before every name, in PyTorch's
own files or in safetensors.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors

from jaxcodec.errors import CheckpointError
from jaxcodec.files import read_bytes
from jaxcodec.pytorch import torch_file
from jaxcodec.pytorch.torch_pickle import NotPlainError, Tensor, Unknown

KEYS = ("state_dict", "model_state_dict", "model", "net")
"""Where a checkpoint may have its state dictionary."""

PREFIXES = ("module.", "model.", "net.")
"""What may stand before every name: of DataParallel, and of modules that hold the model."""

_COMPILED = "_orig_mod"  # what torch.compile puts where it wraps a module, the whole or a part
_DEPTH = 3  # of dictionaries within dictionaries
_SAFETENSORS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "u1",
}


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint by name.

    They are read-only arrays of their shape and type (bfloat16 as float32).

    The checkpoint is a safetensors file, or what `torch.save` wrote: a state dictionary, or a
    dictionary that has one under one of KEYS. Off every name are taken the part `_orig_mod`, and
    those of PREFIXES that all share. Optimiser states, settings and whatever else lies beside it
    are passed over, and never run.

    Raises:
      CheckpointError: missing, not a checkpoint, damaged, or with other things than tensors in the
        state dictionary.
    """
    data = read_bytes(path, CheckpointError)
    try:
        return _own_names(_read_safetensors(data) if _is_safetensors(data) else _read_torch(data))
    except NotPlainError as problem:
        raise CheckpointError(
            f"{path} is not read further, because {problem}; if you trust it, load it with PyTorch "
            "and save only its "
            f"weights, torch.save(model.state_dict(), FILE)"
        ) from problem
    except (*torch_file.DAMAGE, safetensors.SafetensorError) as problem:
        raise CheckpointError(
            f"{path} is not a PyTorch checkpoint, or is damaged ({type(problem).__name__}: "
            f"{str(problem)[:200]}); "
            f"fetch it again"
        ) from problem


def _read_torch(data: bytes) -> dict[str, np.ndarray]:
    value, values_of = torch_file.read(data)
    return {name: values_of(tensor) for name, tensor in _tensors(value).items()}


def _tensors(value: Any, depth: int = 0) -> dict[str, Tensor]:
    if isinstance(value, Unknown):
        raise NotPlainError(
            f"it holds the Python object {value.name!r} where the state dictionary should be"
        )
    if not isinstance(value, dict) or not value:
        raise NotPlainError("it holds no state dictionary")
    within = [key for key in KEYS if isinstance(value.get(key), (dict, Unknown))]
    if within and depth < _DEPTH:
        return _tensors(value[within[0]], depth + 1)
    for name, tensor in value.items():
        if isinstance(tensor, Unknown):
            raise NotPlainError(
                f"its entry {str(name)[:80]!r} is the Python object {tensor.name!r} and not a "
                "tensor"
            )
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise NotPlainError(f"its entry {str(name)[:80]!r} is not a tensor")
    return value


def _own_names(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors by the names that the model itself gave them."""
    named = {
        ".".join(part for part in name.split(".") if part != _COMPILED): name for name in tensors
    }
    while shared := [
        prefix for prefix in PREFIXES if named and all(name.startswith(prefix) for name in named)
    ]:
        named = {name.removeprefix(shared[0]): original for name, original in named.items()}
    if len(named) < len(tensors):
        raise NotPlainError(f"two of its tensors have one name but for the part {_COMPILED!r}")
    return {name: tensors[original] for name, original in named.items()}


def _is_safetensors(data: bytes) -> bool:
    """Whether the file begins as one: the length of its header, then the header, JSON."""
    return (
        not torch_file.is_zip(data)
        and data[8:9] == b"{"
        and int.from_bytes(data[:8], "little") <= len(data)
    )


def _read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    arrays = {}
    for name, tensor in safetensors.deserialize(data):
        if tensor["dtype"] not in _SAFETENSORS:
            raise NotPlainError(f"its tensor {name[:80]!r} is of the type {tensor['dtype']}")
        raw = np.frombuffer(tensor["data"], _SAFETENSORS[tensor["dtype"]]).reshape(tensor["shape"])
        raw = raw.astype(raw.dtype.newbyteorder("="), copy=False)
        arrays[name] = torch_file.from_bfloat16(raw) if tensor["dtype"] == "BF16" else raw
        arrays[name].flags.writeable = False
    if not arrays:
        raise NotPlainError("it holds no tensors")
    return arrays
