"""What orders of coding have in common."""

import numpy as np
import pytest

from jaxcodec.entropy.order import Order, Symbols, channel_tables, hyper_part


def test_under_a_prior_the_table_of_a_symbol_is_its_channel():
    tables = channel_tables((1, 2, 3, 4))
    assert tables.dtype == np.int32 and tables.shape == (1, 2, 3, 4)
    assert (tables == np.arange(4)).all()


def test_hyper_symbols_are_a_part_under_the_prior():
    hyper = np.arange(8, dtype=np.int32).reshape(1, 1, 2, 4)
    part = hyper_part(Symbols(hyper, None))
    np.testing.assert_array_equal(part.values, hyper)
    np.testing.assert_array_equal(part.indices, channel_tables(hyper.shape))
    assert part.counts is None


def test_unless_a_model_says_otherwise_nothing_depends_on_the_step():
    arrays, tables, order = {"a": np.zeros(2)}, {"prior": object()}, Order()
    assert order.arrays_at(arrays, 700) == arrays and order.arrays_at(arrays, 700) is not arrays
    assert order.tables_at(tables, 700) == tables
    assert not (order.tables_depend_on_step or order.sequential or order.parallel)


@pytest.mark.parametrize(
    "call",
    [
        lambda order: order.side({}, None, None, None),
        lambda order: order.parts({}, None, (), None),
        lambda order: order.coded({}, None),
        lambda order: order.decode({}, (), (), None, None),
    ],
)
def test_how_to_code_is_for_each_model_to_say(call):
    with pytest.raises(NotImplementedError):
        call(Order())
