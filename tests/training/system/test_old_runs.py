"""Runs that version 0.5.0 began go on as they went on then."""

import json
import pathlib

import numpy as np
import old_runs
import pytest

from jaxcodec.training import train_loop
from jaxcodec.training.checkpoints import restore_exported

RELATIVE = 1e-3
"""Of metrics and of what moved in the steps since. On the machine that made them both are equal bit
for bit; XLA rounds differently on others.
"""


pytestmark = pytest.mark.long_but("target_rate")


@pytest.fixture(scope="module", params=sorted(old_runs.OBJECTIVES))
def resumed(request, tmp_path_factory) -> tuple[str, pathlib.Path]:
    """Name, and the folder of `unpack` whose run was finished by this version."""
    name, folder = request.param, tmp_path_factory.mktemp("old")
    old_runs.unpack(name, folder)
    old_runs.write_images(folder / "images")
    before = old_runs.newest_state(folder / "run")
    np.savez(folder / "before.npz", **before)
    config = old_runs.config_of(name, folder / "images", old_runs.END)
    assert train_loop.train(config, folder / "run")
    return name, folder


def test_the_state_is_that_of_the_old_version(resumed):
    _, folder = resumed
    expected, state = old_runs.end_state(folder / "end.npz"), old_runs.newest_state(folder / "run")
    assert set(state) == set(expected)
    with np.load(folder / "before.npz") as before:
        for path, leaf in state.items():
            moved = np.abs(expected[path] - before[path]).max(initial=0)
            assert leaf.shape == expected[path].shape
            np.testing.assert_allclose(
                leaf, expected[path], rtol=RELATIVE, atol=RELATIVE * moved, err_msg=path
            )
        assert not np.array_equal(
            before["params/params/analysis/Conv_0/kernel"],
            state["params/params/analysis/Conv_0/kernel"],
        )


def test_the_metrics_are_those_of_the_old_version(resumed):
    _, folder = resumed
    rows, expected = (
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in (folder / "run" / "metrics.jsonl", folder / "end.jsonl")
    )
    assert len(rows) == len(expected) == old_runs.END + 2 * 2
    for row, old in zip(rows, expected, strict=True):
        # Whether gradients were clipped was not told.
        assert row.keys() - {"clipped"} == old.keys() and row["part"] == old["part"]
        for name in old.keys() - {"part"}:
            assert row[name] == pytest.approx(old[name], rel=RELATIVE, abs=1e-4), name


def test_what_is_exported_is_the_average_of_the_codec(resumed):
    _, folder = resumed
    step, params = restore_exported(folder / "run", averaged=True)
    assert step == old_runs.END
    state = old_runs.newest_state(folder / "run")
    np.testing.assert_array_equal(
        params["params"]["analysis"]["Conv_0"]["kernel"],
        state["average/params/analysis/Conv_0/kernel"],
    )
