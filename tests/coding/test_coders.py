import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from jaxcodec.coding import coders
from jaxcodec.coding.container import CODERS
from jaxcodec.coding.make_tables import gaussian_tables
from jaxcodec.errors import BitstreamError, CoderError

SCALES = np.geomspace(0.11, 64, 16)


@pytest.fixture(scope="module", params=CODERS)
def coder(request):
    if request.param not in coders.installed():
        pytest.skip(f"the coder {request.param} is not installed here (its tests run in .ci/tfc)")
    return coders.make(request.param, gaussian_tables(SCALES))


@pytest.fixture(scope="module")
def symbols() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 16, (5, 300)).astype(np.uint8)
    values = np.round(rng.normal(0, SCALES[indices])).astype(np.int32)
    values[0, :4] = 5000, -5000, 10**6, -(10**6)
    return values, indices


def test_every_coder_gives_back_the_symbols(coder, symbols):
    data = coder.encode(*symbols)
    assert np.array_equal(coder.decode(data, symbols[1]), symbols[0])
    assert np.array_equal(
        coder.decode(coder.encode(symbols[0][:0], symbols[1][:0]), symbols[1][:0]), symbols[0][:0]
    )


def test_every_coder_is_near_the_ideal(coder, symbols):
    values, indices = symbols
    tables = coder.tables
    counts = [tables.counts(t) for t in range(len(tables))]
    inside = np.abs(values) < 400
    bits = sum(
        16 - np.log2(counts[table][value - tables.minimum[table]])
        for value, table in zip(values[inside], indices[inside], strict=True)
    )
    data = coder.encode(np.where(inside, values, 0), indices)
    assert bits / 8 - 1 < len(data) < 1.003 * bits / 8 + 12


def test_foreign_bytes_raise_or_decode(coder):
    rng = np.random.default_rng(0)
    indices = np.arange(16)
    for size in (0, 1, 2, 5, 17, 40):
        try:
            symbols = coder.decode(rng.bytes(size), indices)
        except BitstreamError:
            continue
        assert symbols.shape == (16,)
        assert symbols.dtype == np.int32


def test_the_default_suits_the_backend():
    assert coders.default("cpu") == "host"
    assert coders.default("gpu") == coders.default("tpu") == "lanes"


def test_an_unknown_coder_is_named():
    with pytest.raises(CoderError, match=r"no entropy coder 'zip'; take one of host, lanes, tfc"):
        coders.make("zip", gaussian_tables(SCALES))


def test_a_coder_that_is_not_installed_says_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert coders.installed() == ("host", "lanes")
    with pytest.raises(CoderError, match=r"pip install 'jaxcodec\[tfc\]'"):
        coders.make("tfc", gaussian_tables(SCALES))


def test_naming_the_coders_imports_no_jax():
    code = (
        "import sys, jaxcodec.coding.coders; print(sorted({'jax', 'tensorflow'} & "
        "set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert output.strip() == "[]"
