"""Every entropy model of the table has all its lives, and they agree."""

import jax
import numpy as np
import pytest
import small_codecs

from jaxcodec import models
from jaxcodec.entropy.entropy_models import ENTROPY_MODELS
from jaxcodec.entropy.order import Symbols


def small(name: str) -> str:
    """The small codec of an entropy model."""
    descriptions = small_codecs.ALL
    return next(key for key, value in descriptions.items() if value["entropy"] == name)


def whole(windows, network, *arrays):
    """Runs a network in one piece."""
    del windows
    return network(*arrays)


@pytest.fixture(scope="module", params=ENTROPY_MODELS)
def codec(request):
    return small_codecs.build(small(request.param))


@pytest.fixture(scope="module")
def symbols(codec):
    """Symbols of 128 x 64 pixels."""
    rng = np.random.default_rng(0)
    hyper, latent = (
        rng.integers(-5, 6, shape).astype(np.int32)
        for shape in (codec.hyper_shape((128, 64)), codec.latent_shape((128, 64)))
    )
    return Symbols(hyper if "hyper" in codec.order.tables else None, latent)


QUALITY = np.array([5000], np.int32)


def test_the_class_builds_from_its_description():
    for name, kind in ENTROPY_MODELS.items():
        description = small_codecs.ALL[small(name)]
        model = models.build(description)
        assert isinstance(model, kind)
        assert model.has_hyper == ("hyper_analysis" in description)


def test_decoding_asks_for_the_parts_in_the_order_of_coding_and_gives_the_symbols(codec, symbols):
    """A decoder that is sent the coded values, whatever the coder, ends with the symbols, and asks
    for the tables that the encoder coded them under.
    """
    order, arrays = codec.order, codec.integer
    side = order.side(arrays, symbols.hyper, QUALITY, whole)
    parts = order.parts(arrays, symbols, side, whole)
    assert list(parts) == list(order.tables)
    shapes = codec.hyper_shape((128, 64)), codec.latent_shape((128, 64))
    decoding = order.decode(arrays, *shapes, QUALITY, whole)
    answer = None
    for name in parts:
        request = decoding.send(answer)
        assert request.name == name
        part = parts[name]
        if hasattr(request, "indices"):
            same = jax.tree.map(np.array_equal, request.indices, part.indices)
            assert all(jax.tree.leaves(same))
            answer = part.values
            continue
        carry, rows = request.start, []
        for row in range(len(part.counts)):
            x = jax.tree.map(lambda leaf, row=row: leaf[row], request.rows)
            indices, count, kept = request.request(carry, x)
            assert count == part.counts[row]
            own = jax.tree.map(lambda leaf, row=row: leaf[row], part.indices)
            for one, other in zip(jax.tree.leaves(indices), jax.tree.leaves(own), strict=True):
                assert np.array_equal(one[:count], other[:count])
            carry, out = request.receive(carry, x, kept, part.values[row])
            rows.append(out)
        answer = np.stack(rows)
    with pytest.raises(StopIteration) as end:
        decoding.send(answer)
    for one, other in zip(end.value.value, symbols, strict=True):
        assert (one is None and other is None) or np.array_equal(one, other)


def test_what_is_coded_of_all_places_at_once_is_what_the_parts_hold(codec, symbols):
    order, arrays = codec.order, codec.integer
    side = order.side(arrays, symbols.hyper, QUALITY, whole)
    coded = order.coded(arrays, symbols.latent, *side)
    parts = order.parts(arrays, symbols, side, whole)
    held = [np.ravel(part.values) for name, part in parts.items() if name != "hyper"]
    if parts["latent"].counts is not None:
        part = parts["latent"]
        held = [row[:count] for row, count in zip(part.values, part.counts, strict=True)]
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.sort(np.ravel(coded.values)))


def test_another_step_moves_tables_or_thresholds_and_back(codec):
    order, content = codec.order, codec.host.content
    steps = (0,) if codec.name == "bounded" else (0, 1000)  # a bounded latent has a single one
    for index in steps:
        arrays = order.arrays_at(content.integer, index)
        tables = order.tables_at(content.tables, index)
        moved_arrays = any(
            not np.array_equal(arrays[name], array) for name, array in content.integer.items()
        )
        moved_tables = any(tables[name] != content.tables[name] for name in content.tables)
        assert moved_tables == (index != 0 and order.tables_depend_on_step)
        assert moved_arrays == (index != 0 and not order.tables_depend_on_step)
