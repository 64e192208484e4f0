"""TIFF files: every layout, depth and meaning of samples, and what is refused for which reason."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from jaxcodec import image
from jaxcodec.errors import ImageError

DEEP = np.random.default_rng(0).integers(0, 65_536, (21, 34, 5), np.uint16)
EIGHT = np.rint(DEEP / 257).astype(np.uint8)
FLOATS = (DEEP / 65_535).astype(np.float32)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TO_8 = "converted from 16 to 8 bits a channel"


def tiff(samples: np.ndarray, photometric: str = "minisblack", **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, samples, photometric=photometric, metadata=None, software=False, **options
    )
    return buffer.getvalue()


def with_tag(data: bytes, code: int, value: int) -> bytes:
    """A little-endian TIFF file whose tag, a SHORT, has another value."""
    entry = struct.pack("<HHI", code, 3, 1)
    at = data.index(entry) + 8
    return data[:at] + struct.pack("<H", value) + data[at + 2 :]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize(
    ("channels", "photometric", "extra"),
    [(1, "minisblack", None), (3, "rgb", None), (4, "rgb", ["unassalpha"])],
)
@pytest.mark.parametrize("planar", [False, True])
def test_16_bits_of_every_layout(order, compression, tile, channels, photometric, extra, planar):
    if planar and channels == 1:
        return
    if compression == "packbits":
        pytest.importorskip("imagecodecs")  # to write it
    samples = DEEP[..., :channels]
    layout = {"planarconfig": "separate" if planar else "contig"} if channels > 1 else {}
    stored = np.moveaxis(samples, -1, 0).copy() if planar else samples.squeeze()
    data = tiff(
        stored,
        photometric,
        byteorder=order,
        compression=compression,
        tile=tile,
        extrasamples=extra,
        **layout,
    )
    picture = image.read(data)
    np.testing.assert_array_equal(picture.pixels, EIGHT[..., :channels])
    assert picture.notes == (TO_8,)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_8_bits_in_planes_and_tiles(planar, compression):
    stored = np.moveaxis(EIGHT[..., :3], -1, 0).copy() if planar else EIGHT[..., :3]
    layout = "separate" if planar else "contig"
    picture = image.read(
        tiff(stored, "rgb", planarconfig=layout, compression=compression, tile=(16, 16))
    )
    np.testing.assert_array_equal(picture.pixels, EIGHT[..., :3])
    assert picture.notes == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_zero_may_be_white(dtype):
    samples = (DEEP if dtype == np.uint16 else EIGHT)[..., 0]
    picture = image.read(tiff(samples, "miniswhite"))
    np.testing.assert_array_equal(picture.pixels[..., 0], 255 - EIGHT[..., 0])


@pytest.mark.parametrize("order", "<>")
def test_12_bits_packed(order):
    ramp = np.arange(0, 4096, 65, dtype=np.uint16)[:64]
    ramp[-1] = 4095
    bits = np.unpackbits(ramp.astype(">u2").view(np.uint8).reshape(-1, 2), axis=1)[:, 4:].reshape(
        -1
    )
    layout = tiff(
        np.zeros((1, 96), np.uint8), byteorder=order
    )  # as many bytes as 64 samples of 12 bits
    for tag, old, new in ((0x0100, 96, 64), (0x0102, 8, 12)):
        kinds = [struct.pack(order + "HHIH", tag, kind, 1, old) for kind in (3,)]
        kinds += [struct.pack(order + "HHII", tag, 4, 1, old)]
        entry = next(entry for entry in kinds if entry in layout)
        layout = layout.replace(
            entry, entry[:8] + struct.pack(order + ("H" if len(entry) == 10 else "I"), new), 1
        )
    data = layout[:-96] + np.packbits(bits).tobytes()
    try:
        picture = image.read(data)
    except ImageError as refusal:  # big-endian ones need imagecodecs
        assert order == ">" and "imagecodecs" in str(refusal)
        return
    np.testing.assert_array_equal(picture.pixels[0, :, 0], np.rint(ramp / 4095 * 255))
    assert picture.notes == ("converted from 12 to 8 bits a channel",)


@pytest.mark.parametrize("bits", [8, 16])
def test_signed_samples_are_shifted(bits):
    samples = np.array([[-(2 ** (bits - 1)), -1, 0, 2 ** (bits - 1) - 1]], f"int{bits}")
    picture = image.read(tiff(samples))
    assert picture.pixels[0, :, 0].tolist() == [0, 127 if bits == 8 else 127, 128, 255]
    assert "converted from signed to unsigned samples" in picture.notes[0]


def test_signed_samples_without_negative_ones_use_their_upper_half():
    assert image.read(tiff(np.array([[0, 127]], np.int8))).pixels[0, :, 0].tolist() == [0, 255]
    assert image.read(tiff(np.array([[0, 32_767]], np.int16))).pixels[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("top", [1, 200, 255, 4000])
def test_16_bit_samples_that_come_out_dark_are_told(top):
    picture = image.read(tiff(np.array([[0, top]], np.uint16)))
    assert picture.pixels[0, :, 0].tolist() == [0, round(top / 257)]
    assert any(f"its brightest value is {top} of 65535" in note for note in picture.notes)


def test_wide_integers():
    assert image.read(tiff(np.array([[0, 200]], np.uint32))).pixels[0, :, 0].tolist() == [0, 200]
    assert (
        "took its wide integers for 8-bit values, as the largest is 200"
        in image.read(tiff(np.array([[0, 200]], np.int32))).notes
    )
    assert image.read(tiff(np.array([[0, 65_535]], np.int32))).pixels[0, :, 0].tolist() == [0, 255]
    assert image.read(tiff(np.array([[0, 2**31, 2**32 - 1]], np.uint32))).pixels[
        0, :, 0
    ].tolist() == [0, 128, 255]
    for samples in (
        np.array([[7, 70_000]], np.int32),
        np.array([[-1, 5]], np.int32),
        np.array([[0, 2**40]], np.uint64),
    ):
        with pytest.raises(
            ImageError, match="black and white are not known; scale them to the range 0 to 65535"
        ):
            image.read(tiff(samples))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_floats(dtype, channels):
    samples = FLOATS[..., :channels].astype(dtype)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    picture = image.read(tiff(samples.squeeze(), "rgb" if channels > 1 else "minisblack", **extra))
    np.testing.assert_array_equal(picture.pixels, np.rint(samples.astype(np.float64) * 255))
    assert picture.notes == ("converted from floats in [0, 1] to 8 bits a channel",)


@pytest.mark.parametrize("limit", [1, 255])
def test_floats_a_little_outside_their_range_are_clipped_and_counted(limit):
    samples = np.linspace(0.1, 0.9, 100, dtype=np.float32).reshape(10, 10) * limit
    samples[0, :3] = -0.25, limit * 1.0001, limit * 1.001
    picture = image.read(tiff(samples))
    np.testing.assert_array_equal(
        picture.pixels[..., 0], np.rint((samples.astype(np.float64) / limit).clip(0, 1) * 255)
    )
    assert picture.notes == (
        f"converted from floats in [0, {limit}] to 8 bits a channel",
        f"clipped 3 of 100 values outside [0, {limit}]",
    )


def test_highlights_over_one_do_not_make_a_picture_black():
    samples = np.full((10, 10), 0.5, np.float32)
    samples[0] = 3.5
    picture = image.read(tiff(samples))
    assert picture.pixels[5, 5, 0] == 128 and picture.pixels[0, 0, 0] == 255
    assert "clipped 10 of 100 values outside [0, 1]" in picture.notes


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.5, np.nan], "holds 1 values that are not finite numbers"),
        ([np.inf, np.nan], "holds 2 values that are not finite numbers"),
        ([0, 65_535], "holds floats up to 65535, whose white is not known; scale them to"),
        ([0, 256], "holds floats up to 256"),
    ],
)
def test_floats_without_a_meaning_are_refused(values, reason):
    with pytest.raises(ImageError, match=reason):
        image.read(tiff(np.array([values], np.float32)))


@pytest.mark.parametrize(
    ("channels", "photometric", "extra", "kept", "note"),
    [
        (2, "minisblack", ["unspecified"], [0], "dropped 1 extra channel"),
        (2, "minisblack", ["unassalpha"], [0, 0, 0, 1], "converted from grey with alpha to RGBA"),
        (4, "rgb", ["unspecified"], [0, 1, 2], "dropped 1 extra channel"),
        (5, "rgb", ["unspecified", "unspecified"], [0, 1, 2], "dropped 2 extra channels"),
        (5, "rgb", ["unassalpha", "unspecified"], [0, 1, 2, 3], "dropped 1 extra channel"),
        (5, "rgb", ["unspecified", "unassalpha"], [0, 1, 2, 4], "dropped 1 extra channel"),
    ],
)
@pytest.mark.parametrize("samples", [EIGHT, DEEP])
def test_extra_channels_are_alpha_or_dropped_with_a_note(
    samples, channels, photometric, extra, kept, note
):
    data = tiff(samples[..., :channels], photometric, extrasamples=extra, planarconfig="contig")
    picture = image.read(data)
    np.testing.assert_array_equal(picture.pixels, EIGHT[..., kept])
    assert note in picture.notes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_that_was_multiplied_in_is_divided_out(dtype):
    top = np.iinfo(dtype).max
    samples = (np.array([[[0.4, 0.2, 0, 0.4], [0, 0, 0, 0], [1, 1, 1, 1]]]) * top).astype(dtype)
    picture = image.read(tiff(samples, "rgb", extrasamples=["assocalpha"]))
    assert (
        np.abs(picture.pixels.astype(int) - [[[255, 127, 0, 102], [0, 0, 0, 0], [255] * 4]]).max()
        <= 1
    )
    assert any("alpha" in note for note in picture.notes)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("samples", [EIGHT, DEEP])
def test_cmyk(order, planar, samples):
    stored = np.moveaxis(samples[..., :4], -1, 0).copy() if planar else samples[..., :4]
    layout = "separate" if planar else "contig"
    picture = image.read(tiff(stored, "separated", planarconfig=layout, byteorder=order))
    inks = Image.frombytes("CMYK", (34, 21), np.ascontiguousarray(EIGHT[..., :4]).tobytes())
    np.testing.assert_array_equal(picture.pixels, np.asarray(inks.convert("RGB")))
    assert "converted from CMYK to RGB" in picture.notes


def test_inks_other_than_cmyk_are_refused():
    data = tiff(EIGHT[..., :4], "separated", extratags=[(332, "H", 1, 2, True)])
    with pytest.raises(ImageError, match="inks other than cyan"):
        image.read(
            with_tag(tiff(DEEP[..., :4], "separated", extratags=[(332, "H", 1, 2, True)]), 332, 2)
        )
    assert image.read(data).pixels.shape == (21, 34, 3)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("photometric", [8, 9])
def test_lab(depth, photometric):
    """L* 53.24, a* 80.09, b* 67.20 is sRGB red in D65 Lab; in D50 Lab, which print uses, 54.29,
    80.81, 69.89.
    """
    red, grey, white = (54.29, 80.81, 69.89), (53.59, 0, 0), (100, 0, 0)
    lab = np.array([[red, grey, white]])
    scale = 255 if depth == 8 else 65_280 if photometric == 9 else 65_535
    lightness = np.rint(lab[..., :1] * scale / 100)
    step = 1 if depth == 8 else 256
    chroma = np.rint(lab[..., 1:] * step) + (128 * step if photometric == 9 else 0)
    stored = np.concatenate([lightness, chroma], axis=2).astype(
        np.uint8 if depth == 8 else np.uint16
    )
    picture = image.read(with_tag(tiff(stored, "rgb"), 262, photometric))
    assert (
        np.abs(picture.pixels.astype(int) - [[[255, 0, 0], [128] * 3, [255] * 3]]).max() <= 5
    )  # a step of 8-bit Lab is as much
    assert "converted from Lab to sRGB" in picture.notes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_palettes(dtype):
    colours = (
        np.random.default_rng(3).integers(0, 65_536, (3, np.iinfo(dtype).max + 1)).astype(np.uint16)
    )
    indices = (EIGHT if dtype == np.uint8 else DEEP)[..., 0]
    picture = image.read(tiff(indices, "palette", colormap=colours))
    assert np.abs(picture.pixels - colours.T[indices] / 257).max() <= 1
    assert picture.notes == ("converted from a palette to RGB",)


def ycbcr_tiff(across: int, down: int) -> bytes:
    """4 x 4 pixels of YCbCr, subsampled, uncompressed: Y 100 and 200 in the left and right half, no
    colour.
    """
    units = b""
    for _ in range(4 // down):
        for column in range(4 // across):
            units += bytes([100 if column * across < 2 else 200] * (across * down) + [128, 128])
    tags = [
        (256, 3, 1, 4),
        (257, 3, 1, 4),
        (258, 3, 3, 0),
        (259, 3, 1, 1),
        (262, 3, 1, 6),
        (273, 4, 1, 0),
        (277, 3, 1, 3),
        (278, 3, 1, 4),
        (279, 4, 1, len(units)),
        (530, 3, 2, across | down << 16),
    ]
    at = 8 + 2 + 12 * len(tags) + 4
    entries = b""
    for code, kind, count, value in tags:
        value = {258: at, 273: at + 6}.get(code, value)
        entries += struct.pack("<HHII", code, kind, count, value)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return head + struct.pack("<3H", 8, 8, 8) + units


@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2)])
def test_subsampled_ycbcr(across, down):
    picture = image.read(ycbcr_tiff(across, down))
    np.testing.assert_array_equal(picture.pixels[..., 1], [[100, 100, 200, 200]] * 4)
    assert "converted from YCbCr to RGB" in picture.notes


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_compressions_of_plain_pictures(compression, photo):
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "TIFF", compression=compression)
    picture = image.read(buffer.getvalue())
    assert np.abs(picture.pixels.astype(int) - photo).max() <= (60 if compression == "jpeg" else 0)


def test_bilevel_fax(tmp_path):
    Image.fromarray(EIGHT[..., 0]).convert("1").save(tmp_path / "a.tif", compression="group4")
    picture = image.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(
        picture.pixels[..., 0], np.asarray(Image.open(tmp_path / "a.tif")) * 255
    )
    assert picture.notes == ("converted from 1 bit to grey",)


@pytest.mark.parametrize("compression", ["zstd", "webp", "lzma"])
def test_compressions_that_a_libtiff_may_lack(compression):
    pytest.importorskip("imagecodecs")
    options = {"compressionargs": {"lossless": True, "level": 100}} if compression == "webp" else {}
    picture = image.read(tiff(EIGHT[..., :3], "rgb", compression=compression, **options))
    np.testing.assert_array_equal(picture.pixels, EIGHT[..., :3])


DEEP_LZW = """
import sys
sys.modules["imagecodecs"] = None  # as if it were not installed
from jaxcodec import image
for path in sys.argv[1:]:
    try:
        picture = image.read(path)
        print(int(picture.pixels.astype(int).sum()), picture.notes)
    except image.reading.ImageError as refusal:
        print(refusal)
