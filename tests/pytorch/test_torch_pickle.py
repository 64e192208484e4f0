"""Pickles read as data."""

import collections
import io
import pickle

import pytest
from torch_files import called, finished, mapping, named, plain, storage, tensor

from jaxcodec.pytorch import torch_pickle
from jaxcodec.pytorch.torch_pickle import NotPlainError, Storage, StorageType, Tensor, Unknown


def interpret(data: bytes):
    return torch_pickle.interpret(io.BytesIO(data))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_what_python_makes_of_them(protocol):
    shared = [1, 2]
    value = {
        "a": shared,
        "b": shared,
        "text": "é" * 300,
        "numbers": (0, -1, 255, 2**40, 1.5, True, None),
        "empty": ((), {}, []),
        "data": b"\0\xff",
    }
    if protocol == 2:
        del value["data"]  # a call of a codec there
    found = interpret(pickle.dumps(value, protocol)).value
    assert found == value and found["a"] is found["b"]
    ordered = collections.OrderedDict(a=1, b=2)
    assert interpret(pickle.dumps(ordered, protocol)).value == {"a": 1, "b": 2}


def test_the_file_is_left_behind_the_end():
    file = io.BytesIO(finished(plain(1)) + finished(plain(2)) + b"rest")
    assert [torch_pickle.interpret(file).value for _ in range(2)] == [1, 2]
    assert file.read() == b"rest"


def test_a_tensor_is_a_view_of_its_storage():
    stored = storage("7", "FloatStorage", 12)
    weights = tensor(stored, (2, 3), (3, 1), offset=4)
    found = interpret(finished(mapping({"w": weights, "v": tensor(stored, (1,), (1,))})))
    place = Storage("7", StorageType("FloatStorage"), 12)
    assert found.value["w"] == Tensor(place, 4, (2, 3), (3, 1))
    assert found.storages == {"7": place}
    assert found.value["v"].storage is found.value["w"].storage
    parameter = called("torch._utils _rebuild_parameter", weights, plain(True), mapping({}))
    assert interpret(finished(parameter)).value == Tensor(place, 4, (2, 3), (3, 1))


@pytest.mark.parametrize(
    ("operations", "name"),
    [
        (called("os system", plain("exit 1")), "os.system"),
        (called("builtins eval", plain("1 / 0")), "builtins.eval"),
        (named("argparse Namespace") + b")\x81}" + plain("a") + plain(1) + b"sb", None),
        (b"\x8f(" + plain(1) + b"\x90", "builtins.set"),
    ],
)
def test_any_other_object_is_its_name_and_nothing_is_called(operations, name):
    found = interpret(finished(operations)).value
    assert found == Unknown(name or "argparse.Namespace")


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        (b"I1\n", "uses the operation INT"),
        (plain([]) + b"}b", "sets attributes of an object"),
        (b"}" + b"()" + b"t" + plain(1) + b"s", "a key of the type tuple"),
        (plain("x") + b"Q", "not a plain storage"),
        (plain(1) + b")R", "makes an object in an unknown way"),
    ],
)
def test_what_is_neither_plain_nor_a_tensor_is_refused(operations, words):
    with pytest.raises(NotPlainError, match=words):
        interpret(finished(operations))


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x02", finished(b"\x86"), finished(plain(1) + plain(2)), finished(b"h\x07")]
)
def test_a_damaged_pickle_is_an_error_of_python(data):
    with pytest.raises((ValueError, IndexError, KeyError)):
        interpret(data)


def test_what_python_2_wrote_is_read():
    assert interpret(finished(b"U\x02ab")).value == "ab"
    assert interpret(finished(b"T\x02\0\0\0ab")).value == "ab"
    pairs = plain([["a", 1], ["b", 2]])
    assert interpret(finished(called("collections OrderedDict", pairs))).value == {"a": 1, "b": 2}
    for wrong in ([[[], 1]], [["a"]], [["a", 1, 2]], ["ab"]):
        with pytest.raises(NotPlainError):
            interpret(finished(called("collections OrderedDict", plain(wrong))))
