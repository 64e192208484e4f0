"""From a training folder to a codec file."""

import pathlib
from collections.abc import Sequence

import numpy as np

from jaxcodec import extensions, models
from jaxcodec.artefact import codec_file
from jaxcodec.artefact.calibration import PICTURES
from jaxcodec.artefact.export import export_codec
from jaxcodec.data.source import open_folder
from jaxcodec.errors import DataError, TrainingError
from jaxcodec.files import local_folder
from jaxcodec.training import config as run_config
from jaxcodec.training.checkpoints import restore_exported
from jaxcodec.training.reporting import read_metrics
from jaxcodec.training.settings import Config


def export(
    workdir: str | pathlib.Path,
    path: str | pathlib.Path,
    images: str | pathlib.Path | None = None,
    *,
    overwrite: bool = True,
    allow: Sequence[str] = (),
    tables: str = "fitted",
) -> codec_file.CodecContent:
    """Writes the newest sound checkpoint of `workdir` as the codec file `path`.

    Returns what it holds. The averaged parameters are taken where the run keeps an average. The
    range of rates that the codec claims is that of the last validation before the checkpoint.
    Integer networks are calibrated on a few pictures, evenly spread over those that the run trained
    on, or over the folder `images`. `allow`: modules from outside the package that the run may
    name, see `jaxcodec.extensions`. `tables`: see `export_codec`.

    Raises:
      ExtensionError: the run names code that was not allowed or cannot be imported.
      TrainingError: the folder holds no run, no finished checkpoint that is sound, or no validation
        yet; or the pictures that it trained on are gone, and no others are given.
      CodecFileError: a weight is not finite, or the file cannot be written, or is there already and
        `overwrite` is False.
    """
    workdir = local_folder(workdir, TrainingError)
    config = run_config.load(workdir)
    step, params = restore_exported(workdir, averaged=config.average_decay > 0)
    extensions.allow_imports(*allow)
    calibrated = models.build(config.model.to_dict()).has_integer_networks
    content = export_codec(
        config.model.to_dict(),
        params,
        name=config.name or "unnamed",
        bpp_range=_bpp_range(workdir, step, config.validation_qualities),
        pictures=_pictures(config, workdir, images) if calibrated else (),
        tables=tables,
        summary=_summary(config, step),
    )
    codec_file.save(path, content, overwrite=overwrite)
    return content


def _summary(config: Config, step: int) -> str:
    """What was trained, for how long, from what, and for what if not the squared error."""
    start, loss = config.start.codec, config.objective.distortion
    begun = f" from {pathlib.Path(start).name}" if start else ""
    aim = f", for {loss}" if loss != "mse" else ""
    return f"{config.model.entropy} model, {step} training steps{begun}{aim}"


def _pictures(
    config: Config,
    workdir: pathlib.Path,
    images: str | pathlib.Path | None,
) -> list[np.ndarray]:
    """Up to PICTURES pictures, evenly spread over those that were trained on, or over a folder."""
    folders = run_config.folders(config) if images is None else [images]
    held_out = config.data.validation_images if images is None else 0
    try:
        folder = open_folder(
            folders,
            validation_images=held_out,
            cache_gib=0,
            decode_all=False,
            seed=config.seed,
            leave_out=workdir,
            held_out=run_config.held_out(config) if images is None else (),
        )
    except DataError as problem:
        raise TrainingError(
            f"exporting takes some of the pictures that were trained on: {problem}; or give others "
            "by --images DIR"
        ) from problem
    chosen = (
        np.linspace(0, len(folder.train) - 1, min(PICTURES, len(folder.train))).round().astype(int)
    )
    return [folder.read(folder.train[number]) for number in chosen]


def _bpp_range(workdir: pathlib.Path, step: int, qualities: Sequence[float]) -> tuple[float, float]:
    """Mean rates (bpp) of the lowest and highest quality in the last validation up to `step`."""
    rates = {
        row["part"]: row["bpp"]
        for row in read_metrics(workdir)
        if row["part"].startswith("validation/") and row["step"] <= step and "bpp" in row
    }
    try:
        return tuple(
            rates[f"validation/quality_{quality:g}"] for quality in (min(qualities), max(qualities))
        )
    except KeyError as missing:
        raise TrainingError(
            f"{workdir} holds no validation up to step {step}, whose rates a codec file states; "
            "train until the next "
            f"one (config.validate_every), with config.data.validation_images above 0"
        ) from missing
