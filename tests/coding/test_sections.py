"""What lies beside the symbols: every section comes back, and nothing damaged does."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import ImageCms

from jaxcodec.coding import sections
from jaxcodec.errors import BitstreamError, VersionError
from jaxcodec.image import Picture

PIXELS = np.zeros((1, 1, 3), np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
described = st.fixed_dictionaries(
    {},
    optional={
        "icc": st.binary(max_size=300),
        "exif": st.binary(max_size=300),
        "xmp": st.binary(max_size=300),
        "dpi": st.tuples(*[st.integers(1, 2**32 - 1).map(lambda value: value / 1000)] * 2),
    },
)


@given(described)
def test_what_describes_a_picture_round_trips(fields):
    packed, notes = sections.pack(Picture(PIXELS, **fields))
    assert (sections.unpack(packed), notes) == (fields, ())


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_alpha_round_trips(alpha):
    packed, _ = sections.pack(Picture(np.repeat(alpha[:, :, None], 4, axis=2)))
    assert np.array_equal(sections.unpack_alpha(packed["alpha"], *alpha.shape), alpha)


def test_an_opaque_picture_has_next_to_no_alpha():
    assert len(sections.pack_alpha(np.full((512, 768), 255, np.uint8))) < 200


@pytest.mark.parametrize("name", ["icc", "exif", "xmp"])
def test_as_much_as_is_allowed_is_kept_and_more_dropped_with_a_note(name):
    content = np.resize(
        np.random.default_rng(0).integers(0, 256, 1000, np.uint8), sections.MAX_BYTES
    ).tobytes()
    packed, notes = sections.pack(Picture(PIXELS, **{name: content}))
    assert (sections.unpack(packed), notes) == ({name: content}, ())
    packed, notes = sections.pack(Picture(PIXELS, **{name: content + b"x"}))
    assert packed == {}
    assert f"{sections.NAMES[name]} of 16,777,217 bytes" in notes[0]


def test_a_standard_profile_takes_a_byte_and_means_the_same():
    packed, notes = sections.pack(Picture(PIXELS, SRGB))
    assert (packed, notes) == ({"profile": b"\x01"}, ())
    profile = ImageCms.ImageCmsProfile(io.BytesIO(sections.unpack(packed)["icc"])).profile
    assert profile.profile_description == "sRGB"


def test_a_resolution_that_is_the_same_both_ways_takes_four_bytes():
    assert sections.pack(Picture(PIXELS, dpi=(300.0, 300.0)))[0] == {
        "dpi": (300_000).to_bytes(4, "little")
    }
    assert sections.unpack_dpi(sections.pack_dpi((72.009, 300.4))) == (72.009, 300.4)


@pytest.mark.parametrize(
    "dpi", [(0.0, 72.0), (72.0, -1.0), (float("nan"),) * 2, (float("inf"),) * 2, (1e9, 1e9)]
)
def test_a_resolution_that_cannot_be_is_dropped_with_a_note(dpi):
    packed, notes = sections.pack(Picture(PIXELS, dpi=dpi))
    assert packed == {}
    assert "dropped a resolution" in notes[0]


def test_description_names_profile_and_resolution():
    packed, _ = sections.pack(Picture(PIXELS, SRGB, dpi=(300.0, 72.0)))
    assert sections.describe(packed) == {"profile": "sRGB", "dpi": [300.0, 72.0]}
    assert sections.describe(sections.pack(Picture(PIXELS, b"some"))[0]) == {
        "profile": "its own",
        "dpi": None,
    }
    assert sections.describe({}) == {"profile": None, "dpi": None}


@pytest.mark.parametrize("size", [1, 7])
def test_alpha_of_another_size_raises(size):
    with pytest.raises(BitstreamError, match="alpha channel"):
        sections.unpack_alpha(sections.pack_alpha(np.zeros((1, size), np.uint8)), 2, 3)


@given(st.binary(max_size=50))
def test_arbitrary_bytes_raise(data):
    with pytest.raises(BitstreamError, match="alpha channel"):
        sections.unpack_alpha(b"\xff" + data, 2, 3)


@pytest.mark.parametrize("name", ["icc", "exif", "xmp"])
def test_damaged_sections_raise_and_are_named(name):
    data = sections.pack_bytes(bytes(100))
    for damaged in (
        b"",
        data[:-1],
        data + b"x",
        b"no stream",
        sections.pack_bytes(bytes(sections.MAX_BYTES + 1)),
    ):
        with pytest.raises(BitstreamError, match=sections.NAMES[name]):
            sections.unpack({name: damaged})


@pytest.mark.parametrize(
    "damaged", [{"profile": b""}, {"profile": b"\1\1"}, {"profile": b"\1", "icc": b""}]
)
def test_a_profile_that_is_not_told_by_one_number_raises(damaged):
    with pytest.raises(BitstreamError, match="ICC profile"):
        sections.unpack(damaged)


def test_a_profile_that_a_later_version_knows_says_so():
    with pytest.raises(VersionError, match="ICC profile 200, .* update jaxcodec"):
        sections.unpack({"profile": b"\xc8"})


@pytest.mark.parametrize(
    "damaged", [b"", b"\1", bytes(4), bytes(8), b"\1\0\0\0" + bytes(4), b"\1" * 12]
)
def test_a_damaged_resolution_raises(damaged):
    with pytest.raises(BitstreamError, match="resolution"):
        sections.unpack({"dpi": damaged})
