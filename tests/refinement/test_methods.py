"""Settings by name, every field of every method written out beside its source; and what makes no
sense.
"""

import pytest

from jaxcodec.errors import RefineError
from jaxcodec.refinement import methods, relaxations
from jaxcodec.refinement.schedules import Schedule

# SGA: Yang, Bamler, Mandt 2020; SGA+: Perugachi-Diaz et al. 2024; C3: Kim et al. 2024.
FIELDS = (
    "relaxation",
    "a",
    "classes",
    "r",
    "n",
    "schedule",
    "learning_rate",
    "decay",
    "step_rate",
    "descent",
    "steps",
    "every",
    "patience",
    "plain",
    "dtype",
)
COMMON = (2000, 25, None, False, "float32")
SGA, SGA_PLUS = Schedule("sga", None, None), Schedule("sga_plus", None, None)
TABLE = {
    # SGA: exp(-atanh) under its own schedule, Adam at 5e-3, 2,000 steps
    "sga": ("atanh", 4 / 3, 2, None, None, SGA, 5e-3, 0.0, 0.0, 0, *COMMON),
    # SGA+, section 3: other functions under exp(-1e-3 t), tau_max 1; a of 4/3
    "atanh": ("atanh", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "linear": ("linear", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "cosine": ("cosine", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "ssl": ("ssl", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    # SGA+, section 3.3: three classes, SSL with a of 1.4; r and n are in
    # `relaxations.THREE_CLASSES`
    "linear3": ("linear", 4 / 3, 3, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "cosine3": ("cosine", 4 / 3, 3, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "ssl3": ("ssl", 1.4, 3, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    # SGA, baselines: MAP and noise at 5e-3, straight-through at 1e-4, annealing under exp(-4e-3 t),
    # at most .2
    "map": ("map", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "noise": ("noise", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, 0, *COMMON),
    "straight_through": (
        "straight_through",
        4 / 3,
        2,
        None,
        None,
        SGA_PLUS,
        1e-4,
        0.0,
        0.0,
        0,
        *COMMON,
    ),
    "annealing": (
        "annealing",
        4 / 3,
        2,
        None,
        None,
        Schedule("annealing", None, None),
        5e-3,
        0.0,
        0.0,
        0,
        *COMMON,
    ),
    # after C3's two phases; the learning rate falls (docs/refinement.md)
    "soft_round": (
        "soft_round",
        4 / 3,
        2,
        None,
        None,
        Schedule("soft_round", None, None),
        5e-3,
        1.0,
        0.0,
        0,
        *COMMON,
    ),
    # ours (docs/refinement.md)
    "descent": ("ssl", 4 / 3, 2, None, None, SGA_PLUS, 5e-3, 0.0, 0.0, None, *COMMON),
    "ssl_decay": (
        "ssl",
        4.0,
        2,
        None,
        None,
        Schedule("sga_plus", None, 1000),
        2e-2,
        1.0,
        0.0,
        0,
        *COMMON,
    ),
    "ssl_descent": (
        "ssl",
        4.0,
        2,
        None,
        None,
        Schedule("sga_plus", None, 1000),
        2e-2,
        1.0,
        0.0,
        75,
        *COMMON,
    ),
    "ssl_descent_slow": (
        "ssl",
        2.3,
        2,
        None,
        None,
        Schedule("sga_plus", None, 1500),
        1e-2,
        1.0,
        0.0,
        75,
        *COMMON,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_every_field_of_every_method(name):
    assert methods.METHODS[name]._asdict() == dict(zip(FIELDS, TABLE[name], strict=True))
    assert methods.make(name) == methods.METHODS[name]


def test_the_table_is_whole():
    assert set(methods.METHODS) == set(TABLE)


def test_three_classes_have_r_and_n_of_the_paper():
    assert relaxations.THREE_CLASSES == {
        "linear": (0.98, 1.5),
        "cosine": (0.98, 2.0),
        "ssl": (1.4 / 1.5, 1.5),
    }


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        (1, "descent"),
        (99, "descent"),
        (100, "ssl_descent"),
        (999, "ssl_descent"),
        (1000, "ssl_descent_slow"),
    ],
)
def test_the_default_goes_by_the_steps(steps, name):
    assert methods.make(steps=steps) == methods.make(name, steps=steps)
    assert methods.make() == methods.make("ssl_descent_slow", steps=2000)


@pytest.mark.parametrize(
    ("name", "steps", "annealed"),
    [
        ("ssl_descent", 2000, 1925),
        ("ssl_descent", 100, 50),
        ("ssl_descent", 5, 3),
        ("sga", 100, 100),
        ("descent", 30, 0),
    ],
)
def test_a_descent_leaves_time_to_anneal(name, steps, annealed):
    assert methods.make(name, steps=steps).annealed == annealed


def test_one_program_serves_any_number_of_steps():
    assert (
        methods.make("ssl_descent", steps=300).compiled_for
        == methods.make("ssl_descent", steps=500, every=7).compiled_for
    )
    assert methods.make("sga").compiled_for != methods.make("atanh").compiled_for


@pytest.mark.parametrize("steps", [0, -5, 2.5, True])
def test_a_number_of_steps_is_whole_and_above_0(steps):
    with pytest.raises(
        RefineError,
        match=f"^a refinement of {steps} steps makes no sense; give a whole number, 1 or more$",
    ):
        methods.make(steps=steps)


def test_a_plain_grid_has_no_descent():
    assert methods.make("sga", plain=True).plain
    with pytest.raises(RefineError, match="none on a plain grid"):
        methods.make("ssl_descent", plain=True)
