"""Makes the ICC profiles of jaxcodec/image/icc: compact ones of standard colour spaces, version
4.3.

    python tools/make_profiles.py

The numbers are those of the standards: primaries and white as CIE x and y, the curve as parameters
of ICC.1:2010 10.16. They are never to change: a .jxc file tells such a profile by its number alone.
"""

import pathlib
import struct

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "jaxcodec" / "image" / "icc"
D50 = np.array([0.9642, 1.0, 0.8249])
_D50_XY, _D65_XY = (0.3457, 0.3585), (0.3127, 0.3290)
_SRGB_CURVE = (
    3,
    2.4,
    1 / 1.055,
    0.055 / 1.055,
    1 / 12.92,
    0.04045,
)  # function type 3: IEC 61966-2-1
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)

COLOUR = {
    "srgb": ("sRGB", _D65_XY, ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), _SRGB_CURVE),
    "display_p3": (
        "Display P3",
        _D65_XY,
        ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
        _SRGB_CURVE,
    ),
    "adobe_rgb": (
        "Adobe RGB (1998)",
        _D65_XY,
        ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
        (0, 563 / 256),
    ),
    "prophoto": (
        "ProPhoto RGB",
        _D50_XY,
        ((0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105)),
        (0, 1.8),
    ),
}
GREY = {"grey_22": ("Grey gamma 2.2", (0, 2.2)), "grey_srgb": ("Grey sRGB", _SRGB_CURVE)}


def main() -> None:
    """Writes the files."""
    FOLDER.mkdir(exist_ok=True)
    for file, (name, white, primaries, curve) in COLOUR.items():
        adaptation = _adaptation(_xyz(white))
        columns = np.stack([_xyz(primary) for primary in primaries], axis=1)
        matrix = adaptation @ (columns * np.linalg.solve(columns, _xyz(white)))
        tags = {b"chad": b"sf32" + bytes(4) + _fixed(*adaptation.ravel())}
        tags |= {
            letter + b"XYZ": _xyz_tag(column)
            for letter, column in zip((b"r", b"g", b"b"), matrix.T, strict=True)
        }
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(*curve))
        (FOLDER / f"{file}.icc").write_bytes(_profile(b"RGB ", name, tags))
    for file, (name, curve) in GREY.items():
        (FOLDER / f"{file}.icc").write_bytes(_profile(b"GRAY", name, {b"kTRC": _curve(*curve)}))


def _profile(space: bytes, name: str, tags: dict[bytes, bytes]) -> bytes:
    """A display profile; equal tags share their bytes."""
    tags = {b"desc": _text(name), b"cprt": _text("CC0"), b"wtpt": _xyz_tag(D50)} | tags
    offset, body, places = 128 + 4 + 12 * len(tags), b"", {}
    for content in tags.values():
        if content not in places:
            places[content] = offset + len(body)
            body += content + bytes(-len(content) % 4)
    table = b"".join(
        struct.pack(">4sII", tag, places[content], len(content)) for tag, content in tags.items()
    )
    header = struct.pack(
        ">I4sI4s4s4s", offset + len(body), bytes(4), 0x04300000, b"mntr", space, b"XYZ "
    )
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    header = header.ljust(68, b"\0") + _fixed(*D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(xy: tuple[float, float]) -> np.ndarray:
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def _adaptation(white: np.ndarray) -> np.ndarray:
    """The matrix of Bradford's adaptation to D50."""
    return np.linalg.solve(_BRADFORD, np.diag(_BRADFORD @ D50 / (_BRADFORD @ white)) @ _BRADFORD)


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(65536 * value)) for value in values)


def _xyz_tag(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*values)


def _curve(kind: int, *parameters: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + _fixed(*parameters)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return (
        b"mluc"
        + bytes(4)
        + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28)
        + encoded
    )


if __name__ == "__main__":
    main()
