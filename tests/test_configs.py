"""Every config builds its model, keeps the size of images, and says how to run it; what is no
config is named.
"""

import pathlib
import re
import runpy

import jax
import jax.numpy as jnp
import pytest

from jaxcodec import configs, models
from jaxcodec.errors import TrainingError
from jaxcodec.models.build import stride
from jaxcodec.models.presets import resnet_factorized_model
from jaxcodec.objectives import thesis
from jaxcodec.training import config as run_config
from jaxcodec.training import optimisers

ROOT = pathlib.Path(__file__).resolve().parent.parent


def load(name, *arguments):
    return configs.load(":".join([name, *arguments]))


def test_a_shrinkage_config_takes_a_surrogate_of_the_threshold():
    config = load("shrinkage_small", "shrinkage,gate")
    assert config.name == "shrinkage_gate_small"
    model = models.build(config.model.to_dict())
    assert model.analysis.activation["surrogate"] == "gate"
    for wrong in ("shrinkage,gait", "gdn,gate", "swoosh"):
        with pytest.raises(TrainingError, match="shrinkage may be followed by"):
            load("shrinkage_small", wrong)


def test_a_linear_codec_is_a_threshold_that_stays_at_zero():
    model = models.build(load("shrinkage_small", "linear").model.to_dict())
    for transform in (model.analysis, model.synthesis):
        assert transform.activation == {"kind": "shrinkage", "surrogate": "fixed", "start": 0.0}


def test_the_twin_under_gaussians_has_the_networks_of_the_gdn_twin():
    twin, adaptive = (
        load("shrinkage_small", kind).model.to_dict() for kind in ("gdn", "mean_scale")
    )
    assert (adaptive.pop("entropy"), adaptive.pop("scale_form")) == ("mean_scale", "log")
    assert (twin.pop("entropy"), twin.pop("unit")) == ("normalised", 0.1)
    assert adaptive == twin


def test_the_folder_of_a_clone_holds_those_of_the_package():
    assert configs.available() == sorted(path.stem for path in (ROOT / "configs").glob("[!_]*.py"))
    assert {"mean_scale_small", "patch", "target_rate"} <= set(configs.available())


@pytest.mark.parametrize("name", configs.available())
def test_a_config_builds_its_model_and_optimiser(name):
    config = load(name)
    config.data.folders = "photographs"
    run_config.check(config)
    assert config.name
    assert config.data.crop % stride(config.model.to_dict()) == 0
    model = models.build(config.model.to_dict())
    image, quality, key = jnp.zeros((1, 64, 64, 3)), jnp.zeros(1), jax.random.key(0)
    output, variables = jax.eval_shape(model.init_with_output, key, image, quality, key)
    assert output.image.shape == image.shape
    jax.eval_shape(optimisers.create(config).init, variables)
    assert f"--config=configs/{name}.py" in runpy.run_path(str(configs.find(name)))["__doc__"]


CHOICES = [
    ("bounded", "16,nlpd_2017,uniform", "levels", 16),
    ("bounded_small", "4", "levels", 4),
    ("autoregressive_small", "checkerboard", "entropy", "checkerboard"),
    ("patch_autoregressive", "checkerboard", "entropy", "checkerboard"),
    ("cheng2020_small", "3", "mixture", 3),
    ("cheng2020", "mixture-1", "mixture", 3),
    ("cheng2020", "anchor-6", "gains", {"channels": 192}),
]


@pytest.mark.parametrize(("name", "choice", "key", "expected"), CHOICES)
def test_a_choice_after_the_colon_is_taken(name, choice, key, expected):
    assert load(name, choice).model.to_dict()[key] == expected
    assert load(name, choice).model.to_dict() != load(name).model.to_dict()


def test_an_unknown_form_is_named():
    with pytest.raises(TrainingError, match="'transformer'"):
        load("cheng2020", "transformer-3")


@pytest.mark.parametrize(
    "name", ["factorized_compressai", "mean_scale_compressai", "autoregressive_compressai"]
)
def test_compressais_qualities_have_their_trade_offs_and_sizes(name):
    low, high = load(name, "1"), load(name, "8")
    assert (low.objective.first, high.objective.first) == (0.0018, 0.18)
    assert (low.model.gains.channels, high.model.gains.channels) == (192, 320)
    with pytest.raises(TrainingError, match="quality 9"):
        load(name, "9")
    with pytest.raises(TrainingError, match="quality best is not one of CompressAI's"):
        load(name, "best")


THESIS_RUNS = [
    *((model, target) for model in ("parametric", "non_parametric") for target in thesis.TARGETS),
    *(("residual", target) for target in (0.06, 0.75, 2.0)),
]


@pytest.mark.parametrize(("model", "target"), THESIS_RUNS)
def test_every_run_of_the_thesis_has_its_parameter_and_beta(model, target):
    setting = thesis.SETTINGS[model][target]
    general = load("target_rate", f"{model},{target}")
    assert general.target_rate.targets_bpp == (target,)
    assert general.target_rate.beta == (setting.beta,)
    assert (general.target_rate.strategy, general.steps) == ("general", 750_000)
    fixed = load("target_rate", f"{model},{target},fixed")
    assert fixed.target_rate.parameter_bpp == (setting.parameter_bpp,)
    assert load("target_rate", f"{model},{target},straight_through").surrogate == "round"


