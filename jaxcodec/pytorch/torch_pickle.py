"""The pickle inside a PyTorch checkpoint, interpreted as data.

Nothing is imported, and nothing in it can be called.

Python's own unpickler runs the code that a file names. This one knows the few operations that
`torch.save` writes for dictionaries, lists, tuples, numbers, strings and tensors. Any other object,
the settings of a training script say, becomes `Unknown`, its name alone, whatever the file wants
done with it; other operations are refused with a sentence that names them. A tensor becomes a
`Tensor`, a description of where its values lie in a storage of the file.
"""

import dataclasses
import enum
import itertools
import pickletools
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np

STORAGE_TYPES = {
    "DoubleStorage": np.dtype("f8"),
    "FloatStorage": np.dtype("f4"),
    "HalfStorage": np.dtype("f2"),
    "BFloat16Storage": None,
    "LongStorage": np.dtype("i8"),
    "IntStorage": np.dtype("i4"),
    "ShortStorage": np.dtype("i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("u1"),
}
"""NumPy's type for each of PyTorch's storages; None for bfloat16, which NumPy has not."""


class NotPlainError(ValueError):
    """The pickle is sound, and holds what is neither a plain value nor a tensor."""


@dataclasses.dataclass(frozen=True, slots=True)
class StorageType:
    """A key of STORAGE_TYPES."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Storage:
    """A flat array of the file: its name there, element type and element count."""

    key: str
    type: StorageType
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage, in elements; nothing is checked yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Unknown:
    """A Python object by its name, "module.attribute".

    It also stands for everything that such an object would make or be changed to.
    """

    name: str


class _Constructor(enum.Enum):
    MAPPING = "collections OrderedDict"
    TENSOR = "torch._utils _rebuild_tensor_v2"
    PARAMETER = "torch._utils _rebuild_parameter"


_GLOBALS: dict[str, Any] = {constructor.value: constructor for constructor in _Constructor}
_GLOBALS |= {f"torch {name}": StorageType(name) for name in STORAGE_TYPES}

_MARK = object()
_LITERALS = {
    "BININT",
    "BININT1",
    "BININT2",
    "LONG1",
    "BINFLOAT",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINSTRING",  # of Python 2
    "SHORT_BINSTRING",
    "BINBYTES",
    "SHORT_BINBYTES",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME"}


class Interpreted(NamedTuple):
    """What a pickle holds: its value, and every storage that it refers to, by key."""

    value: Any
    storages: dict[str, Storage]


def interpret(file: BinaryIO) -> Interpreted:
    """What the pickle holds that starts where `file` stands, which is then left behind its end.

    Raises:
      NotPlainError: there is something in it that only PyTorch, or some program, could make sense
        of.
      ValueError, IndexError, KeyError, TypeError, AttributeError: it is no pickle, or a damaged
        one.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    storages: dict[str, Storage] = {}
    for opcode, argument, _ in pickletools.genops(file):
        name, argument = opcode.name, cast(Any, argument)
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "BINPERSID":
            storage = _storage(stack.pop())
            stack.append(
                storage
                if isinstance(storage, Unknown)
                else storages.setdefault(storage.key, storage)
            )
        elif name == "STOP":
            (value,) = stack
            return Interpreted(value, storages)
        elif name not in _IGNORED:
            _combine(name, argument, stack)
    raise ValueError("the pickle has no end")


def _combine(name: str, argument: Any, stack: list[Any]) -> None:
    """Does an operation that takes values from the stack."""
    match name:
        case "GLOBAL":
            stack.append(_global(argument))
        case "STACK_GLOBAL":
            stack.append(_global(" ".join(_pop(stack, 2))))
        case "TUPLE":
            stack.append(tuple(_pop_to_mark(stack)))
        case "TUPLE1" | "TUPLE2" | "TUPLE3":
            stack.append(tuple(_pop(stack, _TUPLES[name])))
        case "APPEND":
            _append(stack, _pop(stack, 1))
        case "APPENDS":
            _append(stack, _pop_to_mark(stack))
        case "SETITEM":
            _set_items(stack, _pop(stack, 2))
        case "SETITEMS":
            _set_items(stack, _pop_to_mark(stack))
        case "REDUCE":
            stack.append(_reduce(*_pop(stack, 2)))
        case "NEWOBJ":
            stack.append(_new(_pop(stack, 2)[0]))
        case "NEWOBJ_EX":
            stack.append(_new(_pop(stack, 3)[0]))
        case "EMPTY_SET":
            stack.append(Unknown("builtins.set"))
        case "FROZENSET":
            _pop_to_mark(stack)
            stack.append(Unknown("builtins.frozenset"))
        case "ADDITEMS":
            _pop_to_mark(stack)
            if not isinstance(stack[-1], Unknown):
                raise ValueError("the pickle adds to something that is not a set")
        case "BUILD":
            # State dictionaries carry the versions of their modules as an attribute, which nothing
            # here needs.
            stack.pop()
            if not isinstance(stack[-1], (dict, Unknown)):
                raise NotPlainError("it sets attributes of an object")
        case _:
            raise NotPlainError(f"its pickle uses the operation {name}")


def _pop(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count:
        raise ValueError("the pickle takes more values than it gives")
    taken = stack[-count:]
    del stack[-count:]
    return taken


def _pop_to_mark(stack: list[Any]) -> list[Any]:
    taken = list(itertools.takewhile(lambda value: value is not _MARK, reversed(stack)))[::-1]
    _pop(stack, len(taken) + 1)
    return taken


def _append(stack: list[Any], items: list[Any]) -> None:
    if not isinstance(stack[-1], Unknown):
        stack[-1].extend(items)


def _set_items(stack: list[Any], items: list[Any]) -> None:
    if isinstance(stack[-1], Unknown):
        return
    if not isinstance(stack[-1], dict):
        raise ValueError("the pickle sets the items of something that is not a dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # Only keys that hash at once: tuples within tuples can be made to take forever.
        if not isinstance(key, (str, int, float, bytes, Unknown)):
            raise NotPlainError(f"it has a dictionary with a key of the type {type(key).__name__}")
        stack[-1][key] = value


def _global(name: str) -> Any:
    return _GLOBALS.get(name, Unknown(name.replace(" ", ".", 1)[:200]))


def _new(kind: Any) -> Unknown:
    """An object of a class."""
    if not isinstance(kind, Unknown):
        raise NotPlainError("it makes an object in an unknown way")
    return kind


def _storage(identity: Any) -> Storage | Unknown:
    match identity:
        case ("storage", StorageType() as kind, str(key), str(), int(count)) | (
            "storage", StorageType() as kind, str(key), str(), int(count), None,
        ):  # fmt: skip
            return Storage(key, kind, count)
        case ("storage", Unknown() as kind, str(), *_):
            return kind
    raise NotPlainError("it refers to something beside it that is not a plain storage")


def _reduce(function: Any, arguments: Any) -> Any:
    match function, arguments:
        case Unknown(), _:
            return function
        case _Constructor.MAPPING, ():
            return {}
        case _Constructor.MAPPING, (list(pairs),) if all(
            isinstance(pair, list) and len(pair) == 2 for pair in pairs
        ):  # of Python 2
            made: list[Any] = [{}]
            _set_items(made, [item for pair in pairs for item in pair])
            return made[0]
        case _Constructor.TENSOR, (
            Storage() as storage,
            int(offset),
            tuple(shape),
            tuple(strides),
            *_,
        ):
            return Tensor(storage, offset, shape, strides)
        case _Constructor.PARAMETER, (Tensor() as tensor, *_):
            return tensor
        case _Constructor.TENSOR | _Constructor.PARAMETER, (Unknown() as inner, *_):
            return inner
    raise NotPlainError("it makes an object in an unknown way")
