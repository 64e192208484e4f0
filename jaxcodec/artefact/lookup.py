"""The codec of a .jxc file, found by its id among the bundled ones and in the user's folders.

Only the heads of codec files are read, and no JAX is loaded.
"""

import os
import pathlib
import sys
from typing import NamedTuple

from jaxcodec import folders
from jaxcodec.artefact import bundled, codec_file
from jaxcodec.errors import CodecError, CodecFileError, DataError

VARIABLE = "JAXCODEC_CODECS"
"""Environment variable: the folders of the user's codecs, between them what PATH has."""

_DATA = {"darwin": "Library/Application Support", "win32": "AppData/Local"}
_ELSEWHERE = ".local/share"  # the XDG standard
_SHOWN = 2  # of what was passed over is named


class Search(NamedTuple):
    """What `search` found.

    Attributes:
      path: of the codec file; None where there is none.
      folders: those of the user that are searched, missing ones included.
      passed_over: files and folders before it that could not be read.
    """

    path: pathlib.Path | None
    folders: list[pathlib.Path]
    passed_over: list[pathlib.Path]


def user_folders() -> list[pathlib.Path]:
    """The folders of JAXCODEC_CODECS; without it, that of the user's data, if there is a home.

    That is jaxcodec/codecs in $XDG_DATA_HOME, else in ~/.local/share, in ~/Library/Application
    Support on macOS, in ~/AppData/Local on Windows.
    """
    named = [pathlib.Path(name) for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]
    if named:
        return named
    root = pathlib.Path(os.environ.get("XDG_DATA_HOME", ""))
    try:
        # The XDG standard has a relative path ignored.
        root = (
            root
            if root.is_absolute()
            else pathlib.Path.home() / _DATA.get(sys.platform, _ELSEWHERE)
        )
    except RuntimeError:  # no HOME, and a user that the system does not know
        return []
    return [root / "jaxcodec" / "codecs"] if root.is_absolute() else []


def search(codec_id: str) -> Search:
    """Look for the codec of that id (16 hexadecimal digits) by the heads of codec files.

    The bundled ones come first, then the user's folders in order, in each by name. The first is
    taken: an id stands for all that decides symbols and pixels, so another file decodes alike. Its
    content is not checked before it is loaded.
    """
    own, passed_over = user_folders(), list[pathlib.Path]()
    for folder in (bundled.FOLDER, *own):
        try:
            files = folders.scan(folder, {codec_file.SUFFIX}).files
        except DataError as problem:
            missing = isinstance(problem.__cause__, FileNotFoundError)
            if not missing or os.environ.get(VARIABLE):  # nobody has to have the folder of data
                passed_over.append(folder)
            continue
        for path in files:
            try:
                if codec_file.read_metadata(path).get("id") == codec_id:
                    return Search(path, own, passed_over)
            except (CodecError, OSError):  # damaged, no codec file, or of a newer jaxcodec
                passed_over.append(path)
    return Search(None, own, passed_over)


def find(codec_id: str) -> pathlib.Path:
    """The path of the codec file of that id, see `search`.

    Raises:
      CodecFileError: there is none. Files and folders that could not be read are named.
    """
    found = search(codec_id)
    if found.path is not None:
        return found.path
    where = " or ".join(map(str, found.folders))
    sentence = f"there is no codec {codec_id}, which wrote this file, among the bundled ones"
    remedy = f"give its .codec file (--codec, jaxcodec.load), or name its folder in {VARIABLE}"
    if where:
        sentence += f" or in {where}"
        remedy = f"put its .codec file into {found.folders[0]}, or give it (--codec, jaxcodec.load)"
    if found.passed_over:
        shown = list(map(str, found.passed_over[:_SHOWN]))
        more = len(found.passed_over) - _SHOWN
        sentence += ", where " + " and ".join(shown + [f"{more} more"] * (more > 0))
        sentence += " cannot be read (`jaxcodec info` tells why)"
    raise CodecFileError(f"{sentence}; {remedy}")
