"""Reading, writing and listing images, and what is said when that fails."""

import errno
import os
import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms

from jaxcodec import image
from jaxcodec.errors import DataError, ImageError
from jaxcodec.files import read_bytes, write_atomic
from jaxcodec.image import Picture

RGBA = np.random.default_rng(0).integers(0, 256, (7, 5, 4), np.uint8)
RGB = Image.fromarray(RGBA[..., :3])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cmyk_profile() -> bytes:
    """A small ICC profile of a CMYK device whose lightness is that of the paper that the inks leave
    uncovered.
    """
    header = (
        struct.pack(">I4sI4s4s4s", 0, b"test", 0x02400000, b"prtr", b"CMYK", b"Lab ")
        + bytes(12)
        + b"acsp"
    )
    header = header.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    grid = b"".join(
        bytes([round(255 * (1 - k) * (3 - c - m - y) / 3), 128, 128])
        for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
    )  # fmt: skip
    table = (
        b"mft1"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + identity
        + bytes(range(256)) * 4
        + grid
        + bytes(range(256)) * 3
    )
    body = header.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table
    return struct.pack(">I", len(body)) + body[4:]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".TIFF", ".webp"])
def test_lossless_formats_keep_every_pixel_and_the_profile(tmp_path, channels, suffix):
    pixels = RGBA[..., :channels]
    path = tmp_path / f"a{suffix}"
    image.write(path, Picture(pixels, SRGB if channels > 1 else None))
    back = image.read(path)
    if suffix == ".webp" and channels == 1:
        pixels = pixels.repeat(3, axis=2)
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.notes == ()
    assert back.icc == (SRGB if channels > 1 else None)


def test_jpeg_is_close_and_keeps_the_profile(tmp_path, photo):
    image.write(tmp_path / "a.jpg", Picture(photo, SRGB))
    back = image.read(tmp_path / "a.jpg")
    assert back.icc == SRGB
    assert np.abs(back.pixels.astype(int) - photo).mean() < 2


@pytest.mark.parametrize(
    ("mode", "options", "expected", "note"),
    [
        ("1", {}, "L", "converted from 1 bit to grey"),
        ("P", {}, "RGB", "converted from a palette to RGB"),
        ("P", {"transparency": 3}, "RGBA", "converted from a palette to RGBA"),
        ("P", {"transparency": bytes(range(256))}, "RGBA", "converted from a palette to RGBA"),
        ("L", {"transparency": 3}, "RGBA", "converted from grey to RGBA"),
        (
            "RGB",
            {"transparency": tuple(RGBA[2, 2, :3].tolist())},
            "RGBA",
            "converted from RGB to RGBA",
        ),
        ("LA", {}, "RGBA", "converted from grey with alpha to RGBA"),
    ],
)
def test_other_png_modes_are_converted_with_a_note(tmp_path, mode, options, expected, note):
    path = tmp_path / "a.png"
    (Image.fromarray(RGBA) if mode == "LA" else RGB).convert(mode).save(path, **options)
    picture = image.read(path)
    np.testing.assert_array_equal(
        picture.pixels.squeeze(), np.asarray(Image.open(path).convert(expected))
    )
    assert picture.pixels.shape[2] == len(Image.new(expected, (1, 1)).getbands())
    assert picture.notes == (note,)


def test_transparent_palette_entry_becomes_alpha_zero(tmp_path):
    indices = Image.frombytes("P", (2, 2), bytes([0, 1, 1, 0]))
    indices.putpalette([10, 20, 30, 40, 50, 60])
    indices.save(tmp_path / "a.png", transparency=1)
    assert image.read(tmp_path / "a.png").pixels.tolist() == [
        [[10, 20, 30, 255], [40, 50, 60, 0]],
        [[40, 50, 60, 0], [10, 20, 30, 255]],
    ]


def test_cmyk_without_profile_is_converted(tmp_path):
    RGB.convert("CMYK").save(tmp_path / "a.tif")
    picture = image.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, np.asarray(RGB))
    assert picture.notes == ("converted from CMYK to RGB",)


def test_cmyk_goes_through_its_profile(tmp_path):
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    Image.frombytes("CMYK", (3, 1), inks.tobytes()).save(
        tmp_path / "a.tif", icc_profile=cmyk_profile()
    )
    picture = image.read(tmp_path / "a.tif")
    white, cyan, black = picture.pixels[0].astype(int)
    assert white.min() >= 253 and black.max() <= 2
    assert (
        np.ptp(cyan) <= 3 and 150 < cyan.mean() < 170
    )  # L* = 66.7 is sRGB grey 162, and this device knows no hue
    assert picture.icc is None and picture.notes == (
        "converted from CMYK to sRGB by its ICC profile",
    )


def test_profile_that_is_not_one_of_cmyk_is_dropped(tmp_path):
    RGB.convert("CMYK").save(tmp_path / "a.tif", icc_profile=SRGB)
    picture = image.read(tmp_path / "a.tif")
    assert picture.icc is None
    assert "dropped an ICC profile that does not fit CMYK" in picture.notes


