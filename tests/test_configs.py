"""Every config builds its model, keeps the size of images, and says how to run it."""

import pathlib
import runpy

import jax
import jax.numpy as jnp
import pytest

from jaxcodec import models
from jaxcodec.errors import TrainingError
from jaxcodec.models.build import stride
from jaxcodec.models.presets import resnet_factorized_model
from jaxcodec.rate import thesis
from jaxcodec.training import config as run_config
from jaxcodec.training import optimisers

CONFIGS = sorted((pathlib.Path(__file__).parent.parent / "configs").glob("*.py"))


def load(path, *arguments):
    return runpy.run_path(str(path))["get_config"](*arguments)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_builds_its_model_and_optimiser(path):
    config = load(path)
    config.data.folders = "photographs"
    run_config.check(config)
    assert config.name
    assert config.data.crop % stride(config.model.to_dict()) == 0
    model = models.build(config.model.to_dict())
    image, quality, key = jnp.zeros((1, 64, 64, 3)), jnp.zeros(1), jax.random.key(0)
    output, variables = jax.eval_shape(model.init_with_output, key, image, quality, key)
    assert output.image.shape == image.shape
    jax.eval_shape(optimisers.create(config).init, variables)
    assert "--config=configs/" + path.name in runpy.run_path(str(path))["__doc__"]


CHOICES = [
    ("autoregressive_small", "checkerboard", "entropy", "checkerboard"),
    ("patch_autoregressive", "checkerboard", "entropy", "checkerboard"),
    ("cheng2020_small", "3", "mixture", 3),
    ("cheng2020", "mixture-1", "mixture", 3),
    ("cheng2020", "anchor-6", "gains", {"channels": 192}),
]


@pytest.mark.parametrize(("name", "choice", "key", "expected"), CHOICES)
def test_a_choice_after_the_colon_is_taken(name, choice, key, expected):
    path = next(path for path in CONFIGS if path.stem == name)
    assert load(path, choice).model.to_dict()[key] == expected
    assert load(path, choice).model.to_dict() != load(path).model.to_dict()


def test_an_unknown_form_is_named():
    path = next(path for path in CONFIGS if path.stem == "cheng2020")
    with pytest.raises(TrainingError, match="'transformer'"):
        load(path, "transformer-3")


@pytest.mark.parametrize("name", ["factorized_compressai", "mean_scale_compressai", "autoregressive_compressai"])
def test_compressais_qualities_have_their_trade_offs_and_sizes(name):
    path = next(path for path in CONFIGS if path.stem == name)
    low, high = load(path, "1"), load(path, "8")
    assert (low.objective.first, high.objective.first) == (0.0018, 0.18)
    assert (low.model.gains.channels, high.model.gains.channels) == (192, 320)
    with pytest.raises(TrainingError, match="quality 9"):
        load(path, "9")


THESIS_RUNS = [
    *((model, target) for model in ("parametric", "non_parametric") for target in thesis.TARGETS),
    *(("residual", target) for target in (0.06, 0.75, 2.0)),
]


@pytest.mark.parametrize(("model", "target"), THESIS_RUNS)
def test_every_run_of_the_thesis_has_its_parameter_and_beta(model, target):
    path = next(path for path in CONFIGS if path.stem == "target_rate")
    setting = thesis.SETTINGS[model][target]
    general = load(path, f"{model},{target}")
    assert general.target_rate.targets_bpp == (target,)
    assert general.target_rate.beta == (setting.beta,)
    assert (general.target_rate.strategy, general.steps) == ("general", 750_000)
    fixed = load(path, f"{model},{target},fixed")
    assert fixed.target_rate.parameter_bpp == (setting.parameter_bpp,)
    assert load(path, f"{model},{target},straight_through").surrogate == "round"


def test_the_residual_model_of_the_thesis_has_residual_blocks_and_no_gdn():
    path = next(path for path in CONFIGS if path.stem == "target_rate")
    config = load(path, "residual,0.75,fixed")
    assert config.model.to_dict() == resnet_factorized_model(128, 128)
    assert (config.target_rate.parameter_bpp, config.target_rate.beta, config.steps) == ((0.77,), (6_000,), 500_000)


METHODS = ("trade_off", "straight_through", "mixed", "tolerant", "adaptive_tolerant")
SMALL = [
    f"{entropy},{what}"
    for entropy in ("parametric", "non_parametric")
    for what in ("base", "0.12", "1.0", *(f"0.5,{method}" for method in METHODS))
]


@pytest.mark.parametrize("argument", [*SMALL, "parametric,all"])
def test_the_small_models_can_be_trained(argument):
    path = next(path for path in CONFIGS if path.stem == "target_rate_small")
    config = load(path, argument)
    config.data.folders = "photographs"
    run_config.check(config)
    models.build(config.model.to_dict())
    towards = "base" not in argument and "trade_off" not in argument
    assert len(config.target_rate.targets_bpp) == (4 if "all" in argument else towards)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("target_rate", "parametric,0.3"),
        ("target_rate", "residual,0.25"),
        ("target_rate", "parametric,0.25,best"),
        ("target_rate", "bigger,0.25"),
        ("target_rate_small", "parametric,0.3"),
        ("target_rate_small", "parametric,0.25,best"),
        ("target_rate_small", "non_parametric,all"),
    ],
)
def test_a_target_that_has_no_settings_is_named(name, argument):
    path = next(path for path in CONFIGS if path.stem == name)
    with pytest.raises(TrainingError, match=argument.split(",")[0] + "|all|0.3"):
        load(path, argument)
