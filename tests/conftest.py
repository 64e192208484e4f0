"""Fixtures that every test may use: photographs, and small models with random weights."""

import atexit
import gc
import importlib.metadata
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import lpips_weights
import numpy as np
import pytest
from jaxtyping import install_import_hook

_JAX = tuple(map(int, importlib.metadata.version("jax").split(".")[:2]))

# Most of the tests' time goes to compiling, so programs are optimised less here, in this process
# and those that it starts. JAX reads the variables when it is first imported. Tests run on the CPU
# wherever they are.
_HURRIED = ["--xla_backend_optimization_level=0"] + ["--xla_cpu_use_fusion_emitters=false"] * (
    _JAX >= (0, 6)
)
os.environ["XLA_FLAGS"] = " ".join([*_HURRIED, os.environ.get("XLA_FLAGS", "")])
os.environ["JAX_PLATFORMS"] = "cpu"
# What one process of a run compiles, the others and later modules load. A JAX that cannot do that
# safely keeps nothing (`jaxcodec.runtime.compile_cache`), nor does a run that names a cache of its
# own.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ and _JAX >= (0, 6):
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="jaxcodec-tests-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)

# Tracing makes millions of small objects that live on; Python looks through all of them too often.
gc.set_threshold(200_000, 20, 100)

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Shapes and types in the signatures of these are checked wherever they are called.
install_import_hook(
    [
        "jaxcodec.ops",
        "jaxcodec.distortions.ssim",
        "jaxcodec.entropy.context",
        "jaxcodec.entropy.distributions",
        "jaxcodec.entropy.surrogates",
        "jaxcodec.integer.arithmetic",
    ],
    "beartype.beartype",
)

ROOT = pathlib.Path(__file__).resolve().parent.parent


_LONG = (
    "test_jax_settings",
    "test_closeness",
    "test_refined",
    "test_packing",
)


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items):
    """What `long_but` leaves out is long. Modules whose tests take long come first, so that no
    process is left with one when the others are done.
    """
    for item in items:
        mark = item.get_closest_marker("long_but")
        if mark is not None and item.callspec.id not in mark.args:
            item.add_marker(pytest.mark.long)
    items.sort(
        key=lambda item: (
            item.path.parent.name not in ("training", "refinement", "system")
            and item.path.stem not in _LONG
        )
    )


@pytest.fixture(scope="session")
def shared_dir() -> pathlib.Path:
    """The folder of shared photographs and reference data; tests that need it are skipped without
    it.
    """
    path = pathlib.Path(os.environ.get("JAXCODEC_SHARED", ROOT.parent / "shared"))
    if not (path / "data" / "test" / "kodak").is_dir():
        pytest.skip(f"needs the shared photographs (set JAXCODEC_SHARED; looked in {path})")
    return path


@pytest.fixture(scope="session")
def lpips_folder(tmp_path_factory) -> pathlib.Path:
    """A folder of random weights for LPIPS."""
    return lpips_weights.write(tmp_path_factory.mktemp("lpips") / "weights")


_MOST_BYTES = 2 << 30


def _resident_bytes() -> float:
    """Memory of this process; infinite where the system has no /proc."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("inf")
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module", autouse=True)
def forget_programs():
    """Compiled programs of one module serve the next, until the process holds gigabytes: over the
    whole suite they would grow to many.
    """
    yield
    if "jax" in sys.modules and _resident_bytes() > _MOST_BYTES:
        sys.modules["jax"].clear_caches()


@pytest.fixture
def interrupted_refinement(monkeypatch):
    """Every refinement is interrupted (Ctrl-C) after its look at the start."""
    from jaxcodec.refinement import iterate

    refine = iterate.refine

    def interrupted(*arguments, **named):
        yield next(refine(*arguments, **named))
        raise KeyboardInterrupt

    monkeypatch.setattr(iterate, "refine", interrupted)


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A real photograph, uint8 (512, 512, 3): the astronaut that scikit-image ships."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory, photo):
    """A folder with three small pictures: RGB, RGBA of the same size, and grey."""
    from jaxcodec import image
    from jaxcodec.image import Picture

    folder = tmp_path_factory.mktemp("pictures")
    part = photo[80:120, 200:248]
    alpha = np.full((40, 48, 1), 128, np.uint8)
    image.write(folder / "a.png", Picture(part))
    image.write(
        folder / "b.png", Picture(np.concatenate([photo[200:240, 100:148], alpha], axis=-1))
    )
    image.write(folder / "c <grey>.png", Picture(photo[200:240, 300:340, :1]))
    return folder
