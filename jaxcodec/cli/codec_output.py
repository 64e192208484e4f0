"""The codec file that export and import write."""

import pathlib
from collections.abc import Collection

from jaxcodec.artefact import codec_file
from jaxcodec.cli.plan import Kind, check_output_file
from jaxcodec.errors import CodecFileError, VersionError
from jaxcodec.image import READ_SUFFIXES


def _is_codec(path: pathlib.Path) -> bool:
    """Whether the file is one that may be overwritten: a codec file of any version, or empty."""
    try:
        if path.stat().st_size:
            codec_file.read_metadata(path)
    except VersionError:
        return True
    except CodecFileError:
        return False
    return True


_CODEC = Kind(
    what="checkpoints",
    suffixes=(),
    output="a codec file",
    suffix=codec_file.SUFFIX,
    misnames=READ_SUFFIXES | {".jxc"},
    replaceable=_is_codec,
)


def check(path: pathlib.Path, inputs: Collection[pathlib.Path], force: bool) -> None:
    """That the codec file can be written, and may be, before the work; raises CodecError."""
    check_output_file(path, inputs, _CODEC, force)
