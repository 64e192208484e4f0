"""From a checkpoint of another toolkit to a codec file."""

import dataclasses
import os

import numpy as np

from jaxcodec import codec, image
from jaxcodec.artefact import codec_file
from jaxcodec.artefact.calibration import PICTURES
from jaxcodec.artefact.export import export_codec
from jaxcodec.data.source import read_rgb
from jaxcodec.importing.compressai import import_checkpoint


def import_codec(
    checkpoint: str | os.PathLike[str],
    images: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    overwrite: bool = True,
) -> codec_file.CodecContent:
    """Write the model of a CompressAI checkpoint as a codec file; returns its content.

    Args:
      checkpoint: see `importing.compressai.import_checkpoint`.
      images: a folder of photographs, or one. A few of them, evenly spread over the names,
        calibrate the integer networks; the rate that the codec claims is the mean of their files.
      path: the codec file.
      name: what the codec is called; without it, CompressAI's name of the architecture.
      overwrite: whether a file at `path` may be replaced.

    Raises:
      CheckpointError: the checkpoint cannot be imported.
      DataError, ImageError: there are no images, or one of them cannot be read.
      CodecFileError: a weight is not finite, an image is too small to calibrate with, or the file
        cannot be written.
    """
    model = import_checkpoint(checkpoint)
    files = image.list_images(images)
    chosen = np.unique(np.linspace(0, len(files) - 1, PICTURES).round().astype(int))
    pictures = [read_rgb(files[number]) for number in chosen]
    content = export_codec(
        model.description,
        model.params,
        name=name or model.architecture,
        tables="gaussian",  # those that the model was trained with
        bpp_range=(1.0, 1.0),  # replaced below: files can be made only with a codec
        pictures=pictures,
        summary=f"CompressAI's {model.architecture}, imported",
    )
    exported = codec.create(content)
    bpp = np.mean(
        [8 * len(codec.encode(exported, pixels)) / pixels[..., 0].size for pixels in pictures]
    )
    content = dataclasses.replace(content, bpp_range=(float(bpp), float(bpp)))
    codec_file.save(path, content, overwrite=overwrite)
    return content
