"""Makes the golden files: small codecs, files that they wrote with each coder, and the picture that each shows.

Each codec writes at its own quantiser step, and at another (`KIND_stepped`).

    PYTHONPATH=.:tests python tests/golden/make.py [--keep-codecs]

Run it only when a format changes on purpose. Files of a coder that is not installed are left as they are; with
--keep-codecs, in an environment that has it, they are written with the codecs that are there.
"""

import lzma
import pathlib
import sys

import numpy as np
import small_codecs
from PIL import Image
from skimage import data

from jaxcodec import codec_file
from jaxcodec.codec import decode, load, pictures
from jaxcodec.codec.symbols import rounded
from jaxcodec.codec.value import at_step
from jaxcodec.coding import coders
from jaxcodec.image import Picture

FOLDER = pathlib.Path(__file__).resolve().parent
FIELD = -1234
KINDS = ("tiny", "one_quality", "scale", "factorized", "checkerboard", "autoregressive", "mixture")


def main() -> None:
    """Writes the files beside this script."""
    pixels = data.astronaut()[100:148, 200:260]
    pixels = np.concatenate([pixels, pixels[:, ::-1, 1:2]], axis=-1)
    for kind in KINDS:
        packed, path = FOLDER / f"{kind}.codec.xz", FOLDER / f"{kind}.codec"
        if "--keep-codecs" in sys.argv:
            path.write_bytes(lzma.decompress(packed.read_bytes()))
        else:
            codec_file.save(path, small_codecs.content(kind))
            packed.write_bytes(lzma.compress(path.read_bytes(), preset=9))
        codec = load(path)
        path.unlink()
        for name, field in ((kind, 0), (f"{kind}_stepped", FIELD)):
            for coder in ("lanes",) if codec.kind.sequential else coders.installed():
                compressed = encode(codec, pixels, field, coder)
                (FOLDER / f"{name}_{coder}.jxc").write_bytes(compressed)
            Image.fromarray(decode(codec, compressed)).save(FOLDER / f"{name}.png")


def encode(codec, pixels: np.ndarray, field: int, coder: str) -> bytes:
    """The file of a picture at the step of a field."""
    source = pictures.prepare(codec, Picture(pixels), coder)
    hundredths = 5175 if codec.variable else None
    analysis, stepped = pictures.analyse(codec, source, hundredths), at_step(codec, field)
    return pictures.write(stepped, source, hundredths, field, rounded(stepped, analysis), analysis.side).data


if __name__ == "__main__":
    main()
