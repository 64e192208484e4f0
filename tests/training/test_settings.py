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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("objective.first", -0.01), ("objective.last", math.nan), ("average_decay", 1.5), ("average_decay", -0.1),
        ("optimiser.warmup", -5), ("optimiser.decay", 2.0), ("optimiser.clip", 0.0), ("optimiser.b2", 1.0),
        ("optimiser.learning_rate", -1e-4), ("optimiser.kind", "sgd"), ("surrogate", "nois"), ("seed", -1),
        ("data.crop", 0), ("data.crop", -64), ("data.workers", -1), ("data.cache_gib", math.inf),
        ("data.min_scale", 1.5), ("validation_qualities", ()), ("validation_qualities", (0.5, 50.0)),
        ("keep_checkpoints", 0), ("target_rate.decay.steps", -1), ("search.steps", 0),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_refused_by_name(config, name, value):
    *groups, last = name.split(".")
    group = config
    for part in groups:
        group = group[part]
    group[last] = value
    with pytest.raises(TrainingError, match=rf"config\.{name} is .*; it must be "):
        run_config.check(config)


@pytest.mark.parametrize("kind", [*SURROGATES, "my_package.rounding:Soft"])
def test_every_surrogate_and_one_of_ones_own_can_be_named(config, kind):
    config.surrogate = kind
    run_config.check(config)


def test_the_table_needs_no_jax():
    code = "import sys, jaxcodec.training.settings; print('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
