import dataclasses
import time

import numpy as np
import pytest

from jaxcodec.errors import DataError, ImageError
from jaxcodec.evaluation import measure
from jaxcodec.evaluation.coder import EvaluationError
from jaxcodec.evaluation.measure import Photo, load_photos, sweep


@pytest.fixture(scope="module")
def photos(pictures):
    return load_photos(pictures)[0]


def test_pictures_are_read_in_order_and_without_alpha(photos):
    assert [photo.name for photo in photos] == ["a.png", "b.png", "c <grey>.png"]
    assert [photo.pixels.shape for photo in photos] == [(40, 48, 3), (40, 48, 3), (40, 40, 1)]
    assert photos[0].notes == ()
    assert photos[1].notes == ("its alpha channel is left out",)


def test_a_folder_without_pictures_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no images"):
        load_photos(tmp_path)


def test_an_unreadable_picture_is_named_and_the_others_are_read(tmp_path, pictures):
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(ImageError, match="broken.png"):
        load_photos(tmp_path)
    (tmp_path / "a.png").write_bytes((pictures / "a.png").read_bytes())
    photos, unreadable = load_photos(tmp_path)
    assert [photo.name for photo in photos] == ["a.png"]
    assert list(unreadable) == ["broken.png"] and "broken.png" in unreadable["broken.png"]


def test_a_picture_that_a_coder_cannot_take_is_left_out_of_all_its_points(photos, coarse):
    class Picky(coarse):
        def encode(self, pixels, point):
            if point == 32.0 and pixels.shape[2] == 1:
                raise EvaluationError("too grey")
            if (
                point == 16.0
                and pixels.shape == photos[1].pixels.shape
                and (pixels == photos[1].pixels).all()
            ):
                raise MemoryError
            return super().encode(pixels, point)

    found = sweep(Picky(), photos, workers=2)
    assert set(found.failed) == {"b.png", "c <grey>.png"}
    assert found.failed["c <grey>.png"] == "too grey" and "memory" in found.failed["b.png"]
    assert [(row.image, row.point) for row in found.measurements] == [
        ("a.png", point) for point in Picky().points
    ]
    assert found.without(["a.png"]).measurements == ()


def test_numbers_are_those_of_the_files(photos, coarse):
    coder = coarse()
    found = sweep(coder, photos)
    assert len(found.measurements) == 4 * 3
    row = found.at(16.0)[0]
    data = coder.encode(photos[0].pixels, 16)
    error = np.mean((coder.decode(data, 16).astype(float) - photos[0].pixels) ** 2)
    assert (row.image, row.bytes, row.bpp) == ("a.png", len(data), 8 * len(data) / (40 * 48))
    assert row.metrics["psnr_db"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
    assert 0.5 < row.metrics["ssim"] < 1
    assert row.metrics["ms_ssim"] is None  # below 161 pixels
    assert row.encode_seconds > 0 and row.decode_seconds > 0


def test_means_are_over_the_pictures_at_each_point(photos, coarse):
    found = sweep(coarse(), photos)
    means = found.means()
    assert [mean["point"] for mean in means] == [64.0, 32.0, 16.0, 8.0]
    rows = [row for row in found.measurements if row.point == 8.0]
    assert means[-1]["bpp"] == pytest.approx(sum(row.bpp for row in rows) / 3)
    assert means[-1]["psnr_db"] == pytest.approx(sum(row.metrics["psnr_db"] for row in rows) / 3)
    assert means[-1]["ms_ssim"] is None


def test_several_workers_find_the_same(photos, coarse):
    def sizes(found):
        return [
            (row.image, row.point, row.bytes, row.metrics["psnr_db"]) for row in found.measurements
        ]

    assert sizes(sweep(coarse(), photos, workers=3)) == sizes(sweep(coarse(), photos))


def test_the_first_run_of_each_size_is_not_timed(photos, coarse):
    seen = set()

    class Compiling(coarse):
        def encode(self, pixels, point):
            if (pixels.shape, point) not in seen:
                seen.add((pixels.shape, point))
                time.sleep(0.3)
            return super().encode(pixels, point)

    found = sweep(Compiling(points=(32.0, 16.0)), photos)
    assert len(seen) == 4
    assert max(row.encode_seconds for row in found.measurements) < 0.2


def test_ms_ssim_of_pictures_that_are_large_enough(photo, coarse):
    row = measure.measure(coarse(), Photo("large", photo[:176, 80:384]), 48)
    assert row.metrics["ssim"] < row.metrics["ms_ssim"] < 1


def test_a_grey_picture_decoded_as_rgb_is_compared_as_rgb(photo):
    grey = Photo("grey", photo[:40, :40, :1])
    same = measure.similarity(grey, grey.pixels.repeat(3, axis=2), "coder")
    assert same["psnr_db"] == np.inf and same["ssim"] == pytest.approx(1)
    tinted = grey.pixels.repeat(3, axis=2).copy()
    tinted[..., 0] ^= 1
    assert measure.similarity(grey, tinted, "coder")["psnr_db"] == pytest.approx(
        10 * np.log10(255**2 * 3), abs=1e-3
    )


def test_a_coder_that_changes_the_size_is_an_error(photos, coarse):
    @dataclasses.dataclass(frozen=True)
    class Cropping(coarse):
        def decode(self, data, point):
            return super().decode(data, point)[:-1]

    with pytest.raises(EvaluationError, match="coarse decoded a.png, 48 x 40 pixels, to 48 x 39"):
        sweep(Cropping(), photos)
