"""The settings of a run: what each may be, what binds a run, and how they are kept. Nothing is
compiled here.
"""

import json

import pytest

from jaxcodec.errors import CodecError, CodecFileError, TrainingError
from jaxcodec.training import config as run_config


def test_the_defaults_are_valid_but_for_what_a_config_must_fill(config):
    default = run_config.default_config()
    default.model, default.data.folders, default.data.crop = config.model, "photographs", 256
    run_config.check(default)
    with pytest.raises(CodecFileError, match="entropy model None is unknown"):
        default.model = {}
        run_config.check(default)


def test_a_crop_that_the_model_cannot_take_is_told_the_nearest(config):
    config.data.crop = 100
    with pytest.raises(
        TrainingError, match="crop is 100; the model takes a multiple of 16, 96 say"
    ):
        run_config.check(config)


def test_a_setting_that_there_is_none_of_is_told_the_nearest(config):
    config.optimiser.learnig_rate = 1e-3
    with pytest.raises(
        TrainingError,
        match="config.optimiser.learnig_rate is unknown; config.optimiser.learning_rate is",
    ):
        run_config.check(config)


@pytest.mark.parametrize("names", ["", ",", "photographs,", ",photographs"])
def test_a_folder_without_a_name_is_an_error(config, names):
    config.data.folders = names
    with pytest.raises(
        TrainingError, match="^config.data.folders is .*; give --config.data.folders=DIR"
    ):
        run_config.check(config)


def test_folders_are_separated_by_commas(config):
    config.data.folders = "a, b/c"
    assert run_config.folders(config) == ["a", "b/c"]


def test_settings_are_kept_and_read_again(config, tmp_path):
    config.name = "tiny"
    run_config.remember(config, tmp_path)
    kept = run_config.load(tmp_path)
    assert (kept.name, kept.steps, kept.data.crop, kept.model.entropy) == (
        "tiny",
        12,
        32,
        "factorized",
    )
    assert list(kept.validation_qualities) == [0.5]


def test_other_settings_of_a_run_are_told_one_by_one(config, tmp_path):
    run_config.remember(config, tmp_path)
    config.steps, config.optimiser.learning_rate = (
        99,
        0.5,
    )  # these may change from one part of a run to the next
    run_config.check_same(config, tmp_path)

    config.batch_size = 16
    config.model.synthesis.features = (48,)
    config.target_rate.decay.steps = 7
    with pytest.raises(TrainingError) as raised:
        run_config.check_same(config, tmp_path)
    assert str(raised.value) == (
        f"{tmp_path} holds a run with other settings (config.batch_size: 8 before, 16 now; "
        "config.model.synthesis.features: [4, 3] before, [48] now; "
        "config.target_rate.decay.steps: 150000 before, 7 now); use those, or another --workdir"
    )


def test_a_model_with_more_or_fewer_settings_is_another(config, tmp_path):
    config.model.prior = {"widths": (3, 3)}
    run_config.remember(config, tmp_path)
    del config.model["prior"]
    with pytest.raises(
        TrainingError, match=r"config.model.prior.widths: \[3, 3\] before, not set now"
    ):
        run_config.check_same(config, tmp_path)


def test_a_run_of_an_older_version_had_the_defaults_of_what_it_did_not_know(config, tmp_path):
    run_config.remember(config, tmp_path)
    path = tmp_path / "config.json"
    settings = json.loads(path.read_text())
    del settings["target_rate"], settings["surrogate"]
    path.write_text(json.dumps(settings))
    run_config.check_same(config, tmp_path)
    assert run_config.load(tmp_path).target_rate.alpha == 0.99
    config.surrogate = "mixed"
    with pytest.raises(TrainingError, match="config.surrogate: noise before, mixed now"):
        run_config.check_same(config, tmp_path)


def test_a_folder_without_settings_binds_nobody(config, tmp_path):
    run_config.check_same(config, tmp_path)
    with pytest.raises(TrainingError, match="holds no config.json; name the --workdir"):
        run_config.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b'{"model": 3}', b'{"model": {}}', b"\xff\xfe\x00"],
)
def test_damaged_settings_are_one_sentence(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CodecError, match="config.json is damaged"):
        run_config.load(tmp_path)


def test_an_objective_that_is_assigned_whole_has_the_defaults_of_the_rest(config, tmp_path):
    run_config.remember(config, tmp_path)
    config.objective = {"first": 0.01, "last": 0.01, "balance": 0.0}
    run_config.check_same(config, tmp_path)
    config.objective = {"kind": "toy_critic:CriticisedRate", "trade_off": 0.5, "weight": 1.0}
    run_config.remember(config, tmp_path)
    run_config.check_same(config, tmp_path)
