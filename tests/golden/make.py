"""Makes the golden files: small codecs, files that they wrote with each coder, and the picture that each shows.

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
from jaxcodec.codec import decode, encode, load
from jaxcodec.coding import coders

FOLDER = pathlib.Path(__file__).resolve().parent
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
        for coder in ("lanes",) if codec.kind.sequential else coders.installed():
            quality = {"quality": 51.75} if codec.variable else {}
            compressed = encode(codec, pixels, coder=coder, **quality)
            (FOLDER / f"{kind}_{coder}.jxc").write_bytes(compressed)
        Image.fromarray(decode(codec, compressed)).save(FOLDER / f"{kind}.png")


if __name__ == "__main__":
    main()
