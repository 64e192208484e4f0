"""Whether the files of a checkpoint are still those that were written."""

import json
import pathlib
import zlib

from jaxcodec.files import write_atomic

SEAL_FILE = "jaxcodec_seal.json"
_PARTS = ("state", "host")


def seal(folder: pathlib.Path) -> None:
    """Keeps size and CRC-32 of every file of a checkpoint in its folder, if there is no seal."""
    if not (folder / SEAL_FILE).exists():
        write_atomic(folder / SEAL_FILE, json.dumps(_measure(folder), indent=0).encode())


def damage(folder: pathlib.Path) -> str | None:
    """What is wrong with a checkpoint by its seal, for people; None if nothing, or without one."""
    try:
        expected = json.loads((folder / SEAL_FILE).read_bytes())
        measured = _measure(folder)
        for name in sorted(expected.keys() | measured.keys()):
            if name not in measured:
                return f"{name} is missing"
            if expected.get(name) != measured[name]:
                return f"{name} is not what was written"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as problem:
        return f"it cannot be read: {problem}"
    return None


def _measure(folder: pathlib.Path) -> dict[str, list[int]]:
    """{path: [bytes, CRC-32]} of the files of a checkpoint's parts."""
    files = {}
    for path in sorted(
        path for part in _PARTS for path in (folder / part).rglob("*") if path.is_file()
    ):
        checksum, size = 0, 0
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                checksum, size = zlib.crc32(block, checksum), size + len(block)
        files[path.relative_to(folder).as_posix()] = [size, checksum]
    return files
