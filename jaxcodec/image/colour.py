"""Colours of other spaces to sRGB.

CMYK and Lab are converted by LittleCMS; primaries and transfer curves that a file only names are
converted here.

LittleCMS, as Pillow offers it, takes profiles and no primaries; so what PNG's gAMA, cHRM and cICP
say, and the code points of AVIF and HEIC, is worked out here: to linear light, by a matrix with
Bradford's adaptation, to sRGB's curve.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from jaxcodec.image import samples

Curve = Callable[[np.ndarray], np.ndarray]
"""Samples in [0, 1] to linear light in [0, 1]."""

D65 = (0.3127, 0.3290)
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)
"""Chromaticities (x, y) of red, green, blue and white."""

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_BAND_PIXELS = 1 << 20


class Space(NamedTuple):
    """An RGB space.

    It has the chromaticities of red, green, blue and white, a curve (None is sRGB's), and a name
    for the notes.
    """

    primaries: tuple[tuple[float, float], ...]
    curve: Curve | None
    name: str


def _srgb_curve(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _srgb_inverse(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def gamma(exponent: float) -> Curve:
    """The curve light = value ^ exponent."""
    return lambda values: values**exponent


def to_srgb(values: np.ndarray, space: Space) -> np.ndarray:
    """uint8 or uint16 values (height, width, 1 or 3) of `space` to uint8 in sRGB, same shape.

    Colours outside sRGB are clipped.
    """
    maximum = np.iinfo(values.dtype).max
    light = (space.curve or _srgb_curve)(np.arange(maximum + 1) / maximum).astype(np.float32)
    matrix = _to_srgb_matrix(space.primaries).T.astype(np.float32) if values.shape[2] == 3 else None
    result = np.empty(values.shape, np.uint8)
    step = max(1, _BAND_PIXELS // values.shape[1])
    for row in range(0, len(values), step):
        linear = light[values[row : row + step]]
        if matrix is not None:
            linear = linear @ matrix
        result[row : row + step] = (_srgb_inverse(linear) * 255).round()
    return result


def in_srgb(pixels: np.ndarray, space: Space, notes: list[str]) -> np.ndarray:
    """uint8 or uint16 pixels (height, width, 1, 3 or 4) of `space` as uint8 in sRGB.

    Alpha, if any, is kept.
    """
    if pixels.shape[2] == 1 and space.curve is None:
        return pixels  # grey has no primaries
    notes.append(f"converted from {space.name} to sRGB")
    if pixels.dtype == np.uint16:
        notes.append("converted from 16 to 8 bits a channel")
    converted = to_srgb(pixels if pixels.shape[2] == 1 else pixels[..., :3], space)
    if pixels.shape[2] < 4:
        return converted
    return np.concatenate(
        [converted, samples.integers_to_uint8(pixels[..., 3:], 8 * pixels.itemsize, [])], axis=2
    )


def _to_srgb_matrix(primaries) -> np.ndarray:
    """3 x 3: linear RGB of `primaries` to linear sRGB, white to white."""
    white, target = _xyz(primaries[3]), _xyz(D65)
    adaptation = (
        np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ target) / (_BRADFORD @ white)) @ _BRADFORD
    )
    return np.linalg.inv(_to_xyz(SRGB_PRIMARIES)) @ adaptation @ _to_xyz(primaries)


def _to_xyz(primaries) -> np.ndarray:
    corners = np.stack([_xyz(corner) for corner in primaries[:3]], axis=1)
    return corners * np.linalg.solve(corners, _xyz(primaries[3]))


def _xyz(chromaticity: tuple[float, float]) -> np.ndarray:
    x, y = chromaticity
    return np.array([x / y, 1, (1 - x - y) / y])


_C, _DCI = (0.310, 0.316), (0.314, 0.351)
_CODED_PRIMARIES = {
    1: ("sRGB", SRGB_PRIMARIES),
    4: ("BT.470 M", ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C)),
    5: ("BT.601 (625 lines)", ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65)),
    6: ("BT.601 (525 lines)", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)),
    7: ("SMPTE 240M", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)),
    9: ("BT.2020", ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)),
    11: ("DCI-P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI)),
    12: ("Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)),
    22: ("EBU 3213", ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65)),
}
# Code points of ITU-T H.273. The curves of BT.709, 601 and 2020 are those of cameras; browsers show
# them as sRGB.
_CODED_CURVES = {
    1: None,
    6: None,
    13: None,
    14: None,
    15: None,
    4: gamma(2.2),
    5: gamma(2.8),
    8: gamma(1.0),
}
_CURVE_NAMES = {4: "gamma 2.2", 5: "gamma 2.8", 8: "linear light"}
_HDR_CURVES = {16: "PQ", 18: "HLG"}


def coded_space(primaries: int, transfer: int, notes: list[str]) -> Space | None:
    """The space that two code points of ITU-T H.273 name, or None.

    None stands for sRGB and for spaces that cannot be converted.

    The latter gets a note: HDR (PQ, HLG), which would need tone mapping, and reserved code points.
    """
    if transfer in _HDR_CURVES:
        notes.append(
            f"its HDR colours ({_HDR_CURVES[transfer]}) are taken as sRGB; tone-map it first to "
            "see them right"
        )
        return None
    if primaries == 2 or transfer == 2:  # not specified
        primaries, transfer = 1 if primaries == 2 else primaries, 13 if transfer == 2 else transfer
    if primaries not in _CODED_PRIMARIES or transfer not in _CODED_CURVES:
        notes.append(
            f"its colour space (code points {primaries} and {transfer} of H.273) is taken as sRGB"
        )
        return None
    name, corners = _CODED_PRIMARIES[primaries]
    if primaries == 1 and _CODED_CURVES[transfer] is None:
        return None
    return Space(corners, _CODED_CURVES[transfer], " and ".join(filter(None, [
        name if primaries != 1 else "", _CURVE_NAMES.get(transfer, "")])))  # fmt: skip


def described_space(
    exponent: float | None, primaries: tuple[tuple[float, float], ...] | None
) -> Space | None:
    """The space of PNG's gAMA (its inverse, so 2.2) and cHRM, or None for sRGB.

    Either of the two may be missing.

    A gamma within 5 % of 2.2 and chromaticities within .002 of sRGB's count as sRGB, as libpng and
    browsers have it.
    """
    names = []
    if exponent is not None and abs(exponent / 2.2 - 1) <= 0.05:
        exponent = None
    if primaries is not None and np.abs(np.subtract(primaries, SRGB_PRIMARIES)).max() <= 0.002:
        primaries = None
    if primaries is not None:
        named = (
            name
            for name, corners in _CODED_PRIMARIES.values()
            if np.abs(np.subtract(primaries, corners)).max() <= 0.002
        )
        names.append(next(named, "other primaries"))
    if exponent is not None:
        names.append("linear light" if exponent == 1 else f"gamma {exponent:.3g}")
    if not names:
        return None
    return Space(
        primaries or SRGB_PRIMARIES,
        None if exponent is None else gamma(exponent),
        " and ".join(names),
    )


def is_sound_primaries(primaries: tuple[tuple[float, float], ...]) -> bool:
    """Whether red, green and blue span a triangle and no corner lies on the line y = 0."""
    if any(not (0 <= x <= 1 and 0 < y <= 1) for x, y in primaries):
        return False
    (a, b), (c, d), (e, f), _ = primaries
    return abs((c - a) * (f - b) - (e - a) * (d - b)) > 1e-3


def cmyk_to_srgb(image: Image.Image, icc: bytes | None, notes: list[str]) -> Image.Image:
    """A CMYK image as RGB, through its profile where it has one that fits; adds notes."""
    if icc is not None:
        try:
            converted = _through_profiles(image, io.BytesIO(icc))
        except ImageCms.PyCMSError:
            notes.append("dropped an ICC profile that does not fit CMYK")
        else:
            notes.append("converted from CMYK to sRGB by its ICC profile")
            return converted
    notes.append("converted from CMYK to RGB")
    return image.convert("RGB")


def lab_to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """A Pillow image of mode LAB (D50) as RGB; adds a note."""
    notes.append("converted from Lab to sRGB")
    return _through_profiles(image, ImageCms.createProfile("LAB"))


def _through_profiles(image: Image.Image, profile) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    assert converted is not None  # it gives nothing only where it works in place
    return converted


def is_icc(profile: bytes) -> bool:
    """Whether LittleCMS can open it."""
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ImageCms.PyCMSError):
        return False
    return True
