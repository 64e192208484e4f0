"""Where a run's metrics go: a progress line, JSON lines, TensorBoard event files, pictures."""

import contextlib
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging
from PIL import Image
from tensorboardX import SummaryWriter

from jaxcodec.errors import TrainingError
from jaxcodec.files import read_bytes, write_atomic

METRICS_FILE = "metrics.jsonl"


def read_metrics(workdir: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics, each with step and part; none if there is no file.

    Lines that are no metrics, such as the half of one that a kill or a full disk leaves, are left
    out with a warning.
    """
    path = workdir / METRICS_FILE
    if not path.exists():
        return []
    lines = read_bytes(path, TrainingError).decode(errors="replace").splitlines()
    rows = [row for row in map(_parse, lines) if row is not None]
    if len(rows) < len(lines):
        logging.warning(
            "left out %d of the %d lines of %s, which are no metrics",
            len(lines) - len(rows),
            len(lines),
            path,
        )
    return rows


def _parse(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
        return row if isinstance(row["step"], int) and isinstance(row["part"], str) else None
    except (ValueError, TypeError, KeyError):
        return None


class Reporter:
    """Writes metrics.jsonl, tensorboard/ and pictures/ in the folder of a run.

    Lines that a killed run wrote past the checkpoint it resumes from (`start_step`) are dropped, so
    that the file reads as that of an uninterrupted run. Only the first process of a run should make
    one, just before its first step: the time left is counted from there.

    All raise TrainingError where a file cannot be written.
    """

    def __init__(self, workdir: pathlib.Path, start_step: int, total_steps: int):
        self._path = workdir / METRICS_FILE
        self._pictures = workdir / "pictures"
        self._total = total_steps
        self._started, self._first = time.monotonic(), start_step
        if self._path.exists():
            kept = [
                json.dumps(row) + "\n" for row in read_metrics(workdir) if row["step"] <= start_step
            ]
            write_atomic(self._path, "".join(kept).encode(), TrainingError)
        with _writing(workdir / "tensorboard"):
            self._board = SummaryWriter(str(workdir / "tensorboard"), purge_step=start_step + 1)

    def scalars(self, step: int, part: str, values: dict[str, float]) -> None:
        """Appends metrics of `part` ("train" or "validation/...") at `step`."""
        with _writing(self._path), self._path.open("a") as file:
            file.write(json.dumps({"step": step, "part": part, **values}) + "\n")
        for name, value in values.items():
            self._board.add_scalar(f"{part}/{name}", value, step)

    def progress(self, step: int, values: dict[str, float], images: int) -> None:
        """Logs a line with loss, bpp, PSNR, images per second and time left.

        images: the global batch size.
        """
        elapsed = max(time.monotonic() - self._started, 1e-9)
        steps_per_second = (step - self._first) / elapsed
        left = int((self._total - step) / max(steps_per_second, 1e-9))
        logging.info(
            "step %d/%d  loss %.4f  bpp %.4f  psnr %.2f dB  %.1f images/s  %d:%02d:%02d left",
            step,
            self._total,
            values["loss"],
            values["bpp"],
            values["psnr_db"],
            steps_per_second * images,
            left // 3600,
            left // 60 % 60,
            left % 60,
        )

    @contextlib.contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is done meanwhile does not count for the speed and the time left."""
        start_time = time.monotonic()
        try:
            yield
        finally:
            self._started += time.monotonic() - start_time

    def picture(self, step: int, name: str, rows: list[np.ndarray]) -> None:
        """Writes a grid of pictures; each of `rows` is uint8 (B, H, W, 3), a row of B pictures."""
        grid = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
        with _writing(self._pictures):
            self._pictures.mkdir(exist_ok=True)
            Image.fromarray(grid).save(self._pictures / f"{name}_{step:07d}.png")
        self._board.add_image(name, grid, step, dataformats="HWC")

    def close(self) -> None:
        """Flushes the event files."""
        self._board.close()


@contextlib.contextmanager
def _writing(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise TrainingError(
            f"cannot write {path}: {problem.strerror or problem}; make room or give it leave to "
            "write, and the same "
            "command goes on from the newest checkpoint"
        ) from problem
