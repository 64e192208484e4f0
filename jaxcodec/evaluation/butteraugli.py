"""Butteraugli, by libjxl's own program: how visible a picture's differences are.

J. Alakuijala and others, Google, 2016; the version that tunes libjxl. No package of Python has it,
so that the program `butteraugli_main` is run, which Debian has in `libjxl-devtools`.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy as np
from PIL import Image

from jaxcodec.evaluation.coder import EvaluationError

PROGRAM = "butteraugli_main"
LEAST_SIDE = 8
"""Pixels a side of the smallest picture that has a distance."""


def missing() -> str | None:
    """Why it cannot be measured here, or None."""
    if shutil.which(PROGRAM):
        return None
    return (
        f"the metric butteraugli needs the program {PROGRAM} of libjxl; install it (Debian and "
        "Ubuntu have it in libjxl-devtools), or leave that metric out"
    )


def distance(original: np.ndarray, decoded: np.ndarray) -> float:
    """The 3-norm of the differences that the eye sees; 0 for equal pictures, lower is better.

    Both are uint8 in sRGB, (height, width, 3) of one shape.

    Raises:
      EvaluationError: the program is not there, or fails.
    """
    if (problem := missing()) is not None:
        raise EvaluationError(problem)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(pathlib.Path(folder) / name) for name in ("original.png", "decoded.png")]
        for path, pixels in zip(paths, (original, decoded), strict=True):
            Image.fromarray(np.ascontiguousarray(pixels)).save(path, compress_level=1)
        run = subprocess.run([PROGRAM, *paths], capture_output=True, text=True, check=False)
    found = re.search(r"3-norm:\s*([-+.\deE]+)", run.stdout)
    if run.returncode or not found:
        said = (run.stderr or run.stdout).strip().splitlines()
        raise EvaluationError(
            f"{PROGRAM} failed ({said[-1] if said else f'status {run.returncode}'}); leave the "
            "metric butteraugli out"
        )
    return float(found[1])
