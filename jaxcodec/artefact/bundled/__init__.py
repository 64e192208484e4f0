"""The codecs that come with the package: the files NAME.codec in this folder.

A codec stays here for good, since .jxc files need the one that wrote them.
"""

import dataclasses
import os
import pathlib

from jaxcodec.artefact import codec_file

FOLDER = pathlib.Path(__file__).resolve().parent

ALIASES = {"default": "four-step-2026"}
"""Names that stand for another: the default codec is replaced here, and its file stays."""


@dataclasses.dataclass(frozen=True)
class CodecInfo:
    """What a codec file says about itself.

    Attributes:
      name: what `jaxcodec.load` takes.
      path: of the file.
      id: 16 hexadecimal digits, as .jxc files carry it.
      size_bytes: of the file.
      bpp_range: the mean rates of its lowest and highest quality on photographs, in bpp.
      description: one line.
      aliases: other names that `jaxcodec.load` takes for it: "default", of one of them.
    """

    name: str
    path: pathlib.Path
    id: str
    size_bytes: int
    bpp_range: tuple[float, float]
    description: str
    aliases: tuple[str, ...] = ()


def available() -> list[CodecInfo]:
    """The bundled codecs, sorted by name; reads the head of each file and needs no JAX."""
    return [_info(path) for path in sorted(FOLDER.glob(f"*{codec_file.SUFFIX}"))]


def find(name_or_path: str | os.PathLike[str]) -> pathlib.Path:
    """The path of the bundled codec of that name, or else `name_or_path` itself."""
    name = ALIASES.get(str(name_or_path), name_or_path)
    bundled = FOLDER / f"{name}{codec_file.SUFFIX}"
    return bundled if bundled.parent == FOLDER and bundled.is_file() else pathlib.Path(name_or_path)


def name_of(path: pathlib.Path) -> str:
    """What `jaxcodec.load` takes for that file: the name of a bundled codec, or else the path."""
    return path.stem if path.parent == FOLDER else str(path)


def _info(path: pathlib.Path) -> CodecInfo:
    metadata = codec_file.read_metadata(path)
    return CodecInfo(
        name=path.stem,
        path=path,
        id=metadata["id"],
        size_bytes=path.stat().st_size,
        bpp_range=tuple(metadata["bpp_range"]),
        description=metadata["summary"],
        aliases=tuple(alias for alias, name in ALIASES.items() if name == path.stem),
    )
