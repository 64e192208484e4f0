"""jaxcodec import: from a checkpoint to a codec file."""

import pathlib

import pytest

import jaxcodec
from jaxcodec import cli, image
from jaxcodec.image import Picture

RECORDED = pathlib.Path(__file__).parents[1] / "importing" / "recorded"


@pytest.fixture
def images(tmp_path, photo) -> pathlib.Path:
    """A folder of three small photographs, one of them grey."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        pixels = photo[100 * number :][:128, 150:278]
        image.write(folder / f"{number}.png", Picture(pixels[..., :1] if number == 1 else pixels))
    return folder


def test_the_command_says_what_it_made(tmp_path, images, capsys):
    path = tmp_path / "imported.codec"
    source = RECORDED / "bmshj2018-factorized.pth.tar"
    arguments = ["import", str(source), str(path), "--images", str(images), "--name", "mine"]
    assert cli.main(arguments) == 0
    codec, output = jaxcodec.load(path), capsys.readouterr().out
    assert codec.name == "mine"
    assert output.startswith(f"{source} -> {path}: {path.stat().st_size:,} bytes, id {codec.id}, ")
    assert "CompressAI's bmshj2018-factorized" in output
