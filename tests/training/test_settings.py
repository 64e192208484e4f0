"""The table of settings: every config is made from it, and what cannot work is refused by name."""

import math
import subprocess
import sys

import pytest

from jaxcodec.entropy.surrogates import SURROGATES
from jaxcodec.errors import TrainingError
from jaxcodec.training import config as run_config
from jaxcodec.training.settings import SETTINGS


def flat(config, prefix=""):
    """{name with dots: value} of a config."""
    found = {}
    for name, value in config.items():
        inner = hasattr(value, "items") and len(value)
        found |= flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def test_every_setting_of_a_run_is_in_the_table_with_its_default_and_a_word():
    defaults = flat(run_config.default_config())
    assert defaults.keys() == {setting.name for setting in SETTINGS}
    for setting in SETTINGS:
        value = defaults[setting.name]
        assert value == setting.default or (hasattr(value, "items") and not len(value))
        assert setting.help
        assert setting.valid is None or setting.valid.holds(setting.default)


def test_two_configs_share_nothing():
    one, two = run_config.default_config(), run_config.default_config()
    one.name, one.optimiser.clip, one.model.entropy = "mine", 9.0, "scale"
    assert (two.name, two.optimiser.clip, "entropy" in two.model) == (None, 1.0, False)


def put(config, name, value):
    """Sets a dotted name of a config to a value of any type."""
    *parents, last = name.split(".")
    for parent in parents:
        config = config[parent]
    with config.ignore_type():
        config[last] = value


WRONG = {
    "objective.first": (-0.01, 0.0, math.nan, math.inf),
    "objective.last": (-0.01, 0.0),
    "objective.balance": (math.nan,),
    "objective.middle": (-0.1, 1.0),
    "objective.distortion": ("psnr", ""),
    "target_rate.targets_bpp": ((-0.25,), (math.nan,)),
    "target_rate.beta": ((0.0,),),
    "target_rate.strategy": ("best",),
    "target_rate.parameter_bpp": ((-1.0,),),
    "target_rate.smoothing": ("no",),
    "target_rate.alpha": (-0.1, 1.0),
    "target_rate.decay.steps": (-1,),
    "target_rate.decay.base": (0.5,),
    "target_rate.decay.limit_bpp": (0.0,),
    "target_rate.decay.below_bpp": (-1.0,),
    "target_rate.tolerance": (-0.1, math.nan),
    "target_rate.beta_rate": (-0.1,),
    "target_rate.balance": (math.inf,),
    "search.rounds": (-1,),
    "search.steps": (0,),
    "search.mean_tolerance": (0.0, -0.1),
    "search.tolerance": (-0.1,),
    "regularizer.alpha": (-0.1, math.inf, math.nan),
    "regularizer.source": ("wavelet", ""),
    "regularizer.features": (0,),
    "regularizer.fold": (0, 3),
    "regularizer.learning_rate": (0.0, math.inf),
    "regularizer.clip": (0.0,),
    "regularizer.control": ("lambda",),
    "search.delta": (-0.1,),
    "start.qualities": ((0.0,), (0.0, 0.5, 1.0), (0.0, math.inf)),
    "surrogate": ("rounding", ""),
    "seed": (-1, 2**32),
    "steps": (0, -5, 2**31),
    "batch_size": (0, -8),
    "average_decay": (1.5, 1.0, -0.1, math.nan),
    "optimiser.kind": ("sgd",),
    "optimiser.learning_rate": (0.0, -1e-4, math.nan, math.inf),
    "optimiser.warmup": (-5,),
    "optimiser.decay": (2.0, -0.1),
    "optimiser.clip": (0.0, -1.0, math.nan),
    "optimiser.b1": (1.0, -0.1),
    "optimiser.b2": (1.0, 2.0),
    "optimiser.muon_widest": (0, -1),
    "optimiser.muon_factor": (0.0,),
    "data.crop": (0, -64),
    "data.kind": ("noise", ""),
    "data.validation_images": (-1,),
    "data.cache_gib": (-1.0, math.inf),
    "data.workers": (-1,),
    "data.min_scale": (0.0, 1.5, -0.5, math.nan),
    "log_every": (0,),
    "validate_every": (-1,),
    "validation_qualities": ((), (1.5,), (-0.1,), (0.0, math.nan)),
    "checkpoint_every": (0,),
    "keep_checkpoints": (0,),
}
FREE = {
    "name",
    "model",
    "objective.density_weight",
    "start.workdir",
    "start.codec",
    "start.grow",
    "fake_quantised",
    "data.folders",
    "data.held_out",
}
"""What is checked elsewhere, or by its type alone."""


def test_every_setting_is_tried():
    assert WRONG.keys() | FREE == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_value_that_cannot_work_is_named(config, name, value):
    put(config, name, value)
    with pytest.raises(TrainingError, match=rf"^config\.{name} is .*; it must be ") as raised:
        run_config.check(config)
    assert str(value) in str(raised.value) or value == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimiser.decay", 1.0),
        ("optimiser.warmup", 0),
        ("average_decay", 0.0),
        ("data.validation_images", 0),
        ("data.cache_gib", 0.0),
        ("data.crop", 48),
        ("seed", 2**32 - 1),
        ("start.qualities", (-0.5, 1.5)),
        ("validation_qualities", (1,)),
        ("data.folders", "photographs, more"),
    ],
)
def test_the_ends_of_the_ranges_are_allowed(config, name, value):
    put(config, name, value)
    run_config.check(config)


@pytest.mark.parametrize("kind", [*SURROGATES, "my_package.rounding:Soft"])
def test_every_surrogate_and_one_of_ones_own_can_be_named(config, kind):
    config.surrogate = kind
    run_config.check(config)


def test_the_table_needs_no_jax():
    code = "import sys, jaxcodec.training.settings; print('jax' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        == "False\n"
    )
