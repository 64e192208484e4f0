"""Folders of images: what is found, what is held out, what is kept in memory, and what is said of
bad files.
"""

import os
import pathlib
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from jaxcodec import data
from jaxcodec.data.source import DecodedCache
from jaxcodec.errors import DataError


def test_finds_all_formats_below_in_sorted_order(folder):
    dataset = data.open_folder(folder)
    assert len(dataset.train) == 12
    assert list(dataset.train) == sorted(dataset.train)
    assert {path.rsplit(".", 1)[1] for path in dataset.train} == {"png", "jpg", "webp", "JPEG"}
    assert dataset.skipped == dataset.validation == ()
    for path, pixels in zip(dataset.train, dataset.train_pixels, strict=True):
        with Image.open(path) as image:
            assert pixels == image.width * image.height


def test_headers_alone_give_the_same_folder(folder):
    decoded, headers = data.open_folder(folder), data.open_folder(folder, decode_all=False)
    assert (headers.train, headers.train_pixels) == (decoded.train, decoded.train_pixels)
    assert (len(headers.cache), len(decoded.cache)) == (0, 12)


def test_several_folders_and_an_overlap(folder):
    both = data.open_folder([str(folder), str(folder / "below")])
    assert sorted(both.train) == sorted(data.open_folder(str(folder)).train)


def test_unreadable_files_are_named_counted_and_skipped(folder, caplog):
    (folder / "text.png").write_text("not an image")
    (folder / "empty.webp").touch()
    whole = (folder / "01.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "._hidden.jpg").write_text("resource fork")
    (folder / "notes.txt").write_text("nothing to do with it")
    dataset = data.open_folder(folder)
    assert [path.rsplit("/", 1)[1] for path in dataset.skipped] == [
        "empty.webp",
        "text.png",
        "truncated.jpg",
    ]
    assert len(dataset.train) == 12
    for name in ("empty.webp", "text.png", "truncated.jpg", "skipped 3 of 15"):
        assert name in caplog.text
    assert "hidden" not in caplog.text


def test_headers_alone_skip_what_is_no_image(folder):
    (folder / "text.png").write_text("not an image")
    assert len(data.open_folder(folder, decode_all=False).skipped) == 1


def test_held_out_images_are_disjoint_and_repeatable(folder, tmp_path):
    first, again = (data.open_folder(folder, validation_images=4) for _ in range(2))
    assert (first.train, first.validation) == (again.train, again.validation)
    assert len(first.validation) == 4 and len(first.train) == 8
    assert not set(first.train) & set(first.validation)
    assert data.open_folder(folder, validation_images=4, seed=1).validation != first.validation

    moved = shutil.copytree(folder, tmp_path / "moved")
    assert [
        path.replace("moved", "images")
        for path in data.open_folder(moved, validation_images=4).validation
    ] == list(first.validation)


@pytest.mark.parametrize("count", [12, 13, -1])
def test_holding_out_too_many_is_an_error(folder, count):
    with pytest.raises(DataError, match=f"cannot hold out {count} of the 12 readable images"):
        data.open_folder(folder, validation_images=count)


def test_missing_empty_and_unreadable_folders_are_errors(tmp_path):
    with pytest.raises(DataError, match="absent is not a folder"):
        data.open_folder(tmp_path / "absent")
    with pytest.raises(DataError, match="no readable PNG, JPEG or WebP image"):
        data.open_folder(tmp_path)
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(DataError, match="no readable PNG, JPEG or WebP image"):
        data.open_folder([tmp_path])


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path, photo, mode):
    grey = Image.fromarray(photo[:16, :24]).convert("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "P":
        image = Image.fromarray(photo[:16, :24]).quantize(16)
    else:
        image = (grey.convert("RGB") if mode == "CMYK" else grey).convert(mode)
    path = tmp_path / ("image.jpg" if mode == "CMYK" else "image.png")
    image.save(path)
    pixels = data.open_folder(tmp_path).read(str(path))
    assert (pixels.shape, pixels.dtype) == ((16, 24, 3), np.uint8)
    if mode in ("L", "LA", "RGBA", "I;16"):
        assert np.array_equal(pixels, np.repeat(np.asarray(grey)[..., None], 3, axis=2))


def test_the_cache_keeps_its_limit_and_changes_no_pixel(folder):
    kept = data.open_folder(folder)
    limited = data.open_folder(folder, cache_gib=30_000 / 2**30)
    uncached = data.open_folder(folder, cache_gib=0)
    assert len(uncached.cache) == 0 and 0 < len(limited.cache) < len(kept.cache)
    for path in kept.train:
        pixels = kept.read(path)
        assert pixels is kept.read(path)
        assert np.array_equal(pixels, limited.read(path)) and np.array_equal(
            pixels, uncached.read(path)
        )
    assert limited.cache.used_bytes <= 30_000


def test_kept_pixels_cannot_be_changed(folder):
    dataset = data.open_folder(folder)
    with pytest.raises(ValueError, match="read-only"):
        dataset.read(dataset.train[0])[:] = 0


def test_a_cache_counts_an_image_once_and_travels_empty():
    cache = DecodedCache(100)
    for _ in range(3):
        cache.offer("a", np.zeros(60, np.uint8))
    cache.offer("b", np.zeros(60, np.uint8))
    assert (len(cache), cache.used_bytes) == (1, 60)
    copy = pickle.loads(pickle.dumps(cache))
    assert (len(copy), copy.used_bytes, copy.limit_bytes) == (0, 0, 100)


def test_a_work_folder_below_keeps_its_own_pictures(folder, caplog):
    before = data.open_folder(folder).train
    for name in ("runs/old", "runs/new"):
        (folder / name / "pictures").mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(folder / name / "pictures" / "validation_0000012.png")
    assert len(data.open_folder(folder).train) == 14
    (folder / "runs/old/config.json").write_text("{}")
    (folder / "runs/old/checkpoints").mkdir()
    assert data.open_folder(folder, leave_out=folder / "runs/new").train == before
    assert "runs/old, whose pictures a training run made" in caplog.text
    assert "runs/new, whose pictures a training run made" in caplog.text
    assert len(data.open_folder(folder, leave_out=folder.parent / "elsewhere").train) == 13


@pytest.mark.parametrize(
    "name", ["gs://bucket/photographs", "s3://bucket", "https://example.org/photographs"]
)
def test_an_address_is_no_folder(name):
    with pytest.raises(
        DataError, match=f"{name.split('/')[-1]} is an address, not a folder of this machine"
    ):
        data.open_folder(name)


def test_a_folder_that_cannot_be_listed_is_named(folder, monkeypatch, caplog):
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("below"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert len(data.open_folder(folder).train) == 8
    assert "below: Permission denied" in caplog.text
    with pytest.raises(DataError, match="cannot read the folder .*below: Permission denied"):
        data.open_folder(folder / "below")


def test_a_name_that_is_not_utf_8_is_read(tmp_path, photo):
    for name in (b"caf\xe9.png", b"plain.png"):
        Image.fromarray(photo[:16, :16]).save(tmp_path / os.fsdecode(name))
    assert len(data.open_folder(tmp_path, validation_images=1).train) == 1


def test_named_images_are_in_neither_part(folder):
    whole = data.open_folder(folder, validation_images=1)
    name = pathlib.Path(whole.train[0]).relative_to(folder).as_posix()
    found = data.open_folder(folder, validation_images=1, held_out=[name])
    assert whole.train[0] not in found.train + found.validation
    assert len(found.train) + 1 == len(whole.train)
    with pytest.raises(DataError, match="gone.png, which is to be held out"):
        data.open_folder(folder, held_out=["gone.png"])
