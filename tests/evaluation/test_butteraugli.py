"""Butteraugli by libjxl's program, of which the tests have a stand-in."""

import shutil
import stat
import sys

import numpy as np
import pytest

from jaxcodec.evaluation import butteraugli, metrics
from jaxcodec.evaluation.coder import EvaluationError

STAND_IN = f"""#!{sys.executable}
import sys
import numpy as np
from PIL import Image
a, b = (np.asarray(Image.open(path), float) for path in sys.argv[1:])
print(abs(a - b).max())
print(f"3-norm: {{(abs(a - b) ** 3).mean() ** (1 / 3):.6f}}")
"""


def install(folder, monkeypatch, text):
    program = folder / butteraugli.PROGRAM
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def test_without_the_program_one_sentence_says_what_to_install(monkeypatch, tmp_path, photo):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvaluationError, match="needs the program butteraugli_main of libjxl; inst"):
        metrics.choose(["butteraugli"])
    with pytest.raises(EvaluationError, match="libjxl-devtools"):
        butteraugli.distance(photo, photo)
    assert metrics.BUTTERAUGLI not in metrics.choose(None)


def test_the_3_norm_that_the_program_tells_is_the_value(monkeypatch, tmp_path, photo):
    install(tmp_path, monkeypatch, STAND_IN)
    part = photo[:32, :40]
    assert butteraugli.distance(part, part) == 0
    assert butteraugli.distance(part, part ^ 4) == pytest.approx(4)
    chosen = metrics.choose(["butteraugli"])
    grey = part[:, :, :1]
    assert metrics.values(chosen, grey, grey ^ 2)["butteraugli"] == pytest.approx(2)


def test_a_program_that_fails_is_an_error_of_one_sentence(monkeypatch, tmp_path, photo):
    install(tmp_path, monkeypatch, f"#!{sys.executable}\nimport sys; sys.exit('no memory')\n")
    with pytest.raises(EvaluationError, match=r"butteraugli_main failed \(no memory\); leave"):
        butteraugli.distance(photo, photo)


@pytest.mark.skipif(not shutil.which(butteraugli.PROGRAM), reason="needs libjxl's program")
def test_libjxls_own_value(photo):
    """Of libjxl 0.7.0."""
    part = photo[64:264, 100:396]
    coarse = (part // 32 * 32 + 16).astype(np.uint8)
    assert butteraugli.distance(part, coarse) == pytest.approx(4.523, rel=0.1)
