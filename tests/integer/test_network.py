"""Every operation of integer networks, against the second implementation."""

import jax
import numpy as np
import pytest
from reference import integer_networks as reference

from jaxcodec.integer import network

QUALITY = np.array([0, 3333, 10_000], np.int32)
RNG = np.random.default_rng(0)


def ints(dtype, low, high, *shape) -> np.ndarray:
    return RNG.integers(low, high, shape, endpoint=True).astype(dtype)


def conv(kernel=3, inputs=4, outputs=6, upsample=1, taps=False) -> dict[str, np.ndarray]:
    arrays = {
        "kernel": ints(np.int8, -127, 127, kernel, kernel, inputs, outputs),
        "bias": ints(np.int32, -1000, 1000, upsample**2 * outputs),
        "zero": np.int8(3),
    }
    if taps:
        arrays["taps"] = ints(np.int32, -99, 99, kernel, kernel, outputs)
    return arrays


CODES = ints(np.int8, -127, 127, 3, 4, 5, 4)
VALUES = ints(np.int32, -40_000, 40_000, 3, 4, 5, 4)
CASES = {
    "codes": ({"op": "codes"}, {"shift": np.full(4, 2, np.int8)}, VALUES),
    "narrow": (
        {"op": "narrow"},
        {
            "multiplier": ints(np.int32, 1, 2**15 - 1, 4),
            "shift": np.full(4, 20, np.int8),
            "zero": np.int8(-5),
        },
        VALUES,
    ),
    "conv": ({"op": "conv", "border": "zeros", "upsample": 1}, conv(taps=True), CODES),
    "edge": ({"op": "conv", "border": "edge", "upsample": 1}, conv(kernel=5), CODES),
    "upsample": ({"op": "conv", "border": "zeros", "upsample": 2}, conv(upsample=2), CODES),
    "requantise": (
        {"op": "requantise"},
        {
            "left": np.full(4, 3, np.int8),
            "multiplier": ints(np.int32, 2**14, 2**15 - 1, 4),
            "shift": np.full(4, 2, np.int8),
        },
        VALUES,
    ),
    "modulate": (
        {"op": "modulate"},
        {
            "scale": ints(np.int32, -9000, 9000, 3, 4),
            "shift": ints(np.int32, -99, 99, 3, 4),
            "bits": np.int8(13),
        },
        VALUES,
    ),
    "offset": ({"op": "offset"}, {"table": ints(np.int32, -500, 500, 2, 4)}, VALUES),
    "leaky": ({"op": "leaky"}, {"slope": np.int16(328)}, VALUES),
    "look_up": ({"op": "look_up"}, {"table": ints(np.int16, -9999, 9999, 4096)}, VALUES),
    "shuffle": ({"op": "shuffle", "factor": 2}, {}, VALUES),
    "index": ({"op": "index"}, {"thresholds": np.sort(ints(np.int32, -9999, 9999, 7))}, VALUES),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operation_gives_the_integers_of_the_second_implementation(name):
    op, own, x = CASES[name]
    arrays = {f"0/{key}": array for key, array in own.items()}
    found = jax.jit(lambda arrays, x: network.run([op], arrays, x, QUALITY))(arrays, x)
    own = {f"0/{key}": np.asarray(array) for key, array in own.items()}
    np.testing.assert_array_equal(found, reference.run([op], own, x, QUALITY))


def test_a_residual_adds_what_its_operations_make_and_saturates():
    spec = [{"op": "residual", "ops": [{"op": "offset"}]}]
    arrays = {"0/0/table": np.array([[100]], np.int32)}
    x = np.array([10, 16_383, 40_000], np.int32).reshape(1, 1, 3, 1)
    found = network.run(spec, arrays, x, QUALITY[:1])
    assert np.ravel(found).tolist() == [120, 32_767, 32_767]


def test_the_arrays_of_a_part_go_by_the_rest_of_their_names():
    arrays = {"hyper/0/kernel": 1, "hyper/1/bias": 2, "rest/0/kernel": 3}
    assert network.part(arrays, "hyper/") == {"0/kernel": 1, "1/bias": 2}
