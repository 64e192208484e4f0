"""The script that draws pictures of screens."""

import numpy as np
import pytest
from PIL import Image

from tools import draw_screens

SIZE = (160, 120)
KINDS = len(draw_screens.KINDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pictures of every kind."""
    folder = tmp_path_factory.mktemp("screens") / "new" / "folder"
    arguments = [str(folder), "--count", str(2 * KINDS), "--seed", "3", "--size", "160x120"]
    assert draw_screens.main(arguments) == 0
    return folder


@pytest.fixture(scope="module")
def pictures(folder):
    """Their pixels, in the order of their numbers."""
    return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]


def test_a_picture_is_a_function_of_seed_and_number(pictures):
    for number in range(KINDS):
        again = np.asarray(draw_screens.picture(3, number, SIZE))
        assert np.array_equal(again, pictures[number])


def test_pictures_differ_by_number_and_seed(pictures):
    other = np.asarray(draw_screens.picture(4, 0, SIZE))
    assert len({picture.tobytes() for picture in [*pictures, other]}) == 2 * KINDS + 1


def test_pictures_are_rgb_of_the_size_with_many_colours_and_sharp_edges(pictures):
    assert len(pictures) == 2 * KINDS
    for picture in pictures:
        assert picture.shape == (120, 160, 3)
        assert picture.dtype == np.uint8
        assert np.abs(np.diff(picture.astype(int), axis=1)).max() > 60
    colours = [len(np.unique(picture.reshape(-1, 3), axis=0)) for picture in pictures]
    assert min(colours) > 2  # letters that are not smoothed have one colour
    assert np.quantile(colours, 0.2) > 30


@pytest.mark.parametrize("size", [(10, 10), (40, 150)])
def test_every_kind_fits_a_small_or_narrow_picture(size):
    for number in range(KINDS):
        assert draw_screens.picture(0, number, size).size == size


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(folder, capsys):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert draw_screens.main([str(folder), "--count", "1"]) == 2
    assert capsys.readouterr().err == f"{folder} is not an empty folder; name a new one.\n"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("size", ["640", "640x", "0x480", "640x480x3"])
def test_a_size_that_is_none_is_refused(tmp_path, size, capsys):
    with pytest.raises(SystemExit):
        draw_screens.main([str(tmp_path / "new"), "--size", size])
    assert "WIDTHxHEIGHT" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
