"""Integer networks give the same integers whatever way they are run, and those of a second
implementation.
"""

import functools
import json
import os
import subprocess
import sys
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_codecs
from reference import integer_networks as reference
from reference import steps

from jaxcodec import models
from jaxcodec.entropy import geometry
from jaxcodec.entropy.context_tables import parallel
from jaxcodec.entropy.hyperprior import table_index
from jaxcodec.integer.calibrate import Calibration

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCALE_MODELS = ("tiny", "one_quality", "scale", "patch")
CONTEXT_MODELS = ("autoregressive", "checkerboard")
QUALITY = np.array([0, 3333, 10_000], np.int32)


def symbols(name: str, height: int = 3, width: int = 4):
    """Hyper-symbols and symbols of three pictures."""
    description = small_codecs.DESCRIPTIONS[name]
    unit = description["hyper_analysis"].get("strides", (4,))[-1]
    rng = np.random.default_rng(0)
    hyper = rng.integers(-9, 10, (3, height, width, description["hyper_channels"]), np.int32)
    latent = np.round(
        rng.normal(0, 4, (3, unit * height, unit * width, description["gains"]["channels"]))
    )
    return hyper, latent.astype(np.int32)


@functools.cache
def quantised(name: str):
    """(spec, arrays) of a small model."""
    hyper, latent = symbols(name)
    model = models.build(small_codecs.DESCRIPTIONS[name])
    frozen = model.freeze(small_codecs.params(name), Calibration(hyper, latent, QUALITY))
    return frozen.spec, frozen.arrays


@functools.cache
def order(name: str):
    """The order of coding of a small model."""
    model = models.build(small_codecs.DESCRIPTIONS[name])
    return model.order(quantised(name)[0], geometry.of(model))


@functools.cache
def run(name: str, step_index: int = 0):
    """A compiled function (hyper-symbols, symbols, quality) -> table, and offset with a context, as
    one array.
    """
    spec, arrays = quantised(name)
    arrays = order(name).arrays_at(arrays, step_index)
    if name in SCALE_MODELS:
        return jax.jit(lambda hyper, latent, quality: table_index(spec, arrays, hyper, quality))
    return jax.jit(lambda *a: jnp.concatenate(parallel(spec, arrays, *a), axis=-1))


def at_step(name: str, step_index: int):
    """Spec and arrays of a small model at a step, by the second implementation."""
    spec, arrays = quantised(name)
    return spec, steps.integer_arrays(
        spec, small_codecs.DESCRIPTIONS[name]["scale_form"], arrays, step_index
    )


@pytest.mark.parametrize("step_index", [0, 1111, -5768])
@pytest.mark.parametrize("name", SCALE_MODELS)
def test_index_equals_the_second_implementation(name, step_index):
    hyper, latent = symbols(name)
    # What calibration never saw, and what no code can hold.
    hyper[0, 0, 0, :2] = [30_000, -(2**31)]
    got = run(name, step_index)(hyper, latent, QUALITY)
    spec, arrays = at_step(name, step_index)
    assert np.array_equal(got, reference.scale_index(spec, arrays, hyper, QUALITY))
    assert got.shape == latent.shape
    assert len(np.unique(got)) > 10


@pytest.mark.parametrize("step_index", [0, 1111, -5768])
@pytest.mark.parametrize("name", CONTEXT_MODELS)
def test_parameters_equal_the_second_implementation_place_by_place(name, step_index):
    hyper, latent = symbols(name)
    latent[0, 0, 0, :2] = [2**30, -(2**30)]
    table, offset = np.split(np.asarray(run(name, step_index)(hyper, latent, QUALITY)), 2, axis=-1)
    spec, arrays = at_step(name, step_index)
    at = getattr(reference, f"{name}_parameters")
    for picture in (0, 2):
        one = slice(picture, picture + 1)
        sums = reference.hyper_part(spec, arrays, hyper[one], QUALITY[one])
        for row, column in np.ndindex(latent.shape[1:3]):
            want_table, want_offset = at(spec, arrays, sums, latent[picture], row, column)
            assert np.array_equal(table[picture, row, column], want_table)
            assert np.array_equal(offset[picture, row, column], want_offset)
    assert len(np.unique(table)) > 10


@pytest.mark.parametrize("name", ["tiny", "one_quality"])
def test_an_index_is_the_level_of_its_scale(name):
    hyper, latent = symbols(name)
    spec, arrays = quantised(name)
    index = order(name).index(arrays, hyper, QUALITY)
    scales = order(name).scale(arrays, hyper, QUALITY)
    np.testing.assert_array_equal(order(name).level(arrays, scales), index)
    # In units of the thresholds, which lie halfway between the scales of the tables.
    thresholds = arrays[f"{len(spec['ops']) - 1}/thresholds"]
    np.testing.assert_array_equal(np.searchsorted(thresholds, scales, side="right"), index)
    assert scales.shape == latent.shape


