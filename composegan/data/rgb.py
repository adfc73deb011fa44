"""Convert pictures of any mode and depth to 8-bit sRGB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ImageCms import ImageCmsTransform

from composegan.data.color import ProfileError, gray_curve, profile_of, srgb_transform
from composegan.data.images import TRANSPARENT, open_picture, stored, strips
from composegan.errors import UserError

DARK = 2**14
"""A 16-bit picture of lower values only holds fewer bits, not scaled; with a profile, a quarter (it may be linear)."""

PROFILED = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK", "LAB": "LAB"}
"""The mode that a color profile must fit, where it is not RGB."""


def read_image(path: Path) -> np.ndarray:
    """An image file as uint8 (3, H, W) in sRGB, upright (EXIF orientation applied).

    Color profiles are honored; gray, palette, CMYK and Lab become RGB, 16 bits become 8, and transparent pixels are
    composed over white. Raises UserError naming the file: missing, not an image, truncated, too large, or with numbers
    that are not colors.
    """
    return rgb_of(open_picture(path), str(path))


def rgb_of(picture: Image.Image, name: str) -> np.ndarray:
    """An upright picture as uint8 (3, H, W), see `read_image`. name: for errors."""
    try:
        transform = _transform(picture)
    except ProfileError:
        transform = None
    except ValueError as error:
        raise UserError(f"{name}: {error}; save it as sRGB") from error
    _check_depth(picture, name, DARK if transform is None else DARK // 4)
    pixels = np.empty((3, picture.height, picture.width), np.uint8)
    for rows, strip in strips(picture):
        convert = _gray16_to_rgb if strip.mode.startswith("I") else _to_rgb
        pixels[:, rows] = convert(strip, transform).transpose(2, 0, 1)
    return pixels


def profile_fault(picture: Image.Image) -> str:
    """Why the color profile of a picture, decoded or not, is ignored; else ""."""
    try:
        _transform(picture)
    except ProfileError as error:
        return str(error)
    except ValueError:  # raised again when it is read
        pass
    return ""


def _transform(picture: Image.Image) -> ImageCmsTransform | None:
    profile = profile_of(picture, stored(picture).codes)
    mode = PROFILED.get(picture.mode, "L" if picture.mode.startswith("I") else "RGB")
    return srgb_transform(profile, mode) if profile else None


def _check_depth(picture: Image.Image, name: str, dark: int) -> None:
    """Raise UserError for numbers that are not colors, and for a 16-bit picture whose values are all below `dark`."""
    pixels, signed = stored(picture).pixels, stored(picture).signed
    remedy = "save it with 8 bits per channel"
    if picture.mode == "F":
        raise UserError(f"{name}: holds floating-point numbers, not colors; {remedy}")
    if picture.mode == "I" or signed:
        bits = 16 if "16" in pixels else 32 if picture.mode == "I" else 8
        raise UserError(f"{name}: holds {'signed ' * signed}{bits}-bit integers, not colors; {remedy}")
    if "16" not in pixels:
        return
    if picture.mode.startswith("I"):
        highest = int(np.asarray(picture).max())
    else:  # Pillow has dropped the lower half of each value
        highest = 255 + 256 * int(np.asarray(picture.convert("RGB")).max())
    if 0 < highest < dark and not stored(picture).negative:
        held = f"holds {highest.bit_length()}-bit values in 16 bits (up to {highest:,} of 65,535)"
        raise UserError(f"{name}: {held} and would come out nearly black; scale them, or {remedy}")


def _gray16_to_rgb(picture: Image.Image, transform: ImageCmsTransform | None) -> np.ndarray:
    """16-bit gray as uint8 (H, W, 3)."""
    values, facts = np.asarray(picture), stored(picture)
    clear = values == picture.info.get("transparency")
    if facts.pixels == "I;12":
        values = values * (65535 / 4095)
    if facts.negative:
        values = 65535 - values
    if transform is None:
        rgb = (np.clip(values, 0, 65535) / 257 + 0.5).astype(np.uint8)[..., None].repeat(3, axis=2)
    else:
        curve, levels = gray_curve(transform), np.arange(256) * 257
        rgb = np.stack([np.interp(values, levels, band) + 0.5 for band in curve.T], axis=-1).astype(np.uint8)
    rgb[clear] = 255
    return rgb


def _to_rgb(picture: Image.Image, transform: ImageCmsTransform | None) -> np.ndarray:
    """A picture of 8 bits per channel as uint8 (H, W, 3)."""
    alpha = None
    if picture.mode in TRANSPARENT or "transparency" in picture.info:
        picture = picture.convert("LA" if picture.mode == "La" else "RGBA")
        alpha = picture.getchannel("A")
    if transform:
        picture = transform.apply(picture.convert(transform.input_mode))
    picture = picture.convert("RGB")
    if alpha:
        picture.putalpha(alpha)
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return np.asarray(picture)
