"""The notebook of distances runs as it stands, on two small pictures."""

import json
import pathlib

import matplotlib
import numpy as np
import pytest

NOTEBOOK = pathlib.Path(__file__).resolve().parents[2] / "examples" / "distances.ipynb"


def test_the_notebook_runs():
    pytest.importorskip("skimage", reason="the notebook takes pictures of scikit-image")
    matplotlib.use("Agg")
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    seen: dict = {}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "outputs are not kept"
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), seen)
    assert seen["pictures"].shape == (2, 192, 192, 3)
    assert all(np.all(each > 0) for each in seen["found"].values())
    # What its text says of the toy: weighed by p, latents are finer where samples are likely.
    assert seen["correlations"]["inner"].low > 0.8
    assert seen["correlations"]["own"].high < -0.3