def test_mixtures_equal_the_second_implementation_place_by_place():
    hyper, latent = symbols("mixture")
    latent[0, 0, 0, :2] = [2**20, -(2**20)]
    spec, arrays = quantised("mixture")
    arrays = order("mixture").arrays_at(arrays, 0)
    mixture, zeros = jax.jit(lambda *a: parallel(spec, arrays, *a))(hyper, latent, QUALITY)
    assert zeros.shape == latent.shape and not zeros.any()
    got = np.stack(
        [np.stack([part.table, part.offset, part.weight], axis=-1) for part in mixture.components],
        axis=-2,
    )
    # Shares of weights by how far a logit is below the largest, in 32nds.
    np.testing.assert_array_equal(arrays["exp"], np.round(32767 * np.exp(-np.arange(512) / 32)))
    sums = reference.hyper_part(spec, arrays, hyper[:1], QUALITY[:1])
    weights = set()
    for row, column in ((0, 0), (0, 1), (2, 3), (5, 7)):
        want, _ = reference.autoregressive_parameters(spec, arrays, sums, latent[0], row, column)
        np.testing.assert_array_equal(got[0, row, column], want)
        weights |= set(np.ravel(got[0, row, column, ..., 2]))
        np.testing.assert_array_equal(got[0, row, column, ..., 2].sum(axis=-1), 2**15)
    assert len(weights) > 10


@pytest.mark.long_but("checkerboard")
@pytest.mark.parametrize("name", ["patch", "checkerboard"])
def test_any_way_of_running_gives_the_same_integers(name):
    arguments = (*symbols(name), QUALITY)
    expected = run(name)(*arguments)
    each = [run(name)(*(array[i : i + 1] for array in arguments)) for i in range(3)]
    assert np.array_equal(np.concatenate(each), expected)
    mapped = jax.vmap(run(name))(*(array[:, None] for array in arguments))
    assert np.array_equal(mapped[:, 0], expected)
    with jax.disable_jit():
        assert np.array_equal(run(name)(*arguments), expected)
    jax.config.update("jax_enable_x64", True)
    try:
        wide = run(name)(*arguments)
    finally:
        jax.config.update("jax_enable_x64", False)
    assert wide.dtype == np.int32
    assert np.array_equal(wide, expected)


_ONE_THREAD = """
import os, sys, zlib
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import json
import numpy as np, jax
from jaxcodec.entropy.hyperprior import table_index
held = np.load(sys.argv[1])
arrays = {name[2:]: held[name] for name in held.files if name.startswith("a/")}
index = jax.jit(lambda *a: table_index(json.loads(sys.argv[2]), arrays, *a))(held["hyper"], held["quality"])
print(zlib.crc32(np.asarray(index, "<i4").tobytes()))
"""  # noqa: E501


@pytest.mark.long
def test_one_thread_gives_the_same_integers(tmp_path):
    hyper, latent = symbols("patch", 8, 12)
    spec, arrays = quantised("patch")
    np.savez(
        tmp_path / "held",
        hyper=hyper,
        quality=QUALITY,
        **{f"a/{name}": array for name, array in arrays.items()},
    )
    command = [sys.executable, "-c", _ONE_THREAD, str(tmp_path / "held.npz"), json.dumps(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    expected = np.asarray(run("patch")(hyper, latent, QUALITY), "<i4")
    assert int(done.stdout) == zlib.crc32(expected.tobytes())


def test_networks_hold_integers_only_and_the_spec_is_json():
    for name in (*SCALE_MODELS, *CONTEXT_MODELS):
        spec, arrays = quantised(name)
        assert json.loads(json.dumps(spec)) == spec
        assert {array.dtype.name for array in arrays.values()} <= {"int8", "int16", "int32"}


@pytest.mark.parametrize("name", ["tiny", "checkerboard"])
def test_the_quality_moves_the_tables_of_a_model_with_gains(name):
    hyper, latent = symbols(name)
    low, high = (run(name)(hyper, latent, np.full(3, quality, np.int32)) for quality in (0, 10_000))
    channels = latent.shape[-1]
    # Gains from 2 to 20 are ln(10) in the logarithm of the scale, 18.7 of the 64 tables.
    assert np.mean(np.asarray(high)[..., :channels]) > np.mean(np.asarray(low)[..., :channels]) + 5
