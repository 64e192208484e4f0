"""jaxcodec info: what a file says about itself."""

import argparse
import json
import os
import pathlib
from typing import Any

from jaxcodec.artefact import bundled, codec_file, lookup
from jaxcodec.cli import arguments, console
from jaxcodec.coding.container import MAGIC
from jaxcodec.errors import BitstreamError, CodecFileError
from jaxcodec.files import read_bytes

_SHORT, _LONG = 64, 300  # bytes of a tag that are shown, and characters of a text


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What `info` takes."""
    command.add_argument(
        "input",
        type=arguments.name,
        metavar="FILE",
        help="a .jxc or .codec file, the name of a bundled codec, or - for standard input",
    )
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print what the file holds, without running a network."""
    fields = _fields(options.input)
    if options.json:
        console.say(json.dumps(fields))
        return 0
    width = max(map(len, fields))
    for name, value in fields.items():
        console.say(f"{name:<{width}}  {_as_text(value)}")
    return 0


def _fields(name: str) -> dict[str, Any]:
    if name == console.STANDARD:
        return _picture_fields(console.read_input(), "standard input")
    path = pathlib.Path(name)
    if not os.path.lexists(path) and os.path.lexists(bundled.find(name)):
        return _codec_fields(bundled.find(name))
    if _begins(path) != MAGIC and (path.suffix.lower() == codec_file.SUFFIX or _is_codec(path)):
        return _codec_fields(path)
    return _picture_fields(read_bytes(path, BitstreamError), name)


def _begins(path: pathlib.Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC))
    except OSError as problem:
        raise BitstreamError(f"cannot read {path}: {problem.strerror}") from problem


def _is_codec(path: pathlib.Path) -> bool:
    try:
        codec_file.read_metadata(path)
    except CodecFileError:
        return False
    return True


def _picture_fields(data: bytes, name: str) -> dict[str, Any]:
    from jaxcodec.coding import container, sections

    try:
        header, _, side = container.read(data)
        described = sections.describe(side) | _metadata(sections.unpack(side))
    except BitstreamError as problem:
        raise type(problem)(f"{name}: {problem}") from problem
    codec = lookup.search(header.codec_id).path
    return {
        "bytes": len(data),
        "bpp": len(data) * 8 / (header.width * header.height),
        "codec": None if codec is None else bundled.name_of(codec),
        **header.as_dict(),
        **described,
    }


def _metadata(unpacked: dict[str, Any]) -> dict[str, Any]:
    """The EXIF tags by their names and the XMP packet of a picture, those that it has."""
    fields = {}
    if "exif" in unpacked:
        fields["exif"] = _tags(unpacked["exif"])
    if "xmp" in unpacked:
        fields["xmp"] = unpacked["xmp"].decode("utf-8", "replace")
    return fields


def _tags(block: bytes) -> dict[str, str]:
    """EXIF tags by name, as text.

    Those without a name, and long ones of bytes, such as a maker's note, are left out.
    """
    from PIL import ExifTags, Image

    tags = Image.Exif()
    tags.load(b"Exif\0\0" + block)
    by_name = {ExifTags.TAGS.get(tag): value for tag, value in tags.items()}
    by_name |= {
        ExifTags.TAGS.get(tag): value for tag, value in tags.get_ifd(ExifTags.IFD.Exif).items()
    }
    by_name |= {
        ExifTags.GPSTAGS.get(tag): value
        for tag, value in tags.get_ifd(ExifTags.IFD.GPSInfo).items()
    }
    pointers = {"ExifOffset", "GPSInfo", "ExifInteroperabilityOffset"}
    texts = {
        tag: _tag_as_text(value)
        for tag, value in by_name.items()
        if tag is not None and tag not in pointers
    }
    return {tag: text for tag, text in texts.items() if text}


def _tag_as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return (
            value.decode("ascii").strip(" \0") if len(value) <= _SHORT and value.isascii() else ""
        )
    if isinstance(value, tuple):
        return " ".join(map(_tag_as_text, value))
    return str(value).strip(" \0")


def _codec_fields(path: pathlib.Path) -> dict[str, Any]:
    metadata = codec_file.read_metadata(path)
    names = ("name", "id", "format", "summary", "bpp_range", "precision", "model")
    return {"bytes": path.stat().st_size, **{name: metadata[name] for name in names}}


def _as_text(value: Any) -> str:
    if isinstance(value, str) and len(value) > _LONG:
        return f"{' '.join(value[:_LONG].split())} ... ({len(value):,} characters)"
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict) and any(isinstance(part, dict) for part in value.values()):
        return json.dumps(value)
    if isinstance(value, dict):
        return ", ".join(f"{part} {_as_text(size)}" for part, size in value.items()) or "none"
    if isinstance(value, list):
        return " ".join(map(_as_text, value))
    return str(value)