"""


def test_without_imagecodecs_deep_lzw_is_read_by_libtiff_or_refused_with_what_to_install(tmp_path):
    pytest.importorskip("imagecodecs")
    plain = {"compression": "lzw", "predictor": True}
    for order in "<>":
        (tmp_path / f"rgb{order}.tif").write_bytes(
            tiff(DEEP[..., :3], "rgb", byteorder=order, **plain)
        )
    (tmp_path / "float.tif").write_bytes(tiff(FLOATS[..., :3], "rgb", compression="lzw"))
    paths = [str(tmp_path / name) for name in ("rgb<.tif", "rgb>.tif", "float.tif")]
    for path in paths[:2]:
        np.testing.assert_array_equal(image.read(path).pixels, EIGHT[..., :3])
    said = subprocess.run(
        [sys.executable, "-c", DEEP_LZW, *paths], capture_output=True, text=True, check=True
    ).stdout
    little, big, floats = said.splitlines()
    assert little == big == f"{int(EIGHT[..., :3].astype(int).sum())} {(TO_8,)}"
    assert (
        "LZW, 32 bits) that needs imagecodecs; install it (pip install 'jaxcodec[tiff]')" in floats
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (with_tag(tiff(EIGHT[..., 0]), 262, 32_803), "the colour filter of a camera's sensor"),
        (with_tag(tiff(EIGHT[..., :3], "rgb"), 262, 10), "ITU Lab"),
        (
            tiff(EIGHT[..., :3], "rgb", extratags=[(50_706, "B", 4, bytes([1, 4, 0, 0]), True)]),
            "camera's raw file",
        ),
        (tiff(np.zeros((3, 4), np.complex64)), "holds complex64 numbers"),
        (b"II*\0\x08\0\0\0", "cannot read"),
        (b"II*\0", "cannot read"),
    ],
)
def test_refusals_tell_the_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        image.read(data)


def test_files_that_are_cut_off_are_refused_and_never_filled():
    for data in (
        tiff(DEEP[..., :3], "rgb"),
        tiff(DEEP[..., :3], "rgb", compression="zlib"),
        tiff(EIGHT[..., 0]),
    ):
        for length in range(10, len(data), 97):
            with pytest.raises(ImageError):
                image.read(data[:length])
    missing = tiff(DEEP[..., :3], "rgb", tile=(16, 16))
    with tifffile.TiffFile(io.BytesIO(missing)) as file:
        at = file.pages[0].tags["TileByteCounts"].valueoffset
    with pytest.raises(ImageError, match="is truncated: a part of its pixels"):
        image.read(missing[:at] + bytes(4) + missing[at + 4 :])


def test_more_samples_than_the_limit_on_pixels_can_mean_are_refused():
    data = tiff(np.zeros((4, 4, 200), np.uint8), planarconfig="contig")
    assert image.read(data).notes == ("dropped 199 extra channels",)
    with pytest.raises(ImageError, match="200 samples a pixel"):
        image.read(data, max_pixels=16)
    with pytest.raises(ImageError, match="34 x 21 pixels, beyond the limit of 700"):
        image.read(tiff(DEEP[..., 0]), max_pixels=700)


def test_pages():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for page in (EIGHT[..., 0], DEEP[..., 1], EIGHT[..., 2]):
            file.write(page, photometric="minisblack", metadata=None)
    picture = image.read(buffer.getvalue())
    np.testing.assert_array_equal(picture.pixels[..., 0], EIGHT[..., 0])
    assert picture.notes == ("only the first of 3 frames is used",)


@pytest.mark.parametrize("samples", [EIGHT, DEEP])
def test_metadata(samples):
    packet = b'<x:xmpmeta tiff:Orientation="6"/>'
    data = tiff(
        samples[..., :3],
        "rgb",
        iccprofile=SRGB,
        resolution=(300, 150),
        resolutionunit="INCH",
        description="a boat",
        extratags=[
            (700, "B", len(packet), packet, True),
            (274, "H", 1, 6, True),
            (315, "s", 0, "Me", True),
        ],
    )
    picture = image.read(data)
    np.testing.assert_array_equal(picture.pixels, np.rot90(EIGHT[..., :3], -1))
    assert picture.icc == SRGB and picture.dpi == (150, 300)
    assert picture.xmp == b'<x:xmpmeta tiff:Orientation="1"/>'
    tags = Image.Exif()
    tags.load(picture.exif)
    assert dict(tags) == {0x010E: "a boat", 0x013B: "Me"}


def test_big_tiff():
    np.testing.assert_array_equal(
        image.read(tiff(DEEP[..., :3], "rgb", bigtiff=True)).pixels, EIGHT[..., :3]
    )
    np.testing.assert_array_equal(
        image.read(tiff(EIGHT[..., :3], "rgb", bigtiff=True)).pixels, EIGHT[..., :3]
    )
