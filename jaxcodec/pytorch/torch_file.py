"""PyTorch checkpoints (`torch.save`) without PyTorch, and without running anything that is in them.

Since PyTorch 1.6 a checkpoint is a zip archive: NAME/data.pkl, a pickle in which each tensor refers
to a storage by its key, and the storages as they lie in memory, uncompressed, NAME/data/KEY;
NAME/byteorder says which way round. Before (and with `_use_new_zipfile_serialization=False`) it is
a row of pickles, then the storages, each with its length.
"""

import functools
import io
import math
import os
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxcodec.pytorch.torch_pickle import STORAGE_TYPES, Storage, Tensor, interpret

_ZIP_START = b"PK\x03\x04"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_BFLOAT16 = np.dtype(np.uint16)
DAMAGE = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
)

_Contents = tuple[
    Any, Callable[[Storage], np.ndarray]
]  # the pickled value, and what reads a storage


def is_zip(data: bytes) -> bool:
    """Whether this is a checkpoint in the form of PyTorch 1.6 and later, by its first bytes."""
    return data.startswith(_ZIP_START)


def read(data: bytes) -> tuple[Any, Callable[[Tensor], np.ndarray]]:
    """The pickled content of a checkpoint, and a function for the values of a tensor.

    Each tensor is a `Tensor` in it.

    Raises:
      NotPlainError: there is something in it that only PyTorch, or some program, could make sense
        of.
      DAMAGE: it is no checkpoint, or a damaged one; so may the function that gives values.
    """
    value, read_storage = _open_zip(data) if is_zip(data) else _open_legacy(data)
    return value, functools.partial(_array, read_storage=read_storage)


def _array(tensor: Tensor, read_storage: Callable[[Storage], np.ndarray]) -> np.ndarray:
    """The view of its storage that `tensor` is."""
    shape, strides, offset = tensor.shape, tensor.strides, tensor.offset
    if not all(isinstance(number, int) and number >= 0 for number in (*shape, *strides, offset)):
        raise ValueError("a tensor has a negative size, stride or offset")
    flat = read_storage(tensor.storage)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    # Overlapping strides could make a huge tensor of a small storage.
    if 0 not in shape and (last >= len(flat) or math.prod(shape) > len(flat)):
        raise ValueError("a tensor reaches beyond its storage")
    if 0 in shape:
        return np.empty(shape, flat.dtype)
    return np.lib.stride_tricks.as_strided(
        flat[offset:], shape, [stride * flat.itemsize for stride in strides], writeable=False
    )


def _open_zip(data: bytes) -> _Contents:
    archive = zipfile.ZipFile(io.BytesIO(data))
    records = archive.infolist()
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise ValueError("it is a compressed zip archive")
    if sum(record.file_size for record in records) > len(data):
        raise ValueError("its records are larger than the file")
    (pickled,) = (record.filename for record in records if record.filename.endswith("/data.pkl"))
    root = pickled.removesuffix("data.pkl")
    order = (
        archive.read(root + "byteorder") if root + "byteorder" in archive.namelist() else b"little"
    )

    @functools.cache
    def read_storage(storage: Storage) -> np.ndarray:
        return _decode(archive.read(f"{root}data/{storage.key}"), storage, order == b"little")

    return interpret(io.BytesIO(archive.read(pickled))).value, read_storage


def _open_legacy(data: bytes) -> _Contents:
    file = io.BytesIO(data)
    if interpret(file).value != _LEGACY_MAGIC or interpret(file).value != _LEGACY_PROTOCOL:
        raise ValueError("it does not start as one")
    interpret(
        file
    )  # the sizes and the byte order of the machine; the storages are little-endian on every one
    value, storages = interpret(file)
    arrays = {}
    for key in map(_text, interpret(file).value):
        file.seek(8, os.SEEK_CUR)  # the number of elements, which the pickle has too
        arrays[key] = _decode(file.read(_size(storages[key])), storages[key], little=True)
    return value, lambda storage: arrays[storage.key]


def from_bfloat16(halves: np.ndarray) -> np.ndarray:
    """Float32 from bfloat16, given as uint16: it is the upper half of a float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _text(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("the key of a storage is not text")
    return key


def _size(storage: Storage) -> int:
    """Bytes of a storage."""
    return storage.count * (STORAGE_TYPES[storage.type.name] or _BFLOAT16).itemsize


def _decode(data: bytes, storage: Storage, little: bool) -> np.ndarray:
    """The elements of a storage, in this machine's byte order."""
    if len(data) != _size(storage):
        raise ValueError(
            f"the storage {storage.key[:80]!r} has {len(data)} bytes and should have "
            f"{_size(storage)}"
        )
    kind = STORAGE_TYPES[storage.type.name]
    raw = np.frombuffer(data, (kind or _BFLOAT16).newbyteorder("<" if little else ">"))
    if kind is None:
        return from_bfloat16(raw)
    return raw.astype(kind, copy=False)
