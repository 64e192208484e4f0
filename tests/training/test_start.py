"""Weights that depend on the quality are read off at others."""

import numpy as np

from jaxcodec.training import start


def test_tables_over_the_quality_are_read_off():
    table = np.array([[0.0, 5.0], [1.0, 6.0], [3.0, 7.0]])
    np.testing.assert_allclose(start.read_off(table, 3, (0.0, 1.0)), table)
    np.testing.assert_allclose(start.read_off(table, 1, (0.25, 0.25)), [[0.5, 5.5]])
    np.testing.assert_allclose(start.read_off(table, 2, (0.5, 0.75)), [[1.0, 6.0], [2.0, 6.5]])
    np.testing.assert_allclose(start.read_off(table, 2, (-0.5, 1.5)), [[-1.0, 4.0], [5.0, 8.0]])
    np.testing.assert_allclose(start.read_off(table[:1], 2, (0.0, 1.0)), table[[0, 0]])
