"""The settings of the thesis, written out once more from its tables."""

import pytest

from jaxcodec.objectives import thesis

# Guerin 2024, section 5.4.4: target, then R_param and beta of the parametric model, then of the
# non-parametric one.
TABLES_OF_CHAPTER_5 = """
0.06  0.254 60000  0.07  55000
0.12  0.275 55000  0.145 55000
0.25  0.410 30000  0.25  25000
0.5   0.65   9000  0.53   9000
0.75  0.86   6500  0.8    6000
1.0   1.08   5500  1.08   5500
1.5   1.55   5000  1.5    3000
2.0   1.93   2500  2.0    1500
"""
# Table 5.8: the residual variant, which was trained for three targets.
TABLE_5_8 = """
0.06  0.065 55000
0.75  0.77   6000
2.0   2.0    1500
"""


def rows(table):
    return [tuple(map(float, line.split())) for line in table.split("\n") if line]


def test_the_sixteen_settings_of_chapter_5():
    parametric = {
        target: (parameter, beta) for target, parameter, beta, _, _ in rows(TABLES_OF_CHAPTER_5)
    }
    non_parametric = {
        target: (parameter, beta) for target, _, _, parameter, beta in rows(TABLES_OF_CHAPTER_5)
    }
    assert thesis.SETTINGS["parametric"] == parametric
    assert thesis.SETTINGS["non_parametric"] == non_parametric


def test_the_three_settings_of_the_residual_variant():
    assert thesis.SETTINGS["residual"] == {
        target: (parameter, beta) for target, parameter, beta in rows(TABLE_5_8)
    }


def test_targets_and_what_counts_as_a_hit():
    assert tuple(row[0] for row in rows(TABLES_OF_CHAPTER_5)) == thesis.TARGETS
    assert thesis.HIT == 0.15


@pytest.mark.parametrize("name", ["parameter_bpp", "beta"])
def test_settings_have_names(name):
    assert (
        getattr(thesis.SETTINGS["parametric"][0.06], name)
        == {"parameter_bpp": 0.254, "beta": 60_000}[name]
    )
