"""What commands for pictures share: image and .jxc files, reports on them, and their codecs."""

import argparse
import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import jaxcodec
from jaxcodec import image
from jaxcodec.artefact import bundled, codec_file, lookup
from jaxcodec.cli import console
from jaxcodec.cli.jobs import Result
from jaxcodec.cli.plan import Job, Kind
from jaxcodec.coding.container import MAGIC, read_header
from jaxcodec.errors import ImageError
from jaxcodec.files import read_bytes
from jaxcodec.image import Picture

if TYPE_CHECKING:  # they load JAX
    from jaxcodec.codec import Codec, Encoded

SUFFIX = ".jxc"
"""Suffix of a compressed picture."""


def is_compressed(path: pathlib.Path) -> bool:
    """Whether the file is one that encode may overwrite.

    That is a .jxc file by its first bytes, or an empty one.
    """
    try:
        with open(path, "rb") as file:
            begin = file.read(len(MAGIC))
    except OSError:
        return False
    return begin in (b"", MAGIC)


ENCODING = Kind(
    what="images",
    suffixes=image.READ_SUFFIXES,
    output="a .jxc file",
    suffix=SUFFIX,
    misnames=image.READ_SUFFIXES | {".codec"},
    replaceable=is_compressed,
)


def read(job: Job, options: argparse.Namespace) -> Picture:
    """The picture of a job without what is to be left out."""
    if job.source is None:
        source = console.read_input()
    else:
        source = (
            job.source if job.source.is_file() else read_bytes(job.source, ImageError)
        )  # a pipe
    picture = image.read(source, max_pixels=options.max_pixels, name=job.source_name)
    if options.strip:
        picture = dataclasses.replace(picture, exif=None, xmp=None, dpi=None)
    return dataclasses.replace(picture, icc=None) if options.no_icc else picture


def result(encoded: "Encoded", options: argparse.Namespace, notes: tuple[str, ...] = ()) -> Result:
    """The report of a compressed picture: its size, quality and step.

    It also says how much of the target it reached.
    """
    size = len(encoded.data)
    facts = {"bytes": size, "bpp": encoded.bpp, "quality": encoded.quality, "step": encoded.step}
    text = f"{size:,} bytes"
    if getattr(options, "max_bytes", None) is not None:
        text += f" ({100 * size / options.max_bytes:.1f} % of {options.max_bytes:,})"
    text += f", {encoded.bpp:.4f} bpp"
    if encoded.quality is not None:
        text += f", quality {encoded.quality:g}"
    if encoded.step != 1:
        text += f", quantiser step {encoded.step:.4g}"
    if encoded.reached is not None:
        name, template = (
            ("psnr_db", "PSNR {:.2f} dB")
            if options.psnr is not None
            else ("ms_ssim", "MS-SSIM {:.5f}")
        )
        facts[name] = encoded.reached
        text += ", " + template.format(encoded.reached)
    notes += encoded.notes
    if encoded.interrupted:
        notes += ("its refinement was interrupted",)
    return Result(facts, text, notes, encoded.interrupted)


def check_codec(options: argparse.Namespace) -> None:
    """That there is the codec that was named, from the head of its file; raises CodecFileError."""
    codec_file.read_metadata(bundled.find(options.codec))


def load_codec(options: argparse.Namespace) -> "Codec":
    """The codec that was named; raises CodecFileError. This is where JAX is imported."""
    return _load(options.codec, options)


def codec_finder(options: argparse.Namespace) -> Callable[[bytes], "Codec"]:
    """The function that gives the codec of the bytes of a .jxc file, and loads each codec once.

    That is the codec that was named, or, where none was, the one whose id the file carries; no JAX
    is imported before such a one is found. Raises as `load_codec`, and the function as
    `jaxcodec.codec_of`.
    """
    if options.codec is not None:
        codec = load_codec(options)
        return lambda data: codec
    by_id = functools.cache(lambda codec_id: _load(lookup.find(codec_id), options))
    return lambda data: by_id(read_header(data).codec_id)


def _load(name_or_path: str | os.PathLike[str], options: argparse.Namespace) -> "Codec":
    from jaxcodec.runtime import compile_cache

    if not options.no_compile_cache:
        compile_cache.enable()
    return jaxcodec.load(name_or_path, allow=options.allow_import)
