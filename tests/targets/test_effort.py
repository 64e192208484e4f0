"""Levels of effort: which there are, and what each does."""

import itertools
import subprocess
import sys

import pytest

from jaxcodec.errors import RefineError
from jaxcodec.targets import effort


def test_ten_levels_from_plain_rounding_to_two_thousand_steps():
    assert len(effort.LEVELS) == 10
    assert effort.chosen(0) == effort.Effort(worth=0, steps=None)
    assert [level.steps for level in effort.LEVELS[:3]] == [None] * 3
    assert [level.steps for level in effort.LEVELS[3:]] == [25, 50, 100, 200, 500, 1000, 2000]


def test_more_effort_is_more_of_what_it_does():
    worths = [level.worth for level in effort.LEVELS[:3]]
    assert worths == sorted(set(worths))
    steps = [level.steps for level in effort.LEVELS[3:]]
    assert all(2 <= after / before <= 2.5 for before, after in itertools.pairwise(steps))


def test_without_a_word_it_is_the_default_and_does_not_refine():
    assert effort.chosen() == effort.LEVELS[effort.DEFAULT]
    assert effort.chosen().steps is None


def test_a_number_of_steps_is_what_a_level_has():
    assert effort.chosen(refine=100) == effort.chosen(5)
    assert effort.chosen(refine=7) == effort.Effort(worth=0, steps=7)


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (-1, "an effort of -1 is out of range; give a whole number from 0 to 9"),
        (10, "an effort of 10 is out of range; give a whole number from 0 to 9"),
        (2.5, "an effort of 2.5 makes no sense; give a whole number from 0 to 9"),
        (True, "an effort of True makes no sense; give a whole number from 0 to 9"),
        ("3", "an effort of 3 makes no sense; give a whole number from 0 to 9"),
    ],
)
def test_what_is_no_level_raises(level, words):
    with pytest.raises(RefineError, match=f"^{words}$"):
        effort.chosen(level)


def test_both_words_for_it_raise():
    with pytest.raises(RefineError, match="^effort and refine were given together; give one of"):
        effort.chosen(3, 25)


def test_it_imports_no_jax():
    code = "import sys, jaxcodec.targets.effort; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
