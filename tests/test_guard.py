"""What is raised at one file becomes a sentence."""

import gc
import weakref

import numpy as np
import pytest

from jaxcodec import guard
from jaxcodec.errors import CodecError, RateError


def fail(problem):
    raise problem


def test_a_result_is_handed_on():
    assert guard.attempt(divmod, 7, 2) == (3, 1)
    assert guard.attempt(int, "ff", base=16) == 255


def test_errors_become_codec_errors(capsys):
    problem = RateError("too high")
    assert guard.attempt(fail, problem) is problem
    unforeseen = guard.attempt(fail, LookupError("nothing\nthere"))
    assert type(unforeseen) is CodecError and "LookupError: nothing\nthere" in str(unforeseen)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), SystemExit(3), BrokenPipeError(32, "Broken pipe")]
)
def test_what_ends_everything_is_raised(problem):
    with pytest.raises(type(problem)):
        guard.attempt(fail, problem)


def test_an_error_of_memory_holds_none():
    held = []

    def work():
        array = np.zeros(1000)
        held.append(weakref.ref(array))
        raise MemoryError

    problem = guard.attempt(work)
    gc.collect()
    assert "memory" in str(problem) and held[0]() is None
