"""Makes the golden files of a bundled codec: files that it wrote, and the picture that each shows.

    PYTHONPATH=. python tests/golden/make_bundled.py NAME

For a codec that is new in the package, once; what is there is never made again. The names are
NAME_QUALITY_CODER.jxc, those of version 4 of the format with v4_ before. Those of version 3 were
made in the same way by the releases 0.3 and 0.4, with their default codec.
"""

import pathlib
import sys

import numpy as np
from PIL import Image
from skimage import data

import jaxcodec
from jaxcodec.coding import container

FOLDER = pathlib.Path(__file__).resolve().parent / "bundled"


def main(name: str) -> None:
    """Writes the files into the folder `bundled` beside this script."""
    codec = jaxcodec.load(name)
    rgb = data.astronaut()[100:148, 200:260]
    rgba = np.concatenate([rgb, rgb[:, ::-1, 1:2]], axis=-1)
    for label, pixels, quality in (
        ("20", rgb, 20),
        ("80_alpha", rgba, 80),
        ("50_grey", rgb[..., :1], 50),
    ):
        stem = f"v{container.VERSION}_{name}_{label}"
        for coder in ("lanes",) if codec.order.sequential else ("host", "lanes"):
            compressed = jaxcodec.encode(codec, pixels, quality=quality, effort=0, coder=coder)
            with open(FOLDER / f"{stem}_{coder}.jxc", "xb") as file:
                file.write(compressed)
        Image.fromarray(jaxcodec.decode(codec, compressed).squeeze()).save(FOLDER / f"{stem}.png")


if __name__ == "__main__":
    main(sys.argv[1])
