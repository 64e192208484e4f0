import numpy as np
import pytest
import small_codecs

import jaxcodec
from jaxcodec.targets import guess


@pytest.fixture(scope="module")
def default():
    return jaxcodec.load("patch-2026")


@pytest.mark.parametrize("bpp", [0.2, 0.5, 1.0])
def test_it_comes_near_the_rate(default, photo, bpp):
    picture = photo[:256, 128:384]
    quality = guess.quality(default, picture, bpp)
    found = 8 * len(jaxcodec.encode(default, picture, quality=quality)) / picture[..., 0].size
    assert abs(np.log(found / bpp)) < 0.4


def test_it_rises_with_the_rate_and_falls_with_the_detail(default, photo):
    qualities = [guess.quality(default, photo, bpp) for bpp in (0.01, 0.1, 0.3, 1, 20)]
    assert qualities == sorted(qualities)
    assert (qualities[0], qualities[-1]) == (0, 100)
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    assert (
        guess.quality(default, noise, 0.3)
        < guess.quality(default, photo, 0.3)
        < guess.quality(default, photo // 8, 0.3)
    )


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (64, 16)])
def test_any_size_and_any_codec(size, photo):
    assert 0 <= guess.quality(small_codecs.build("patch"), photo[: size[0], : size[1]], 1.0) <= 100
