"""The command line of training: what it takes, its help, and one sentence for what it does not
take.
"""

import pathlib
import re
import subprocess
import sys

import pytest
from absl import flags

import jaxcodec.train
from jaxcodec.errors import TrainingError
from jaxcodec.training.settings import SETTINGS

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture
def read():
    """Reads a command line; gives the flags."""

    def read(*arguments):
        values = flags.FlagValues()
        jaxcodec.train.define(values)
        jaxcodec.train.read(["train.py", *arguments], values)
        return values

    return read


def test_a_setting_of_each_type_is_taken(read):
    given = read(
        "--config=mean_scale_small",
        "--workdir",
        "runs/x",
        "--config.steps",
        "7",
        "--config.optimiser.clip=2",
        "--config.data.folders=a,b",
        "--config.fake_quantised",
        "--config.validation_qualities=(0.25, 1)",
        "--config.model.gains.channels=50",
        "--config.name=mine",
        "--nocompile_cache",
        "--search",
    )
    config = given.config
    assert (config.steps, config.optimiser.clip, config.data.folders) == (7, 2.0, "a,b")
    assert (config.fake_quantised, config.validation_qualities) == (True, (0.25, 1))
    assert (config.model.gains.channels, config.name, config.batch_size) == (50, "mine", 8)
    assert (given.workdir, given.compile_cache, given.search, given.distributed) == (
        "runs/x",
        False,
        True,
        False,
    )


def test_settings_may_come_before_the_config(read):
    assert (
        read(
            "--config.steps=7", "--workdir=x", "--config", "cheng2020_small:3"
        ).config.model.mixture
        == 3
    )


MISSING = [
    ([], "--config is missing; give a file, or one of autoregressive_compressai"),
    (["--config=patch"], "--workdir is missing"),
    (["--config=patch", "--workdir="], "--workdir is missing"),
]


@pytest.mark.parametrize(("arguments", "message"), MISSING)
def test_what_is_missing_is_told(read, arguments, message):
    with pytest.raises(TrainingError, match=message):
        read(*arguments)


WRONG = [
    ("--config.optimizer.learning_rate=1e-3", "did you mean config.optimiser.learning_rate?"),
    ("--config.learning_rate=1e-3", "did you mean config.optimiser.learning_rate?"),
    ("--config.stepz=3", "no setting config.stepz; did you mean config.steps?"),
    ("--config.zzz=3", "no setting config.zzz; --help lists them"),
    ("--noconfig.fake_quantized", "did you mean config.fake_quantised?"),
    ("--config.steps.more=3", "no setting config.steps.more"),
    ("--config.steps=abc", "config.steps cannot be 'abc'; give a whole number"),
    ("--config.steps=1.5", "config.steps cannot be '1.5'; give a whole number"),
    ("--config.optimiser.clip=abc", "config.optimiser.clip cannot be 'abc'; give a number"),
    ("--config.fake_quantised=5", "config.fake_quantised cannot be '5'; give true or false"),
    ("--config.validation_qualities=(a, b)", "(a, b)"),
    (
        "--config.validation_qualities=half",
        "config.validation_qualities cannot be ('half',); give numbers",
    ),
    ("--config.model=3", "config.model cannot be '3'; give its settings one by one"),
    ("--config.steps", "--config.steps"),
    ("--workdr=x", "'workdr'. Did you mean: workdir"),
    ("--processes=two", "processes"),
    ("runs/x", "'runs/x' is not a flag"),
]


@pytest.mark.parametrize(("argument", "message"), WRONG)
def test_what_does_not_fit_is_one_sentence(read, argument, message):
    with pytest.raises(TrainingError, match=re.escape(message)) as caught:
        read("--config=mean_scale_small", "--workdir=x", argument)
    assert "\n" not in str(caught.value)


def test_help_lists_every_setting_with_its_default_and_a_word(read, capsys):
    with pytest.raises(SystemExit) as status:
        read("--help")
    assert not status.value.code
    text = capsys.readouterr().out
    for setting in SETTINGS:
        if setting.name != "model":
            line = next(
                line
                for line in text.splitlines()
                if line.split()[:1] == [f"--config.{setting.name}"]
            )
            assert setting.help in line
            assert setting.valid is None or line.endswith(setting.valid.words)
            assert str(setting.default or "") in line
    for flag in (
        "--workdir",
        "--search",
        "--distributed",
        "--coordinator",
        "--processes",
        "--nocompile_cache",
    ):
        assert flag in text


def test_help_with_a_config_shows_what_it_sets(read, capsys):
    with pytest.raises(SystemExit):
        read("--config=mean_scale_small", "--help")
    text = capsys.readouterr().out
    assert re.search(r"--config\.steps +4000 ", text)
    assert re.search(r"--config\.model\.gains\.channels +48\n", text)


def test_the_command_says_so_and_ends_with_status_2_before_jax_is_loaded():
    code = (
        "import sys; from jaxcodec import train\ntry: train.run(['train.py', "
        "*sys.argv[1:]])\nfinally: print('jax' in sys.modules)"
    )
    command = [sys.executable, "-c", code, "--config=nothing", "--workdir=x"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "False\n")
    assert result.stderr.startswith("train.py: error: there is no config nothing; ")
    assert result.stderr.count("\n") == 1


def test_settings_that_do_not_fit_end_the_command_with_status_2(tmp_path):
    settings = ["--config.regularizer.source=wavelet", f"--config.data.folders={tmp_path}"]
    command = [sys.executable, "train.py", "--config=mean_scale_small", f"--workdir={tmp_path}/run"]
    result = subprocess.run([*command, *settings], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == (
        "train.py: error: config.regularizer.source is 'wavelet'; it must be one of aligned, "
        "hyper, context\n"
    )
    assert not (tmp_path / "run").exists()
