"""The example of docs/extending.md: trained, exported, encoded and decoded, with nothing of it in
the package.
"""

import json
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import jaxcodec
from jaxcodec import cli, configs, extensions
from jaxcodec.errors import ExtensionError
from jaxcodec.training import train_loop

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "examples" / "extending"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, photo):
    """The work folder of two steps of the example, and the folder of its images; allowed for this
    module alone.
    """
    workdir, images = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("images")
    for index in range(4):
        Image.fromarray(photo[128 * index :, 64 * index :][:96, :96]).save(images / f"{index}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        patch.setattr(extensions, "allowed", set())
        config = configs.load(str(FOLDER / "config.py"))
        config.data.folders = str(images)
        config.data.crop, config.data.validation_images, config.steps, config.batch_size = (
            64,
            1,
            2,
            2,
        )
        assert train_loop.train(config, workdir)
        yield workdir, images
    for name in [name for name in sys.modules if name.split(".")[0] == "my_codec"]:
        del sys.modules[name]


@pytest.fixture
def nothing_allowed(monkeypatch):
    monkeypatch.setattr(extensions, "allowed", set())


def test_a_run_keeps_import_paths(trained):
    settings = json.loads((trained[0] / "config.json").read_text())
    assert settings["model"]["entropy"] == "my_codec.entropy:ShiftedMeanScale"
    assert settings["model"]["prior"]["kind"] == "my_codec.entropy:LogisticPrior"
    assert settings["model"]["analysis"]["kind"] == "my_codec.transforms:Analysis"
    assert settings["objective"]["kind"] == "my_codec.objectives:CharbonnierRate"


def test_the_example_becomes_a_codec_that_decodes_what_it_encodes(
    trained, tmp_path, nothing_allowed, capsys
):
    workdir, images = trained
    codec, compressed, decoded = (str(tmp_path / name) for name in ("my.codec", "a.jxc", "a.png"))
    picture, allow = str(images / "0.png"), ["--allow-import", "my_codec"]

    assert cli.main(["export", str(workdir), codec]) == 2
    message = capsys.readouterr().err
    assert "my_codec.entropy:ShiftedMeanScale is code from outside jaxcodec" in message
    assert not pathlib.Path(codec).exists()
    assert cli.main(["export", str(workdir), codec, *allow]) == 0

    extensions.allowed.clear()
    assert cli.main(["encode", picture, compressed, "--codec", codec]) == 2
    assert "my.codec: my_codec." in capsys.readouterr().err
    assert (
        cli.main(["encode", picture, compressed, "--codec", codec, "--no-compile-cache", *allow])
        == 0
    )
    assert (
        cli.main(["decode", compressed, decoded, "--codec", codec, "--no-compile-cache", *allow])
        == 0
    )

    extensions.allowed.clear()
    with pytest.raises(ExtensionError, match="my_codec"):
        jaxcodec.load(codec)
    loaded = jaxcodec.load(codec, allow=("my_codec",))
    again = jaxcodec.decode(loaded, pathlib.Path(compressed).read_bytes())
    np.testing.assert_array_equal(again, np.asarray(Image.open(decoded)))
    assert again.shape == (96, 96, 3)