def test_the_residual_model_of_the_thesis_has_residual_blocks_and_no_gdn():
    config = load("target_rate", "residual,0.75,fixed")
    assert config.model.to_dict() == resnet_factorized_model(128, 128)
    assert (config.target_rate.parameter_bpp, config.target_rate.beta, config.steps) == (
        (0.77,),
        (6_000,),
        500_000,
    )


METHODS = ("trade_off", "straight_through", "mixed", "tolerant", "adaptive_tolerant")
SMALL = [
    f"{entropy},{what}"
    for entropy in ("parametric", "non_parametric")
    for what in ("base", "0.12", "1.0", *(f"0.5,{method}" for method in METHODS))
]


@pytest.mark.parametrize("argument", [*SMALL, "parametric,all"])
def test_the_small_models_can_be_trained(argument):
    config = load("target_rate_small", argument)
    config.data.folders = "photographs"
    run_config.check(config)
    models.build(config.model.to_dict())
    towards = "base" not in argument and "trade_off" not in argument
    assert len(config.target_rate.targets_bpp) == (4 if "all" in argument else towards)


@pytest.mark.parametrize(
    ("argument", "regularizer", "trade_off"),
    [
        ("hyperprior,base", {"alpha": 0.0}, 0.0004),
        ("hyperprior,0.03", {"alpha": 0.03, "source": "aligned"}, 0.0004),
        ("hyperprior,0.01,log_mse", {"control": "log_mse", "source": "aligned"}, 0.0004),
        ("hyperprior:0.0067,0.01", {"alpha": 0.01}, 0.0067),
        ("autoregressive,0.01,hyper", {"source": "hyper", "control": "none"}, 0.013),
        ("attention,0", {"alpha": 0.0}, 0.013),
    ],
)
def test_the_regularized_models_can_be_trained(argument, regularizer, trade_off):
    config = load("regularized_small", argument)
    config.data.folders = "photographs"
    run_config.check(config)
    assert config.regularizer.to_dict().items() >= regularizer.items()
    assert config.objective.first == trade_off
    assert config.surrogate == ("mixed" if "base" in argument else "noise")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("wavelet,0.1", "'wavelet,0.1' is not one of hyperprior|"),
        ("hyperprior,0.1,best", "is not one of"),
        ("hyperprior,much", "'much' of 'hyperprior,much' is not a number"),
        ("hyperprior", "'hyperprior' is not one of hyperprior|autoregressive"),
        ("hyperprior,0.1,log_mse,more", "is not one of"),
        ("hyperprior,base,hyper", "is not one of"),
        ("hyperprior:0,0.01", "a lambda of 0 is outside of the base's range, 0.0004 to 0.06"),
        ("hyperprior:5,0.01", "a lambda of 5 is outside"),
        ("attention,base", "'attention' has no base"),
        ("autoregressive:0.01,0", "only 'hyperprior' has a range"),
    ],
)
def test_a_regularized_model_that_is_none_is_named(argument, message):
    with pytest.raises(TrainingError, match=re.escape(message)):
        load("regularized_small", argument)


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
    with pytest.raises(TrainingError, match=argument.split(",")[0] + "|all|0.3"):
        load(name, argument)


@pytest.mark.parametrize(
    "name", ["cheng2020_small", "cheng2020_small.py", "configs/cheng2020_small.py"]
)
def test_a_packaged_config_has_its_name_everywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert configs.load(f"{name}:3").model.mixture == 3


def test_a_file_comes_before_the_packaged_one_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    text = (
        "from jaxcodec.training.config import small_config\ndef get_config():\n    return "
        "small_config()\n"
    )
    pathlib.Path("configs/patch.py").write_text(text)
    assert configs.load("configs/patch.py").steps == 4_000
    assert configs.load("patch").steps == 8_000


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mean_scal_small", "no config mean_scal_small; did you mean mean_scale_small"),
        ("elsewhere/patch.py", "no config elsewhere/patch.py; did you mean patch"),
        ("zzz", "no config zzz; give the path of one, or one of autoregressive_compressai, "),
        ("__init__", "no config __init__"),
        ("factorized_small:3", "factorized_small.py takes nothing behind a colon"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(name, message):
    with pytest.raises(TrainingError, match=message):
        configs.load(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ndef get_config(:\n", "broken.py, line 2: invalid syntax"),
        ("x = 1\n", "broken.py has no function get_config"),
        (
            "import nothing_of_this_name\n",
            "broken.py, line 1: ModuleNotFoundError: No module named 'nothing_of_",
        ),
        ("def get_config():\n    a = 1\n    return a.b\n", "broken.py, line 3: AttributeError"),
        (
            "def get_config():\n    pass\n",
            "get_config of .*broken.py gives NoneType, not a ConfigDict",
        ),
        ("def get_config(argument):\n    return argument\n", "broken.py: TypeError"),
        ("\0", "broken.py"),
        (b"\xff\xfe", "broken.py"),
        (
            "from jaxcodec.training.config import small_config\n"
            "def get_config():\n    config = small_config()\n    config.steps = 'many'\n    return "
            "config\n",
            "broken.py, line 4: TypeError",
        ),
    ],
)
def test_a_file_that_is_no_config_is_told_with_its_line(text, message, tmp_path):
    path = tmp_path / "broken.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TrainingError, match=message):
        configs.load(str(path))
