"""Files as `torch.save` makes them, written by hand, so that they can hold what PyTorch would not
write.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Iterable, Mapping


def plain(value: object) -> bytes:
    """The operations that push a plain value."""
    return pickle.dumps(value, protocol=2)[2:-1]


def named(name: str) -> bytes:
    """The operation that pushes a Python object by its name, "module attribute"."""
    module, attribute = name.split(" ")
    return f"c{module}\n{attribute}\n".encode()


def many(*items: bytes) -> bytes:
    """The operations that push a tuple of what `items` push."""
    return b"(" + b"".join(items) + b"t"


def called(name: str, *arguments: bytes) -> bytes:
    """The operations that call a Python object by name."""
    return named(name) + many(*arguments) + b"R"


def mapping(items: Mapping[str, bytes]) -> bytes:
    """The operations that push an OrderedDict."""
    pairs = b"".join(plain(key) + value for key, value in items.items())
    return called("collections OrderedDict") + b"(" + pairs + b"u"


def storage(key: str, kind: str, count: int) -> bytes:
    """The operations that push a storage."""
    return (
        many(plain("storage"), named(f"torch {kind}"), plain(key), plain("cpu"), plain(count))
        + b"Q"
    )


def tensor(stored: bytes, shape: tuple, strides: tuple, offset: int = 0) -> bytes:
    """The operations that push a tensor."""
    parts = stored, plain(offset), plain(shape), plain(strides), plain(False), mapping({})
    return called("torch._utils _rebuild_tensor_v2", *parts)


def finished(operations: bytes) -> bytes:
    """A whole pickle."""
    return b"\x80\x02" + operations + b"."


LEGACY_START = b"".join(
    finished(plain(value)) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
)
"""What a checkpoint in the form before PyTorch 1.6 begins with."""


def zipped(operations: bytes, storages: Mapping[str, bytes], **records: bytes) -> bytes:
    """A checkpoint in the form of PyTorch 1.6 and later."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", finished(operations))
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        for name, data in records.items():
            archive.writestr(f"archive/{name}", data)
    return file.getvalue()


def legacy(operations: bytes, storages: Iterable[tuple[str, int, bytes]]) -> bytes:
    """A checkpoint in the form before; storages are (key, number of elements, data)."""
    storages = list(storages)
    pickles = finished(operations) + finished(plain([key for key, _, _ in storages]))
    return (
        LEGACY_START
        + pickles
        + b"".join(struct.pack("<q", count) + data for _, count, data in storages)
    )
