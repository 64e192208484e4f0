"""Folders of images: find the files, split off validation images, read and keep decoded pixels."""

import concurrent.futures
import dataclasses
import functools
import hashlib
import os
import pathlib
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from absl import logging
from PIL import Image

from jaxcodec import image
from jaxcodec.errors import DataError, ImageError
from jaxcodec.files import local_folder

SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".webp"])
"""Suffixes (lower case) by which `open_folder` knows training images."""


class DecodedCache:
    """Decoded images in memory, kept first come, first served until a number of bytes is reached.

    Training draws images at random, each as often as the others of its size, so that throwing one
    out for another gains nothing: what fits stays, the rest is decoded each time. Safe to share
    between threads; a copy sent to another process starts empty.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._images: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return DecodedCache, (self.limit_bytes,)

    def __len__(self) -> int:
        return len(self._images)

    def get(self, path: str) -> np.ndarray | None:
        """The pixels kept for `path`, or None."""
        return self._images.get(path)

    def offer(self, path: str, pixels: np.ndarray) -> None:
        """Keeps `pixels` for `path` if there is room for them."""
        with self._lock:
            if path not in self._images and self.used_bytes + pixels.nbytes <= self.limit_bytes:
                self._images[path] = pixels
                self.used_bytes += pixels.nbytes


@dataclasses.dataclass(frozen=True)
class ImageFolder:
    """Readable images, divided into a part to train on and a part to validate on.

    Attributes:
      train: paths of the training images, in sorted order.
      train_pixels: width times height of each training image.
      validation: paths of the held-out images; none of them is in `train`.
      skipped: paths of files that look like images by name but cannot be read.
      cache: decoded images, shared by everything that reads from this folder.
    """

    train: tuple[str, ...]
    train_pixels: tuple[int, ...]
    validation: tuple[str, ...]
    skipped: tuple[str, ...]
    cache: DecodedCache

    def read(self, path: str) -> np.ndarray:
        """Pixels of one image, read-only uint8 (height, width, 3) RGB, from memory where possible.

        Raises:
          DataError: the file was readable when the folder was opened and is no longer.
        """
        pixels = self.cache.get(path)
        if pixels is None:
            try:
                pixels = read_rgb(path)
            except ImageError as error:
                raise DataError(
                    f"{path} was found when the folder was opened but cannot be read now "
                    f"({error}); "
                    "restore the file, or remove it and start a new training run"
                ) from error
            self.cache.offer(path, pixels)
        return pixels


def read_rgb(path: str) -> np.ndarray:
    """Reads an image file as read-only uint8 (height, width, 3) RGB.

    Grey is repeated, alpha is dropped.

    Raises:
      ImageError: the file is not a readable image.
    """
    pixels = image.read(path).pixels
    height, width, _ = pixels.shape
    rgb = np.ascontiguousarray(np.broadcast_to(pixels[..., :3], (height, width, 3)))
    rgb.flags.writeable = False
    return rgb


def open_folder(
    folders: str | pathlib.Path | Sequence[str | pathlib.Path],
    *,
    validation_images: int = 0,
    cache_gib: float = 4.0,
    decode_all: bool = True,
    seed: int = 0,
    leave_out: str | os.PathLike[str] | None = None,
    held_out: Collection[str] = (),
) -> ImageFolder:
    """Finds the PNG, JPEG and WebP images in folders and below, and holds some out for validation.

    Files and folders below that cannot be read are named in a warning and left out, so are the
    folders of training runs, whose pictures are no photographs; hidden files are passed over. Every
    file is decoded once here, so that a damaged one is known now rather than hours into training;
    what fits into the cache stays there.

    The held-out images are those whose relative path, hashed together with `seed`, comes first: the
    choice does not depend on where the folder lies, and changes little when files are added.

    Args:
      folders: one folder or several; searched recursively, without following links to folders.
      validation_images: number of images to hold out.
      cache_gib: memory for decoded images, in GiB; 0 decodes an image each time it is drawn.
      decode_all: False reads only the headers here, which suits collections of a million files; a
        file damaged further on then stops training when it is drawn.
      seed: chooses which images are held out.
      leave_out: another folder that is not searched, where it lies below these: that of the run
        itself.
      held_out: paths, relative to their folder, of images that are in neither part.

    Raises:
      DataError: one of `held_out` is not there, a folder does not exist, no file is readable, or
        nothing would be left to train on.
    """
    names = _find([folders] if isinstance(folders, (str, pathlib.Path)) else folders, leave_out)
    if missing := sorted(set(held_out) - set(names.values())):
        raise DataError(
            f"{missing[0]}, which is to be held out, is in none of {folders}; give its path "
            "relative to its folder"
        )
    names = {path: name for path, name in names.items() if name not in held_out}
    cache = DecodedCache(int(cache_gib * 2**30))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        count = functools.partial(_count_pixels, cache=cache if decode_all else None)
        sizes = dict(zip(names, pool.map(count, names), strict=True))
    readable = {path: size for path, size in sizes.items() if size is not None}
    skipped = tuple(path for path in names if sizes[path] is None)
    if skipped:
        logging.warning(
            "skipped %d of %d image files, which cannot be read", len(skipped), len(names)
        )
    if not readable:
        raise DataError(
            f"no readable PNG, JPEG or WebP image in {folders}; name a folder that holds some"
        )
    if not 0 <= validation_images < len(readable):
        raise DataError(
            f"cannot hold out {validation_images} of the {len(readable)} readable images in "
            f"{folders}; "
            "choose fewer, so that at least one is left to train on"
        )
    validation = tuple(
        sorted(readable, key=lambda path: _hash(names[path], seed))[:validation_images]
    )
    held_out = set(validation)
    train = tuple(path for path in readable if path not in held_out)
    logging.info(
        "%d images to train on, %d held out, %d skipped", len(train), len(validation), len(skipped)
    )
    return ImageFolder(train, tuple(readable[path] for path in train), validation, skipped, cache)


def check_folders(folders: Sequence[str | os.PathLike[str]]) -> list[pathlib.Path]:
    """The folders as paths.

    Raises DataError for one that does not exist, is no folder or cannot be listed.
    """
    checked = []
    for name in folders:
        folder = local_folder(name, DataError)
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; name an existing folder of images")
        try:
            os.scandir(folder).close()
        except OSError as problem:
            raise DataError(
                f"cannot read the folder {folder}: {problem.strerror}; give leave to, or name "
                "another"
            ) from problem
        checked.append(folder)
    return checked


def _find(
    folders: Sequence[str | pathlib.Path], leave_out: str | os.PathLike[str] | None
) -> dict[str, str]:
    """Maps the path of every image file to its path relative to its folder, in sorted order."""
    found = {}
    for folder in check_folders(folders):
        for path in sorted(_files(folder, leave_out)):
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
                found.setdefault(str(path), path.relative_to(folder).as_posix())
    return found


def _files(
    folder: pathlib.Path, leave_out: str | os.PathLike[str] | None
) -> Iterator[pathlib.Path]:
    """The files of a folder and below, without those of training runs, which are logged."""

    def unreadable(problem: OSError) -> None:
        logging.warning("leaving out the folder %s: %s", problem.filename, problem.strerror)

    for root, below, names in os.walk(folder, onerror=unreadable):
        root = pathlib.Path(root)
        if _is_run(root) or (
            leave_out and pathlib.Path(leave_out).exists() and root.samefile(leave_out)
        ):
            logging.warning("leaving out the folder %s, whose pictures a training run made", root)
            below.clear()
        else:
            yield from (root / name for name in names)


def _is_run(folder: pathlib.Path) -> bool:
    """Whether a folder is the work folder of a training run."""
    return (folder / "config.json").is_file() and (folder / "checkpoints").is_dir()


def _count_pixels(path: str, cache: DecodedCache | None) -> int | None:
    """Width times height, or None if unreadable.

    Decodes the image for the cache, or without one its header only.
    """
    try:
        if cache is None:
            with Image.open(path) as header:
                return header.width * header.height
        pixels = read_rgb(path)
    except (ImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        logging.warning("skipping %s: %s", path, error)
        return None
    cache.offer(path, pixels)
    return pixels.shape[0] * pixels.shape[1]


def _hash(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{name}".encode(errors="surrogateescape")).digest()
