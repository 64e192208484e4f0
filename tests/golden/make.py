"""Makes the golden files: small codecs, files that they wrote with each coder, and the picture that
each shows.

Each codec writes at its own quantiser step, and at another (`KIND_stepped`); with all that a file
can carry, RGBA with a profile, EXIF, XMP and a resolution, (`KIND_described`), or grey without. The
names begin with the version of the format.

    PYTHONPATH=.:tests python tests/golden/make.py [--keep-codecs] [KIND ...]

With names, only these kinds are made: so a new one leaves all others as they are.
Files without such a beginning are of version 3; nothing writes that any more, and they stay. So do
the codecs, with --keep-codecs; without it, what they wrote goes too. Files of a coder that is not
installed are left as they are.
"""

import lzma
import pathlib
import sys

import numpy as np
import small_codecs
from PIL import Image
from skimage import data

from jaxcodec.artefact import codec_file
from jaxcodec.codec import decode, load, pictures
from jaxcodec.codec.value import at_step
from jaxcodec.coding import coders, container
from jaxcodec.image import Picture

FOLDER = pathlib.Path(__file__).resolve().parent
FIELD = -1234
DESCRIBED = {
    "icc": bytes(range(256)),
    "exif": b"MM\0*\0\0\0\x08\0\1\1\x0f\0\2\0\0\0\4Jxc\0\0\0\0\0",
    "xmp": b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
    "dpi": (300.0, 72.009),
}
"""What the file with everything carries."""

KINDS = (
    "tiny",
    "one_quality",
    "scale",
    "factorized",
    "checkerboard",
    "autoregressive",
    "mixture",
    "four_step",
    "normalised",
)


def main() -> None:
    """Writes the files beside this script."""
    rgb = data.astronaut()[100:148, 200:260]
    rgba = np.concatenate([rgb, rgb[:, ::-1, 1:2]], axis=-1)
    for kind in [argument for argument in sys.argv[1:] if argument in KINDS] or KINDS:
        packed, path = FOLDER / f"{kind}.codec.xz", FOLDER / f"{kind}.codec"
        if "--keep-codecs" in sys.argv:
            path.write_bytes(lzma.decompress(packed.read_bytes()))
        else:
            codec_file.save(path, small_codecs.content(kind))
            packed.write_bytes(lzma.compress(path.read_bytes(), preset=9))
        codec = load(path)
        path.unlink()
        wanted = [(kind, Picture(rgb), 0), (f"{kind}_stepped", Picture(rgba), FIELD)]
        if kind == KINDS[0]:
            wanted += [
                (f"{kind}_described", Picture(rgba, **DESCRIBED), 0),
                (f"{kind}_grey", Picture(rgb[..., :1]), 0),
            ]
        for name, picture, step_index in wanted:
            for coder in ("lanes",) if codec.order.sequential else coders.installed():
                compressed = encode(codec, picture, step_index, coder)
                (FOLDER / f"v{container.VERSION}_{name}_{coder}.jxc").write_bytes(compressed)
            shown = decode(codec, compressed)
            Image.fromarray(shown.squeeze()).save(FOLDER / f"v{container.VERSION}_{name}.png")


def encode(codec, picture: Picture, step_index: int, coder: str) -> bytes:
    """The file of a picture at the step of an index."""
    quality = 51.75 if codec.variable else None
    return pictures.encode(at_step(codec, step_index), picture, quality=quality, coder=coder)


if __name__ == "__main__":
    main()
