"""Checkpoints are read as data: right values from sound files, and an error, nothing executed, from
all others.
"""

import io
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch_files import (
    LEGACY_START,
    called,
    legacy,
    many,
    mapping,
    named,
    plain,
    storage,
    tensor,
    zipped,
)

from jaxcodec.errors import CheckpointError
from jaxcodec.pytorch.state_dict import read_state_dict

VALUES = np.arange(1, 25, dtype=np.float32)
FLOATS = storage("0", "FloatStorage", 24)


@pytest.fixture
def read(tmp_path):
    """Reads a checkpoint from its bytes."""

    def from_bytes(data: bytes) -> dict[str, np.ndarray]:
        path = tmp_path / "weights.pth"
        path.write_bytes(data)
        return read_state_dict(path)

    return from_bytes


def one_tensor(
    shape=(2, 3), strides=(3, 1), offset=0, stored=FLOATS, data=None, **records
) -> bytes:
    return zipped(
        mapping({"w": tensor(stored, shape, strides, offset)}),
        {"0": VALUES.tobytes() if data is None else data},
        **records,
    )


def refused(read, data: bytes, *words: str) -> None:
    """An error of one sentence that names the file and has all of `words`."""
    with pytest.raises(CheckpointError) as error:
        read(data)
    for word in ("weights.pth", *words):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("kind", "stored", "expected"),
    [
        ("DoubleStorage", "f8", "f8"),
        ("FloatStorage", "f4", "f4"),
        ("HalfStorage", "f2", "f2"),
        ("LongStorage", "i8", "i8"),
        ("IntStorage", "i4", "i4"),
        ("ShortStorage", "i2", "i2"),
        ("CharStorage", "i1", "i1"),
        ("ByteStorage", "u1", "u1"),
        ("BoolStorage", "u1", "u1"),
    ],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_every_type_in_both_byte_orders(read, kind, stored, expected, order):
    values = np.array(
        [1, 0, 5, 100], np.dtype(stored).newbyteorder("<" if order == "little" else ">")
    )
    data = one_tensor(
        (4,), (1,), stored=storage("0", kind, 4), data=values.tobytes(), byteorder=order.encode()
    )
    array = read(data)["w"]
    assert array.dtype == np.dtype(expected) and array.dtype.isnative
    np.testing.assert_array_equal(array, [1, 0, 5, 100])


@pytest.mark.parametrize("order", ["<", ">"])
def test_bfloat16_becomes_float32(read, order):
    upper_halves = np.array(
        [0x3F80, 0xC020, 0x0001], f"{order}u2"
    )  # 1, -2.5, the smallest subnormal
    record = b"little" if order == "<" else b"big"
    stored = storage("0", "BFloat16Storage", 3)
    array = read(
        one_tensor((3,), (1,), stored=stored, data=upper_halves.tobytes(), byteorder=record)
    )["w"]
    np.testing.assert_array_equal(array, np.float32([1, -2.5, 2.0**-133]))


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "expected"),
    [
        ((2, 3), (3, 1), 0, VALUES[:6].reshape(2, 3)),
        ((3, 2), (1, 3), 0, VALUES[:6].reshape(2, 3).T),
        ((2, 2), (8, 2), 3, VALUES[[3, 5, 11, 13]].reshape(2, 2)),
        ((), (), 23, VALUES[23]),
        ((24,), (1,), 0, VALUES),
        ((0, 3), (3, 1), 0, np.empty((0, 3))),
    ],
)
def test_shapes_strides_and_offsets(read, shape, strides, offset, expected):
    array = read(one_tensor(shape, strides, offset))["w"]
    assert array.shape == shape
    np.testing.assert_array_equal(array, expected)


def test_tensors_share_a_storage_and_cannot_be_written(read):
    tensors = {"a": tensor(FLOATS, (4,), (1,)), "b": tensor(FLOATS, (2,), (1,), 2)}
    arrays = read(zipped(mapping(tensors), {"0": VALUES.tobytes()}))
    np.testing.assert_array_equal(arrays["b"], arrays["a"][2:])
    assert not arrays["a"].flags.writeable


def test_a_training_checkpoint_gives_its_state_dict_without_the_prefix_of_data_parallel(read):
    weights = mapping(
        {"module.a": tensor(FLOATS, (2,), (1,)), "module.b": tensor(FLOATS, (1,), (1,), 5)}
    )
    optimiser = plain(
        {
            "state": {0: {"step": 3.5, "betas": (0.9, 0.999), "amsgrad": False, "none": None}},
            "groups": [1, []],
        }
    )
    operations = mapping({"epoch": plain(7), "state_dict": weights, "optimizer": optimiser})
    arrays = read(zipped(operations, {"0": VALUES.tobytes()}))
    assert {name: array.tolist() for name, array in arrays.items()} == {"a": [1, 2], "b": [6]}


