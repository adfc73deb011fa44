"""Color profiles of pictures as transforms to sRGB: ICC, and the chunks gAMA, cHRM, sRGB and cICP of PNG.

Chunks are turned into a profile, so that one library (LittleCMS, in Pillow) converts everything.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

SAME = 2
"""A profile that moves no color by more than this many of 255 levels is sRGB: published copies are rounded."""

Curve = Callable[[np.ndarray], np.ndarray]
"""From stored values to linear light, both 0..1."""

SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""x, y of white, red, green and blue, in the order of cHRM."""

PRIMARIES = {
    1: SRGB_PRIMARIES,
    5: (0.3127, 0.329, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),  # BT.601, 625 lines
    6: (0.3127, 0.329, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),  # BT.601, 525 lines
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # DCI P3
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # Display P3
}
"""By their number in ITU-T H.273, as for cICP."""


class ProfileError(ValueError):
    """A profile that cannot be used; pictures with one are read as sRGB, as browsers do, with a warning."""


def srgb_curve(stored: np.ndarray) -> np.ndarray:
    """The transfer function of IEC 61966-2-1."""
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def bt709_curve(stored: np.ndarray) -> np.ndarray:
    """The inverse of the camera's transfer function of ITU-R BT.709."""
    return np.where(stored < 0.081, stored / 4.5, ((stored + 0.099) / 1.099) ** (1 / 0.45))


def power_curve(exponent: float) -> Curve:
    """stored ** exponent."""
    return lambda stored: stored**exponent


CURVES: dict[int, Curve] = {
    **dict.fromkeys((1, 6, 14, 15), bt709_curve),
    4: power_curve(2.2),
    5: power_curve(2.8),
    8: power_curve(1),
    13: srgb_curve,
}
"""By their number in ITU-T H.273. PQ (16) and HLG (18) are missing: high dynamic range has no counterpart in sRGB."""


def profile_of(picture: Image.Image, codes: Sequence[int] | None = None) -> bytes | None:
    """The profile that describes a picture's colors; None: they are sRGB, or nothing is said about them.

    codes: the chunk cICP. In the order of precedence of the PNG specification: cICP, iCCP, sRGB, gAMA and cHRM.
    Raises ProfileError for a profile that is incomplete, and ValueError for codes that cannot be converted.
    """
    info = picture.info
    if picture.mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if codes:
        if codes[0] not in PRIMARIES or codes[1] not in CURVES or tuple(codes[2:]) != (0, 1):
            raise ValueError(
                f"its colors have the codes {tuple(codes)} (chunk cICP), which cannot be converted to sRGB"
            )
        return matrix_profile(PRIMARIES[codes[0]], CURVES[codes[1]])
    profile, gamma, primaries = info.get("icc_profile", ""), info.get("gamma"), info.get("chromaticity")
    if profile is None:
        raise ProfileError("parts of it are missing")
    if isinstance(profile, bytes):  # text of a PNG gets into `info`, under any name
        return profile
    gamma = gamma if isinstance(gamma, float) and gamma > 0 else None
    primaries = primaries if isinstance(primaries, tuple) else None
    if isinstance(info.get("srgb"), int) or not (gamma or primaries):
        return None
    if gamma and abs(2.2 * gamma - 1) < 0.02 and np.allclose(primaries or SRGB_PRIMARIES, SRGB_PRIMARIES, atol=0.005):
        return None  # what most programs write for sRGB
    return matrix_profile(primaries or SRGB_PRIMARIES, power_curve(1 / gamma) if gamma else srgb_curve)


@lru_cache(maxsize=64)
def srgb_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From pixels to sRGB; None where they are sRGB already. mode: "L", "RGB", "CMYK" or "LAB".

    Its `input_mode` is "RGB" for gray pixels with an RGB profile. Raises ProfileError for a damaged profile and for one
    of other pixels.
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if mode == "L" and space == "RGB":
            mode = "RGB"
        if {"GRAY": "L", "Lab": "LAB"}.get(space, space) != mode:
            raise ProfileError(f"it is for {space} pixels, not {mode}")
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise ProfileError(f"it is damaged ({error})") from error
    if mode in ("L", "RGB"):
        levels = np.linspace(0, 255, 16).round().astype(np.uint8)
        probe = np.stack(np.meshgrid(levels, levels, levels) if mode == "RGB" else [np.arange(256, dtype=np.uint8)] * 3)
        probe = probe.reshape(3, 1, -1).transpose(1, 2, 0)
        found = transform.apply(Image.fromarray(np.ascontiguousarray(probe if mode == "RGB" else probe[..., 0])))
        if np.abs(np.asarray(found).astype(int) - probe).max() <= SAME:
            return None
    return transform


def gray_curve(transform: ImageCms.ImageCmsTransform) -> np.ndarray:
    """The sRGB colors of the 256 levels of gray, uint8 (256, 3)."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(transform.input_mode)
    return np.asarray(transform.apply(ramp))[0]


def matrix_profile(primaries: Sequence[float], curve: Curve) -> bytes:
    """An ICC profile (version 2) of a display. primaries: x, y of white, red, green, blue.

    The matrix from linear RGB to XYZ is that of SMPTE RP 177. Raises ProfileError for primaries that span no colors.
    """
    xy = np.array(primaries, float).reshape(4, 2)
    try:
        with np.errstate(all="raise"):
            white, *rgb = np.c_[xy, 1 - xy.sum(axis=1)] / xy[:, 1:]
            matrix = np.stack(rgb, axis=1)
            matrix = matrix * np.linalg.solve(matrix, white)
    except (np.linalg.LinAlgError, FloatingPointError) as error:
        raise ProfileError(f"its primaries {tuple(primaries)} span no colors") from error
    # Bradford's adaptation from the white of the primaries to D50, the white of profiles.
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = np.array([0.9642, 1, 0.8249])
    matrix = np.linalg.inv(cones) @ np.diag(cones @ d50 / (cones @ white)) @ cones @ matrix
    table = (curve(np.linspace(0, 1, 4096)) * 65535 + 0.5).astype(">u2")
    tags = {b"wtpt": _xyz(d50)} | {name + b"XYZ": _xyz(column) for name, column in zip(_RGB, matrix.T, strict=True)}
    tags |= {name + b"TRC": struct.pack(">4sII", b"curv", 0, len(table)) + table.tobytes() for name in _RGB}
    places, body = b"", b""
    for name, content in tags.items():
        places += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(body), len(content))
        body += content
    head = struct.pack(">II4s4s4s12x4s28x12s48x", 0, 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp", _xyz(d50)[8:])
    return struct.pack(">I", 128 + 4 + len(places) + len(body)) + head + struct.pack(">I", len(tags)) + places + body


_RGB = (b"r", b"g", b"b")


def _xyz(values: np.ndarray) -> bytes:
    return struct.pack(">4sI", b"XYZ ", 0) + (values * 65536).round().astype(">i4").tobytes()
