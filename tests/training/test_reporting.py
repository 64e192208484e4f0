"""What a run writes down: resumed and damaged files, the time left, and files that cannot be
written.
"""

import json
import re

import numpy as np
import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training import reporting

VALUES = {"loss": 1.0, "bpp": 0.5, "psnr_db": 30.0}


def test_a_resumed_report_drops_what_came_after_the_checkpoint_and_half_a_line(tmp_path, caplog):
    reporter = reporting.Reporter(tmp_path, 0, 10)
    for step in range(1, 6):
        reporter.scalars(step, "train", {"loss": 1.0 / step})
    reporter.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "pa')  # a kill in the middle of a line
    resumed = reporting.Reporter(tmp_path, 3, 10)
    resumed.scalars(4, "train", {"loss": 0.5})
    resumed.close()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert (rows[2]["loss"], rows[3]["loss"]) == (1 / 3, 0.5)
    assert "left out 1 of the 6 lines of" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 3, "part": "train", "loss": 0.',
        "{}",
        "[]",
        "3",
        "null",
        '{"step": "3", "part": "train"}',
        "\x00\x00",
        "}",
    ],
)
def test_a_line_that_is_no_metrics_is_left_out(tmp_path, caplog, line):
    sound = [
        {"step": 1, "part": "train", "loss": 2.0},
        {"step": 2, "part": "validation/quality_0", "bpp": 0.5},
    ]
    (tmp_path / "metrics.jsonl").write_text(
        f"{json.dumps(sound[0])}\n{line}\n{json.dumps(sound[1])}\n"
    )
    assert reporting.read_metrics(tmp_path) == sound
    assert "left out 1 of the 3 lines" in caplog.text


def test_no_metrics_are_none(tmp_path, caplog):
    assert reporting.read_metrics(tmp_path) == []
    (tmp_path / "metrics.jsonl").write_bytes(b"\xff\xfe\xfd")
    assert reporting.read_metrics(tmp_path) == []
    assert not reporting.read_metrics(tmp_path / "absent")


def test_the_time_left_does_not_count_what_is_uncounted(tmp_path, monkeypatch, caplog):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    caplog.set_level("INFO")
    reporter = reporting.Reporter(tmp_path, 10, 30)
    now[0] += 20  # ten steps of 2 s
    with reporter.uncounted():
        now[0] += 1000
    reporter.progress(20, VALUES, 8)
    reporter.close()
    assert re.search(r"step 20/30 .* 4\.0 images/s  0:00:20 left", caplog.text)


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    reporter = reporting.Reporter(tmp_path, 0, 10)
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(TrainingError, match="cannot write .*metrics.jsonl: .*; make room"):
        reporter.scalars(1, "train", VALUES)
    (tmp_path / "pictures").touch()
    with pytest.raises(TrainingError, match="cannot write .*pictures: "):
        reporter.picture(1, "validation", [np.zeros((1, 4, 4, 3), np.uint8)])
    reporter.close()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tensorboard").touch()
    with pytest.raises(TrainingError, match="cannot write .*tensorboard: "):
        reporting.Reporter(tmp_path / "other", 0, 10)
