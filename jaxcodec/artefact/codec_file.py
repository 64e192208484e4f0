"""The .codec file: everything that decoding needs, in one safetensors file.

No JAX, no pickle. See docs/format.md.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.numpy

from jaxcodec.coding.tables import Tables
from jaxcodec.errors import CodecFileError, VersionError
from jaxcodec.files import read_bytes, write_atomic

FORMAT = 3
"""Version of the codec file that is written; 2 is read as well."""

SUFFIX = ".codec"
_KEY = "jaxcodec"
_WEIGHTS = "weights/"
_TABLES = "tables/"
_INTEGER = "integer/"


@dataclasses.dataclass(frozen=True, eq=False)
class CodecContent:
    """What a codec file holds.

    Attributes:
      name: what the codec is called.
      summary: one line for people: what it was trained on, for what.
      model: the description that `jaxcodec.models.build` takes, as canonical JSON.
      bpp_range: the mean rates that its lowest and highest quality gave on photographs, in bpp.
      weights: the model's parameters by path, "analysis/Conv_0/kernel" say; kernels float16, the
        rest float32.
      tables: integer tables by name: "prior"; "conditional" for a model with a conditional
        latent, and "static" for a normalised one.
      spec: what the integer networks that choose the tables compute (`jaxcodec.integer`), as
        canonical JSON; "null" for a model without.
      integer: their arrays by name, all of integers.
      given_id: the id of a codec that was first written in format 2, which keeps it for good: .jxc
        files carry it. None for others, whose id follows from their content.
    """

    name: str
    summary: str
    model: str = dataclasses.field(repr=False)
    bpp_range: tuple[float, float]
    weights: dict[str, np.ndarray] = dataclasses.field(repr=False)
    tables: dict[str, Tables] = dataclasses.field(repr=False)
    spec: str = dataclasses.field(default="null", repr=False)
    integer: dict[str, np.ndarray] = dataclasses.field(default_factory=dict, repr=False)
    given_id: str | None = None

    @property
    def precision(self) -> int:
        """Bits of the tables."""
        return self.tables["prior"].precision

    def metadata(self) -> dict[str, Any]:
        """All that is not an array, as JSON values, but the id and the digest."""
        labels = {"name": self.name, "summary": self.summary, "bpp_range": list(self.bpp_range)}
        return {"format": FORMAT} | labels | self._model_metadata()

    def _model_metadata(self) -> dict[str, Any]:
        """What of the metadata decides symbols and pixels."""
        return {
            "model": json.loads(self.model),
            "precision": self.precision,
            "integer": json.loads(self.spec),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        """All arrays by the names that they have in the file."""
        tensors = {
            _WEIGHTS + path: np.ascontiguousarray(weight) for path, weight in self.weights.items()
        }
        tensors |= {
            _INTEGER + name: np.ascontiguousarray(array) for name, array in self.integer.items()
        }
        for name, tables in self.tables.items():
            tensors |= {f"{_TABLES}{name}/{part}": array for part, array in tables.arrays().items()}
        return tensors

    @property
    def id(self) -> str:
        """16 hexadecimal digits that identify everything that decides symbols and pixels.

        They are the first 8 bytes of the SHA-256 of the model, its tables and its integer networks.
        Labels do not count.
        """
        return self.given_id or content_digest(self._model_metadata(), self.tensors())[:16]


def canonical_json(value: Any) -> str:
    """JSON without freedom: sorted keys, no spaces.

    Raises TypeError for what is not a JSON value.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_digest(metadata: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    """The SHA-256 of metadata and arrays, in hexadecimal digits.

    It does not depend on the order in which a file holds them.
    """
    digest = hashlib.sha256(canonical_json(metadata).encode())
    for name in sorted(tensors):
        array = tensors[name]
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(canonical_json([name, array.dtype.name, array.shape]).encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def save(path: str | os.PathLike[str], content: CodecContent, *, overwrite: bool = True) -> None:
    """Write a codec file, whole or not at all; the same content gives the same bytes.

    Raises:
      CodecFileError: the file cannot be written, or is there already and `overwrite` is False.
    """
    tensors = content.tensors()
    metadata = content.metadata() | {"id": content.id, "id_is_given": bool(content.given_id)}
    metadata["digest"] = content_digest(metadata, tensors)
    write_atomic(
        path,
        # One key: safetensors keeps several in no fixed order.
        safetensors.numpy.save(tensors, {_KEY: canonical_json(metadata)}),
        CodecFileError,
        overwrite=overwrite,
    )


def read(path: str | os.PathLike[str]) -> CodecContent:
    """The content of a codec file, checked against its id.

    Raises:
      CodecFileError: missing, not a codec file, or damaged.
      VersionError: another version of jaxcodec wrote it.
    """
    metadata = read_metadata(path)
    try:
        tensors = safetensors.numpy.load(read_bytes(path, CodecFileError))
        _check_digest(path, metadata, tensors)
        content = CodecContent(
            name=metadata["name"],
            summary=metadata["summary"],
            model=canonical_json(metadata["model"]),
            bpp_range=tuple(metadata["bpp_range"]),
            weights=_with_prefix(tensors, _WEIGHTS),
            tables=_tables(tensors, metadata["precision"]),
            spec=canonical_json(metadata["integer"]),
            integer=_integers(tensors),
            given_id=metadata["id"] if metadata.get("id_is_given", True) else None,
        )
        if content.id != metadata["id"]:
            raise _damaged(path, metadata["id"], content.id)
        return content
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise _not_one(path, problem) from problem


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The metadata of a codec file and its id, from the file's first bytes.

    These are everything that is not an array. Nothing is checked; raises as `read`.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise CodecFileError(
            f"there is no codec file {path}; `jaxcodec codecs` lists those that come with the "
            "package"
        )
    try:
        opened = cast(Any, safetensors.safe_open(path, framework="numpy"))  # it has no types
        with opened as file:
            held: dict[str, str] = file.metadata() or {}
            metadata: dict[str, Any] = json.loads(held[_KEY])
        version = int(metadata["format"])
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError) as problem:
        raise _not_one(path, problem) from problem
    if not 2 <= version <= FORMAT:
        raise _other_version(path, version)
    return metadata


def _other_version(path: pathlib.Path, version: int) -> VersionError:
    if version > FORMAT:
        return VersionError(
            f"{path} has version {version} of the format and this jaxcodec knows up to {FORMAT}; "
            "update jaxcodec"
        )
    return VersionError(
        f"{path} has version {version} of the format, from before jaxcodec 0.2; export the "
        "training run anew"
    )


def _check_digest(
    path: str | os.PathLike[str], metadata: dict[str, Any], tensors: dict[str, np.ndarray]
) -> None:
    """Raises CodecFileError where content and digest disagree; format 2 has its id for a digest."""
    claim = "id" if metadata["format"] == 2 else "digest"
    claimed = metadata[claim]
    rest = {key: value for key, value in metadata.items() if key != claim}
    found = content_digest(rest, tensors)[: len(claimed)]
    if found != claimed:
        raise _damaged(path, claimed, found)


def _damaged(path: str | os.PathLike[str], claimed: str, found: str) -> CodecFileError:
    return CodecFileError(
        f"{path} is damaged: its checksum is {claimed[:16]}, its content has {found[:16]}; fetch "
        "it again"
    )


def _not_one(path: str | os.PathLike[str], problem: Exception) -> CodecFileError:
    reason = f"{type(problem).__name__}: {problem}"
    return CodecFileError(
        f"{path} is not a codec file, or is damaged ({reason}); fetch it again or export it anew"
    )


def _with_prefix(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        key.removeprefix(prefix): array for key, array in tensors.items() if key.startswith(prefix)
    }


def _integers(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    arrays = _with_prefix(tensors, _INTEGER)
    for name, array in arrays.items():
        if array.dtype.kind not in "iu":
            raise ValueError(f"{_INTEGER}{name} is of {array.dtype}, not of integers")
    return arrays


def _tables(tensors: dict[str, np.ndarray], precision: int) -> dict[str, Tables]:
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, array in _with_prefix(tensors, _TABLES).items():
        name, part = key.split("/")
        parts.setdefault(name, {})[part] = array
    return {name: Tables(**arrays, precision=precision) for name, arrays in parts.items()}