def test_a_prefix_that_not_all_share_stays(read):
    tensors = {"module.a": tensor(FLOATS, (2,), (1,)), "b": tensor(FLOATS, (1,), (1,))}
    assert set(read(zipped(mapping(tensors), {"0": VALUES.tobytes()}))) == {"module.a", "b"}


def test_parameters_and_versions_of_modules(read):
    parameter = called(
        "torch._utils _rebuild_parameter", tensor(FLOATS, (2,), (1,)), plain(True), mapping({})
    )
    operations = mapping({"w": parameter}) + plain({"_metadata": {"": {"version": 1}}}) + b"b"
    np.testing.assert_array_equal(read(zipped(operations, {"0": VALUES.tobytes()}))["w"], [1, 2])


def test_the_newest_pickle_protocol(read):
    text = pickle.dumps({"state_dict": 0}, protocol=5)
    assert b"\x95" in text and b"\x94" in text  # frames, and memory without numbers
    weights = mapping({"w": tensor(FLOATS, (2,), (1,))})
    head, _, tail = text[:-1].partition(pickle.dumps(0, protocol=5)[-3:-1])
    assert read(_with_pickle(head + weights + tail + b"."))["w"].tolist() == [1, 2]


def _with_pickle(pickled: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights/data.pkl", pickled)
        archive.writestr("weights/data/0", VALUES.tobytes())
    return file.getvalue()


def test_the_form_before_version_1_6(read):
    other = storage("77", "LongStorage", 2)
    tensors = {"w": tensor(FLOATS, (3, 2), (1, 3)), "n": tensor(other, (2,), (1,))}
    data = legacy(
        mapping(tensors), [("77", 2, struct.pack("<qq", 5, -6)), ("0", 24, VALUES.tobytes())]
    )
    arrays = read(data)
    np.testing.assert_array_equal(arrays["w"], VALUES[:6].reshape(2, 3).T)
    assert arrays["n"].tolist() == [5, -6]


class Runs:
    """Runs a command where it is unpickled."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_nothing_is_executed(read, tmp_path, protocol, form):
    proof = tmp_path / "executed"
    pickled = pickle.dumps({"state_dict": Runs(f"touch {proof}")}, protocol)
    pickle.loads(pickled)
    assert proof.exists()  # the pickle is a live one
    proof.unlink()
    refused(read, _with_pickle(pickled) if form == "zip" else LEGACY_START + pickled)
    assert not proof.exists()


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        (called("posix system", plain("true")), "posix.system"),
        (called("builtins eval", plain("1")), "builtins.eval"),
        (called("torch.nn.modules.linear Linear"), "torch.nn.modules.linear.Linear"),
        (called("numpy.core.multiarray _reconstruct"), "numpy.core.multiarray._reconstruct"),
        (plain("os") + plain("system") + b"\x93", "os.system"),
        (b"iposix\nsystem\n", "INST"),
        (named("torch FloatStorage") + plain({"name": "x"}) + b"b", "attributes"),
        (tensor(FLOATS, (2,), (1,)) + plain({"offset": 9}) + b"b", "attributes"),
        (named("collections OrderedDict") + plain((None, {"__init__": 1})) + b"b", "attributes"),
        (called("collections OrderedDict", plain([(1, 2)])), "unknown way"),
        (called("torch FloatStorage", plain(9)), "unknown way"),
        (called("torch._utils _rebuild_tensor_v2", plain(1)), "unknown way"),
        (plain(1) + many(plain(2)) + b"R", "unknown way"),
        (many(plain("module"), plain("os")) + b"Q", "plain storage"),
        (plain({(1, 2): 3}), "key of the type tuple"),
        (plain([1, 2]), "no state dictionary"),
        (plain({}), "no state dictionary"),
        (plain({"w": 5}), "'w' is not a tensor"),
        (plain({"state_dict": {"w": "text"}}), "'w' is not a tensor"),
        (tensor(FLOATS, (2,), (1,)), "no state dictionary"),
        (mapping({"w": storage("0", "FloatStorage", 24)}), "'w' is not a tensor"),
    ],
)
def test_what_is_neither_plain_nor_a_tensor_is_named_with_what_to_do(read, operations, words):
    refused(
        read,
        zipped(operations, {"0": VALUES.tobytes()}),
        words,
        "torch.save(model.state_dict(), FILE)",
    )


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((25,), (1,), 0),
        ((24,), (1,), 1),
        ((2, 3), (24, 1), 0),
        ((1,), (1,), 24),
        ((1,), (1,), 1 << 70),
        ((2,), (-1,), 5),
        ((-2,), (1,), 0),
        ((2,), (1,), -1),
        ((2, 3), (1,), 0),
        ((1 << 40, 1), (0, 1), 0),
        ((1.5,), (1,), 0),
        ((2, 0, 1 << 80), (1, 1, 1), 0),
        ((5, 5), (0, 0), 0),
    ],
)
def test_tensors_that_reach_beyond_their_storage_are_refused(read, shape, strides, offset):
    refused(read, one_tensor(shape, strides, offset), "damaged")


@pytest.mark.parametrize("count", [23, 25, -24, 0, 1 << 62, 1 << 200])
def test_storages_of_another_size_are_refused(read, count):
    stored = storage("0", "FloatStorage", count)
    refused(read, one_tensor((1,), (1,), stored=stored), "damaged")
    refused(
        read,
        legacy(mapping({"w": tensor(stored, (25,), (1,))}), [("0", 24, VALUES.tobytes())]),
        "damaged",
    )


@pytest.mark.parametrize("key", ["1", "../../../../etc/passwd", "/etc/passwd", "../data.pkl", ""])
def test_storages_that_are_not_there_are_refused(read, key):
    stored = storage(key, "FloatStorage", 24)
    refused(read, one_tensor((1,), (1,), stored=stored), "damaged")
    refused(
        read,
        legacy(mapping({"w": tensor(stored, (1,), (1,))}), [("0", 24, VALUES.tobytes())]),
        "damaged",
    )


def test_archives_that_unpack_to_more_than_they_are_cannot_be_made(read):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(10**6))
    refused(read, file.getvalue(), "compressed")
    data = bytearray(one_tensor())
    place = data.index(
        b"PK\x01\x02", data.index(b"PK\x01\x02") + 1
    )  # in the directory, the entry of the storage
    data[place + 20 : place + 28] = struct.pack("<II", 1 << 30, 1 << 30)
    refused(read, bytes(data), "larger than the file")


def test_an_archive_of_other_things_is_refused(read):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", b"hello")
    refused(read, file.getvalue(), "not a PyTorch checkpoint")


def test_pickles_made_to_take_forever_or_all_memory_are_refused_at_once(read):
    start = time.process_time()
    nested = (
        b")" + b"q\x00h\x00\x86" * 200
    )  # a tuple of twice the tuple before it: 2^200 leaves to walk
    refused(read, zipped(b"}" + nested + plain(1) + b"s", {}), "key of the type tuple")
    refused(read, zipped(nested + nested + b"\x93", {}), "damaged")
    refused(read, legacy(nested, []), "no state dictionary")
    refused(read, zipped(b"}r\xff\xff\xff\xff", {}), "no state dictionary")
    refused(read, zipped(b"]" * 10**5, {}), "damaged")
    refused(read, zipped(b"X\xff\xff\xff\x7f", {}), "damaged")
    assert time.process_time() - start < 10


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(CheckpointError, match=f"cannot read {path}"):
            read_state_dict(path)


ZIPPED = one_tensor(byteorder=b"little")
LEGACY = legacy(mapping({"w": tensor(FLOATS, (2, 3), (3, 1))}), [("0", 24, VALUES.tobytes())])


@pytest.mark.parametrize("data", [ZIPPED, LEGACY], ids=["zip", "legacy"])
def test_truncated_files_are_refused(read, data):
    for length in range(0, len(data), 3):
        refused(read, data[:length], "fetch it again")


@pytest.mark.filterwarnings(
    "ignore:invalid escape sequence"
)  # of pickletools, in the text of random pickles
@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from([ZIPPED, LEGACY]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4
    ),
)
def test_changed_files_give_an_error_or_arrays(tmp_path_factory, data, changes):
    changed = bytearray(data)
    for place, value in changes:
        changed[int(place * len(changed))] = value
    _read_or_refuse(tmp_path_factory, bytes(changed))


@pytest.mark.filterwarnings(
    "ignore:invalid escape sequence"
)  # of pickletools, in the text of random pickles
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x80\x02", b"PK\x03\x04", LEGACY[:60]]))
@example(b"", b"")
def test_any_bytes_give_an_error_or_arrays(tmp_path_factory, tail, head):
    _read_or_refuse(tmp_path_factory, head + tail)
    _read_or_refuse(tmp_path_factory, _with_pickle(b"\x80\x02" + tail + b"."))


def _read_or_refuse(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.pth"
    path.write_bytes(data)
    try:
        arrays = read_state_dict(path)
    except CheckpointError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert all(isinstance(array, np.ndarray) for array in arrays.values())


def test_reading_needs_neither_pytorch_nor_jax():
    command = (
        "import sys, jaxcodec.pytorch.state_dict; print(sorted({'jax', 'torch', 'flax'} & "
        "set(sys.modules)))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", command], capture_output=True, text=True
        ).stdout.strip()
        == "[]"
    )
