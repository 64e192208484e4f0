"""Makes the golden files: a codec, a file that it wrote, and the picture. Run only when the format changes on purpose.

    PYTHONPATH=.:tests python tests/golden/make.py

Table indices come from a network in float32; the quality is chosen so that none is near a rounding boundary, and the
file decodes on every device.
"""

import gzip
import pathlib

import numpy as np
import small_codecs
from PIL import Image
from skimage import data

from jaxcodec import codec_file
from jaxcodec.codec import Codec, decode, encode
from jaxcodec.coding import container
from jaxcodec.image import pad_to_multiple
from jaxcodec.models import build

FOLDER = pathlib.Path(__file__).resolve().parent


def margin(codec: Codec, pixels: np.ndarray, quality: float) -> float:
    """The least distance of any table position from a boundary between two indices, in indices."""
    networks, point = codec.networks, np.array([quality / 100], np.float32)
    latent = networks.latent(codec.params, pad_to_multiple(pixels, networks.stride)[None], point)
    hyper = networks.hyper(codec.params, latent, point)
    model = build(small_codecs.DESCRIPTIONS["tiny"])
    _, scale = model.apply(codec.params, hyper.astype(np.float32), point, method="_entropy_parameters")
    position = np.log(np.clip(scale, 0.11, 256) / 0.11) / np.log(256 / 0.11) * 63
    return float(np.abs(position - np.floor(position) - 0.5).min())


def main() -> None:
    """Writes the files beside this script."""
    codec = small_codecs.build("tiny")
    pixels = data.astronaut()[100:148, 200:260]
    pixels = np.concatenate([pixels, pixels[:, ::-1, 1:2]], axis=-1)
    quality = max(np.arange(30, 60, 0.25), key=lambda quality: margin(codec, pixels[:, :, :3], quality))
    print(f"quality {quality}, margin {margin(codec, pixels[:, :, :3], quality):.4f}")
    codec_file.save(FOLDER / "tiny.codec", small_codecs.content("tiny"))
    (FOLDER / "tiny.codec.gz").write_bytes(gzip.compress((FOLDER / "tiny.codec").read_bytes(), mtime=0))
    (FOLDER / "tiny.codec").unlink()
    compressed = encode(codec, pixels, quality=quality)
    (FOLDER / "face.jxc").write_bytes(compressed)
    Image.fromarray(decode(codec, compressed)).save(FOLDER / "face.png")
    print(container.read_header(compressed))


if __name__ == "__main__":
    main()
