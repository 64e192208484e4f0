"""Where a run's metrics go: a progress line, JSON lines, TensorBoard event files, pictures."""

import json
import pathlib
import time

import numpy as np
from absl import logging
from PIL import Image
from tensorboardX import SummaryWriter

from jaxcodec.files import write_atomic

METRICS_FILE = "metrics.jsonl"


class Reporter:
    """Writes metrics of a run to `workdir/metrics.jsonl`, `workdir/tensorboard` and `workdir/pictures`.

    Lines that a killed run wrote past the checkpoint it resumes from (`start_step`) are dropped, so that the file reads
    as that of an uninterrupted run. Only the first process of a run should make one.
    """

    def __init__(self, workdir: pathlib.Path, start_step: int, total_steps: int):
        self._path = workdir / METRICS_FILE
        self._pictures = workdir / "pictures"
        self._total = total_steps
        self._started, self._first = time.monotonic(), start_step
        if self._path.exists():
            lines = [json.loads(line) for line in self._path.read_text().splitlines() if line.endswith("}")]
            kept = "".join(json.dumps(line) + "\n" for line in lines if line["step"] <= start_step)
            write_atomic(self._path, kept.encode())
        self._board = SummaryWriter(str(workdir / "tensorboard"), purge_step=start_step + 1)

    def scalars(self, step: int, part: str, values: dict[str, float]) -> None:
        """Appends metrics of `part` ("train" or "validation/...") at `step`."""
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step, "part": part, **values}) + "\n")
        for name, value in values.items():
            self._board.add_scalar(f"{part}/{name}", value, step)

    def progress(self, step: int, values: dict[str, float], images: int) -> None:
        """Logs a line with loss, bpp, PSNR, images per second and time left; `images` is the global batch size."""
        elapsed = max(time.monotonic() - self._started, 1e-9)
        steps_per_second = (step - self._first) / elapsed
        left = int((self._total - step) / max(steps_per_second, 1e-9))
        logging.info(
            "step %d/%d  loss %.4f  bpp %.4f  psnr %.2f dB  %.1f images/s  %d:%02d:%02d left",
            step, self._total, values["loss"], values["bpp"], values["psnr_db"], steps_per_second * images,
            left // 3600, left // 60 % 60, left % 60,
        )  # fmt: skip

    def picture(self, step: int, name: str, rows: list[np.ndarray]) -> None:
        """Writes a grid of pictures; each of `rows` is uint8 (B, H, W, 3), one row of B pictures."""
        grid = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
        self._pictures.mkdir(exist_ok=True)
        Image.fromarray(grid).save(self._pictures / f"{name}_{step:07d}.png")
        self._board.add_image(name, grid, step, dataformats="HWC")

    def close(self) -> None:
        """Flushes the event files."""
        self._board.close()
