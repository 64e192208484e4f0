"""From a training folder to a codec file."""

import json
import pathlib

from jaxcodec import codec_file
from jaxcodec.errors import TrainingError
from jaxcodec.export import export_codec
from jaxcodec.training import config as run_config
from jaxcodec.training.checkpoints import restore_exported
from jaxcodec.training.reporting import METRICS_FILE


def export(workdir: str | pathlib.Path, path: str | pathlib.Path) -> codec_file.CodecContent:
    """Writes the newest checkpoint of `workdir` as the codec file `path`, and returns what it holds.

    The averaged parameters are taken where the run keeps an average. The range of rates that the codec claims is that
    of the last validation before the checkpoint.

    Raises:
      TrainingError: the folder holds no run, no finished checkpoint, or no validation yet.
      CodecFileError: a weight is not finite, or the file cannot be written.
    """
    workdir = pathlib.Path(workdir)
    config = run_config.load(workdir)
    step, params = restore_exported(workdir, averaged=config.average_decay > 0)
    content = export_codec(
        config.model.to_dict(),
        params,
        name=config.name or "unnamed",
        bpp_range=_bpp_range(workdir, step, config.validation_qualities),
        summary=f"{config.model.entropy} model, {step} training steps",
    )
    codec_file.save(path, content)
    return content


def _bpp_range(workdir: pathlib.Path, step: int, qualities) -> tuple[float, float]:
    """Mean validation rates (bpp) of the lowest and highest quality, from the last validation up to `step`."""
    rates: dict[str, float] = {}
    path = workdir / METRICS_FILE
    for line in path.read_text().splitlines() if path.exists() else ():
        row = json.loads(line)
        if row["part"].startswith("validation/") and row["step"] <= step:
            rates[row["part"]] = row["bpp"]
    try:
        return tuple(rates[f"validation/quality_{quality:g}"] for quality in (min(qualities), max(qualities)))
    except KeyError as missing:
        raise TrainingError(
            f"{workdir} holds no validation up to step {step}, whose rates a codec file states; train until the next "
            f"one (config.validate_every), with config.data.validation_images above 0"
        ) from missing
