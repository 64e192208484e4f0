"""A tiny run to compare with, its images, and the means to start further runs."""

import json
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import types

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from jax.experimental.compilation_cache import compilation_cache
from PIL import Image

from jaxcodec.runtime import compile_cache
from jaxcodec.training import train_loop
from jaxcodec.training.reporting import Reporter

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def tiny_config(images, name: str = "tiny_config"):
    """The settings of a file of this folder, with a folder of images."""
    config = runpy.run_path(str(HERE / f"{name}.py"))["get_config"]()
    config.data.folders = str(images)
    return config


@pytest.fixture(scope="session")
def images(tmp_path_factory, photo) -> pathlib.Path:
    """A folder of twelve crops of a photograph, 80 x 96 pixels."""
    folder = tmp_path_factory.mktemp("images")
    for index in range(12):
        top, left = divmod(index, 4)
        Image.fromarray(photo[110 * top :, 100 * left :][:80, :96]).save(folder / f"{index:02}.png")
    return folder


@pytest.fixture(scope="session")
def settings_of(images):
    """The settings of a file of this folder, by its name."""
    return lambda name: tiny_config(images, name)


@pytest.fixture
def config(images):
    """The tiny config on those images."""
    return tiny_config(images)


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory) -> pathlib.Path:
    """A folder in the role of the user's cache: runs of this and other processes share what they
    compile.
    """
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="package", autouse=True)
def compile_once(cache_home):
    """Keeps compiled programs during these tests; compiling the tiny run takes far longer than
    running it.
    """
    own = jax.config.jax_compilation_cache_dir
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache_home))
        compile_cache.enable()  # does nothing on JAX before 0.6, where the cache is not safe
    compilation_cache.reset_cache()  # so that JAX looks at the setting again
    yield
    jax.config.update("jax_compilation_cache_dir", own)
    compilation_cache.reset_cache()


@pytest.fixture(scope="package")
def uninterrupted(tmp_path_factory, images, compile_once) -> pathlib.Path:
    """Workdir of the tiny run on one device, finished without interruption."""
    config = tiny_config(images)
    workdir = tmp_path_factory.mktemp("uninterrupted")
    assert train_loop.train(config, workdir)
    return workdir


@pytest.fixture(scope="session")
def runs(cache_home) -> types.SimpleNamespace:
    """Starts processes: `start(script, *arguments, **environment) -> Popen`, `finish(process) ->
    (status, output)`.
    """
    common = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache_home)}

    def start(script, *arguments, start_new_session=False, **environment):
        command = [sys.executable, str(ROOT / script), *map(str, arguments)]
        environment = os.environ | common | environment
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, start_new_session=start_new_session, **output
        )

    def finish(process, timeout_s=240):
        try:
            output, _ = process.communicate(timeout=timeout_s)
        finally:
            process.kill()
        return process.returncode, output

    return types.SimpleNamespace(start=start, finish=finish)


@pytest.fixture(scope="session")
def read_metrics():
    """Reads `metrics.jsonl` of a workdir as a list of dictionaries."""

    def read(workdir) -> list[dict]:
        return [
            json.loads(line)
            for line in (pathlib.Path(workdir) / "metrics.jsonl").read_text().splitlines()
        ]

    return read


@pytest.fixture
def interrupt(monkeypatch):
    """`interrupt(step)`: once the metrics of that step are written, this process gets a SIGTERM."""
    original = Reporter.scalars

    def at(last_step):
        def scalars(self, step, part, values):
            original(self, step, part, values)
            if step == last_step and part == "train":
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(Reporter, "scalars", scalars)

    return at


@pytest.fixture(scope="session")
def saved_state():
    """Reads every array of the newest checkpoint of a workdir."""

    def read(workdir):
        with ocp.CheckpointManager(workdir / "checkpoints") as manager:
            step = manager.latest_step()
        with ocp.PyTreeCheckpointer() as checkpointer:
            tree = checkpointer.restore(workdir / "checkpoints" / str(step) / "state")
        return jax.tree.map(np.asarray, tree)

    return read


@pytest.fixture(scope="session")
def assert_same_run(saved_state, read_metrics):
    """Fails unless two runs wrote the same metrics and ended with the same state, bit for bit."""

    def check(workdir, reference):
        assert read_metrics(workdir) == read_metrics(reference)
        jax.tree.map(np.testing.assert_array_equal, saved_state(workdir), saved_state(reference))

    return check
