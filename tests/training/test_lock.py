"""One run in a work folder at a time, told by name, and no lock left behind."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from jaxcodec.errors import TrainingError
from jaxcodec.training.lock import LOCK_FILE, locked

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

HOLD = """if True:
    import pathlib, sys, time
    from jaxcodec.training.lock import locked
    with locked(pathlib.Path(sys.argv[1])):
        print("locked", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder tmp_path / "run"."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert process.stdout.readline() == "locked\n"
    with process:
        yield process
        process.kill()


def test_a_second_run_is_told_who_has_the_folder_and_a_kill_frees_it(holder, tmp_path):
    message = rf"run is in use by another run \(process {holder.pid} on .+, since \d{{4}}-\d\d-\d\d .*\); wait for it, stop it"  # noqa: E501
    for _ in range(2):  # the refused leave the lock as it is
        with pytest.raises(TrainingError, match=message), locked(tmp_path / "run"):
            raise AssertionError("two runs in one folder")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run" / LOCK_FILE).exists()
    with locked(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / LOCK_FILE).read_text())["pid"] == os.getpid()


def test_a_lock_is_for_one_folder_and_leaves_nothing(tmp_path):
    with locked(tmp_path / "a" / "b"), locked(tmp_path / "c"):
        (tmp_path / "c" / "metrics.jsonl").touch()
    assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["metrics.jsonl"]


def test_a_folder_that_was_there_stays(tmp_path):
    with locked(tmp_path):
        pass
    assert tmp_path.exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with (
            pytest.raises(
                TrainingError, match=re.escape(f"cannot write to the work folder {folder}: ")
            ),
            locked(folder),
        ):
            raise AssertionError("a file is no folder")


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, caplog):
    def refuse(descriptor, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path):
        pass
    assert "has no locks: see to it that no other run uses this folder" in caplog.text
