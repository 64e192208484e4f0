"""Makes the golden files: small codecs, files that they wrote with each coder, and the picture that each shows.

    PYTHONPATH=.:tests python tests/golden/make.py

Run it only when a format changes on purpose. The coder "tfc" is left as it is where it is not installed.
"""

import lzma
import pathlib

import numpy as np
import small_codecs
from PIL import Image
from skimage import data

from jaxcodec import codec_file
from jaxcodec.codec import decode, encode
from jaxcodec.coding import coders

FOLDER = pathlib.Path(__file__).resolve().parent
KINDS = ("tiny", "one_quality", "scale", "factorized", "checkerboard", "autoregressive")


def main() -> None:
    """Writes the files beside this script."""
    pixels = data.astronaut()[100:148, 200:260]
    pixels = np.concatenate([pixels, pixels[:, ::-1, 1:2]], axis=-1)
    for kind in KINDS:
        codec, content = small_codecs.build(kind), small_codecs.content(kind)
        path = FOLDER / f"{kind}.codec"
        codec_file.save(path, content)
        (FOLDER / f"{kind}.codec.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
        path.unlink()
        for coder in ("lanes",) if codec.kind.sequential else coders.installed():
            quality = {"quality": 51.75} if codec.variable else {}
            compressed = encode(codec, pixels, coder=coder, **quality)
            (FOLDER / f"{kind}_{coder}.jxc").write_bytes(compressed)
        Image.fromarray(decode(codec, compressed)).save(FOLDER / f"{kind}.png")


if __name__ == "__main__":
    main()