def test_profile_of_colour_on_grey_is_dropped_with_a_note(tmp_path):
    RGB.convert("L").save(tmp_path / "a.png", icc_profile=SRGB)
    picture = image.read(tmp_path / "a.png")
    assert picture.icc is None
    assert picture.notes == ("dropped an ICC profile that does not fit the converted pixels",)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, lambda stored: stored.swapaxes(0, 1)),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(stored, 2).swapaxes(0, 1)),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_applied(tmp_path, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    RGB.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(image.read(tmp_path / "a.png").pixels, upright(np.asarray(RGB)))


def test_only_the_first_frame_is_read_with_a_note(tmp_path):
    RGB.save(tmp_path / "a.png", save_all=True, append_images=[RGB.rotate(180)])
    picture = image.read(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, np.asarray(RGB))
    assert picture.notes == ("only the first of 2 frames is used",)


def test_pixel_limit_is_ours_and_leaves_pillows_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 4
    )  # Pillow warns beyond this and raises beyond twice this
    RGB.save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image.read(tmp_path / "a.png").pixels.shape == (7, 5, 3)
    assert Image.MAX_IMAGE_PIXELS == 4
    assert image.read(tmp_path / "a.png", max_pixels=35).pixels.size == 105
    with pytest.raises(ImageError, match=r"a.png is 5 x 7 pixels, beyond the limit of 34"):
        image.read(tmp_path / "a.png", max_pixels=34)


def test_side_limit(tmp_path):
    Image.new("1", (65_536, 1)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="65535 a side"):
        image.read(tmp_path / "a.png")
    Image.new("1", (65_535, 1)).save(tmp_path / "b.png")
    assert image.read(tmp_path / "b.png").pixels.shape == (1, 65_535, 1)


def test_what_is_not_an_image_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("text.png", "empty.png"):
        with pytest.raises(ImageError, match=f"{name} is not an image"):
            image.read(tmp_path / name)
    with pytest.raises(ImageError, match="missing.png: No such file"):
        image.read(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="Is a directory"):
        image.read(tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_truncated_images_are_refused_whatever_pillow_raises(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    image.write(path, Picture(RGBA[..., :3]))
    whole = path.read_bytes()
    for length in range(0, len(whole) // 2, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ImageError, match=f"a{suffix}"):
            image.read(path)


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.jxc"])
def test_unknown_output_suffix(tmp_path, name):
    with pytest.raises(ImageError, match=rf"{name}; use one of the suffixes \.png"):
        image.write(tmp_path / name, Picture(RGBA))


def test_alpha_into_jpeg_is_refused(tmp_path):
    with pytest.raises(ImageError, match="alpha"):
        image.write(tmp_path / "a.jpg", Picture(RGBA))
    assert list(tmp_path.iterdir()) == []


def test_side_beyond_the_output_format_is_refused(tmp_path):
    with pytest.raises(ImageError, match="as WebP.*16383"):
        image.write(tmp_path / "a.webp", Picture(np.zeros((1, 16_384, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "pixels",
    [
        RGBA[..., 0],
        RGBA[..., :2],
        RGBA / 255,
        RGBA[None],
        RGBA[:0],
        [[[1]]],
        np.zeros((1, 65_536, 1), np.uint8),
    ],
)
def test_picture_refuses_other_arrays(pixels):
    with pytest.raises(ImageError, match="an image"):
        Picture(pixels)


def test_list_images(tmp_path):
    for name in ("b.png", "a.JPG", "c.txt", ".hidden.png"):
        (tmp_path / name).touch()
    assert [path.name for path in image.list_images(tmp_path)] == ["a.JPG", "b.png"]
    assert image.list_images(tmp_path / "c.txt") == [tmp_path / "c.txt"]
    with pytest.raises(DataError, match="missing does not exist"):
        image.list_images(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no images"):
        image.list_images(tmp_path / "empty")


@pytest.mark.parametrize("shape", [(5, 7, 3), (2, 8, 7, 1), (1, 1, 4), (16, 8, 3)])
def test_padding_repeats_the_edge_and_crop_undoes_it(shape):
    pixels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    height, width = shape[-3:-1]
    padded = image.pad_to_multiple(pixels, 8)
    assert [side % 8 for side in padded.shape[-3:-1]] == [0, 0]
    rows, columns = (
        np.arange(side).clip(0, old - 1)
        for side, old in zip(padded.shape[-3:-1], (height, width), strict=False)
    )
    np.testing.assert_array_equal(padded, pixels[..., rows[:, None], columns, :])
    np.testing.assert_array_equal(image.crop(padded, height, width), pixels)


def test_float_and_back_is_exact_and_clips():
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    values = image.to_float(every)
    assert values.dtype == np.float32 and values.min() == 0 and values.max() == 1
    np.testing.assert_array_equal(image.to_uint8(values), every)
    assert image.to_uint8(np.array([-0.5, 0.4999 / 255, 0.5001 / 255, 1.5])).tolist() == [
        0,
        0,
        1,
        255,
    ]
    with pytest.raises(TypeError, match="float32"):
        image.to_float(values)


def test_float_and_back_under_jit():
    import jax

    every = jax.numpy.arange(256, dtype=np.uint8)
    back = jax.jit(lambda pixels: image.to_uint8(image.to_float(pixels)))(every)
    assert isinstance(back, jax.Array)
    np.testing.assert_array_equal(back, every)


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ImageError, match=r"cannot write .*a\.png: No space left on device"):
        image.write(path, Picture(RGBA))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_devices_are_written_to_and_not_replaced():
    with pytest.raises(ImageError, match="/dev/full: No space left"):
        write_atomic("/dev/full", b"data", ImageError)
    write_atomic(os.devnull, b"data")
    assert not os.path.isfile(os.devnull)


def test_writing_follows_links_and_keeps_to_the_umask(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"
    (tmp_path / "plain").touch()
    assert (tmp_path / "real").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_missing_folders_and_files_are_named(tmp_path):
    with pytest.raises(ImageError, match=r"nowhere/a\.png: No such file or directory"):
        image.write(tmp_path / "nowhere" / "a.png", Picture(RGBA))
    with pytest.raises(ImageError, match="Is a directory"):
        write_atomic(tmp_path, b"data", ImageError)
    with pytest.raises(ImageError, match="cannot read .*missing: No such file"):
        read_bytes(tmp_path / "missing", ImageError)
