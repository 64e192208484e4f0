"""From a checkpoint to a codec that codes pictures."""

import pathlib

import numpy as np
import pytest

import jaxcodec
from jaxcodec import cli, image
from jaxcodec.errors import CheckpointError
from jaxcodec.image import Picture
from jaxcodec.importing.codec import import_codec

RECORDED = pathlib.Path(__file__).parent / "recorded"


@pytest.fixture
def images(tmp_path, photo) -> pathlib.Path:
    """A folder of three small photographs, one of them grey."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        pixels = photo[100 * number :][:128, 150:278]
        image.write(folder / f"{number}.png", Picture(pixels[..., :1] if number == 1 else pixels))
    return folder


@pytest.mark.long_but("bmshj2018-factorized", "mbt2018")
@pytest.mark.parametrize("architecture", ["bmshj2018-factorized", "mbt2018-mean", "mbt2018"])
def test_an_imported_codec_decodes_what_it_encodes_at_the_rate_that_it_claims(
    tmp_path, images, architecture
):
    path = tmp_path / "imported.codec"
    content = import_codec(RECORDED / f"{architecture}.pth.tar", images, path)
    codec = jaxcodec.load(path)
    assert (codec.id, codec.name, codec.variable) == (content.id, architecture, False)
    rates = []
    for file in sorted(images.iterdir()):
        pixels = image.read(file).pixels
        pixels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
        data = jaxcodec.encode(codec, pixels, effort=0)
        assert jaxcodec.decode(codec, data).shape == pixels.shape
        rates.append(8 * len(data) / pixels[..., 0].size)
    assert codec.bpp_range == (np.mean(rates), np.mean(rates))


def test_an_error_leaves_no_file(tmp_path, images, capsys):
    path, source = tmp_path / "imported.codec", tmp_path / "weights.pth"
    source.write_bytes(b"hello")
    with pytest.raises(CheckpointError):
        import_codec(source, images, path)
    for folder in (images, tmp_path / "nowhere"):
        assert cli.main(["import", str(source), str(path), "--images", str(folder)]) == 2
        errors = capsys.readouterr().err
        assert errors.startswith("jaxcodec: error: ") and errors.count("\n") == 1
    assert not path.exists()
