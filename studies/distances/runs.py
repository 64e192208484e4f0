"""Codecs that the studies train: runs that go on where they were stopped, and what they do."""

import argparse
import io
import json
import pathlib
from collections.abc import Mapping

import numpy as np

import jaxcodec
from jaxcodec import distortions
from jaxcodec.evaluation import measure
from jaxcodec.files import write_atomic
from jaxcodec.training.run_export import export
from jaxcodec.training.train_loop import train


def parser(text: str) -> argparse.ArgumentParser:
    """What the command lines of these studies share; text: of the module."""
    found = argparse.ArgumentParser(description=text.split("\n\n")[0])
    found.add_argument("--out", type=pathlib.Path, required=True)
    found.add_argument("--data", required=True, help="folders of training pictures")
    found.add_argument("--test", required=True, help="folder of test pictures")
    return found


def trained(config, workdir: pathlib.Path) -> pathlib.Path:
    """The exported codec of a run, trained as far as it is not."""
    path = workdir / "exported.codec"
    if not path.exists():
        print(workdir.name, flush=True)
        if not train(config, workdir):
            raise SystemExit(f"{workdir} was stopped; the same command goes on")
        export(workdir, path)
    return path


def coded(codec, pixels: np.ndarray, quality: float | None = None) -> tuple[float, np.ndarray]:
    """Bits per pixel of a picture's plain file, and what it decodes to."""
    data = jaxcodec.encode(codec, pixels, quality=quality, effort=0)
    bpp = 8 * len(data) / (pixels.shape[0] * pixels.shape[1])
    return bpp, jaxcodec.decode(codec, data)


def keep(path: pathlib.Path, value: object) -> None:
    """Writes a file of JSON, so that it is there as a whole or not at all."""
    write_atomic(path, json.dumps(value).encode())


def keep_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """The same of arrays, as .npz."""
    held = io.BytesIO()
    np.savez(held, **arrays)
    write_atomic(path, held.getbuffer())


def photos(folder: str, take: int | None = None) -> list[measure.Photo]:
    """The pictures of a folder, or some at even distances."""
    found = measure.load_photos(folder)[0]
    return found[:: max(1, len(found) // take)][:take] if take else found


def distance(name: str, a: np.ndarray, b: np.ndarray) -> float:
    """That of two pictures, which falls as they come closer: 1 - SSIM for "ssim", say."""
    return float(distortions.get(name)(a, b))
