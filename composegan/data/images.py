"""Decode image and label files to arrays; any problem is one line that names the file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from composegan.data.sample import check_labels
from composegan.errors import UserError
from composegan.io.guarded import check_file, reading
from composegan.plugin.domain import DomainSpec

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""Accepted formats, whatever the file's name: Pillow knows some forty more, one of which starts an interpreter."""

MAX_PIXELS, MAX_SIDE = 2**26, 2**16
"""Limits, checked before decoding: pixels (8192 x 8192), and rows or columns, as Pillow needs extra memory per row."""

STRIP = 2**22
"""Pixels converted at a time, so that intermediate copies of a large picture take little memory."""


def read_image(path: Path) -> np.ndarray:
    """An image file as uint8 (3, H, W), upright (EXIF orientation applied).

    Gray, palette and CMYK become RGB, 16 bits become 8, and transparent pixels are composed over white.
    Raises UserError naming the file: missing, not an image, truncated, too large, or of floating-point numbers.
    """
    picture = open_picture(path)
    if picture.mode == "F":
        raise UserError(f"{path}: holds floating-point numbers, not colors; save it as an 8-bit or 16-bit image")
    pixels = np.empty((3, picture.height, picture.width), np.uint8)
    for rows, strip in _strips(picture):
        pixels[:, rows] = _to_rgb(strip).transpose(2, 0, 1)
    return pixels


def read_labels(path: Path, spec: DomainSpec) -> np.ndarray:
    """A label file as uint8 (H, W), class indices.

    Gray and palette files hold the indices themselves (the palette's colors do not matter), RGB files the classes'
    colors. Raises UserError naming the file, as for images, or values or colors that are no class.
    """
    labels = decode_labels(path, spec)
    check_labels(labels, len(spec.classes), str(path))
    return labels


def decode_labels(path: Path, spec: DomainSpec) -> np.ndarray:
    """As `read_labels`, without the check that every label is below the class count: readers of a source do that."""
    picture = open_picture(path)
    if picture.mode in ("L", "P", "1"):
        return np.asarray(picture).astype(np.uint8)
    if picture.mode in ("RGB", "RGBA"):
        return _labels_of_colors(picture, spec, path)
    if not picture.mode.startswith("I"):
        raise UserError(
            f"{path}: is a {picture.mode} image; labels are 8-bit class indices or RGB in the classes' colors"
        )
    values = np.asarray(picture)
    wrong = int(values.min() if values.min() < 0 else values.max())
    if not 0 <= wrong <= 255:
        raise UserError(f"{path}: has label value {wrong}; class indices are needed, 0..{len(spec.classes) - 1}")
    return values.astype(np.uint8)


def open_picture(path: Path) -> Image.Image:
    """A decoded, upright picture. Raises UserError: missing, not an image, truncated, or over the limits."""
    with reading(path, "an image", "replace or remove it"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage, which raises below, and of sizes, for which our limit is lower
        check_file(path)
        try:
            picture = Image.open(path, formats=FORMATS)
        except UnidentifiedImageError as error:
            raise UserError(f"{path}: is not an image that can be read; remove it or save it as PNG or JPEG") from error
        except Image.DecompressionBombError as error:
            raise UserError(f"{path}: is over the limit of {MAX_PIXELS:,} pixels; scale it down") from error
        with picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                limit = f"over the limit of {MAX_PIXELS:,}; scale it down"
                raise UserError(f"{path}: is {width} x {height} pixels, {limit}")
            if max(width, height) > MAX_SIDE:
                raise UserError(f"{path}: is {width} x {height} pixels; a side has {MAX_SIDE:,} at most")
            picture.load()
            return ImageOps.exif_transpose(picture)


def size_of(array: np.ndarray) -> str:
    """An array's shape for an error line: `512 x 1024`."""
    return " x ".join(str(number) for number in array.shape)


def _strips(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Consecutive rows of a picture: (their slice, the strip)."""
    step = max(1, STRIP // picture.width)
    for top in range(0, picture.height, step):
        below = min(top + step, picture.height)
        yield slice(top, below), picture.crop((0, top, picture.width, below))


def _to_rgb(picture: Image.Image) -> np.ndarray:
    """A picture of any mode but "F" as uint8 (H, W, 3), see `read_image`."""
    if picture.mode.startswith("I"):  # 16-bit gray, which Pillow reads as 16 or 32 bits
        picture = Image.fromarray((np.clip(np.asarray(picture), 0, 65535) / 257 + 0.5).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB"))


def _labels_of_colors(picture: Image.Image, spec: DomainSpec, path: Path) -> np.ndarray:
    """A picture in the classes' colors -> uint8 (H, W). Raises UserError listing other colors."""
    labels = np.zeros((picture.height, picture.width), np.uint8)
    count, foreign = 0, np.zeros(0, np.uint32)
    for rows, strip in _strips(picture):
        packed = np.asarray(strip.convert("RGB")).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        known = np.zeros(packed.shape, bool)
        for label, (red, green, blue) in enumerate(spec.colors):
            here = packed == (red << 16) + (green << 8) + blue
            labels[rows][here] = label
            known |= here
        count += int((~known).sum())
        foreign = np.unique(np.concatenate((foreign, np.unique(packed[~known])[:5])))[:5]
    if count:
        shown = ", ".join(f"({color >> 16}, {color >> 8 & 255}, {color & 255})" for color in foreign[:4].tolist())
        more = ", ..." if len(foreign) > 4 else ""
        raise UserError(
            f"{path}: colors that are no class of domain {spec.name!r}, {shown}{more}, in {count:,} of {labels.size:,} "
            "pixels; save the classes' colors, or class indices, without antialiasing or JPEG"
        )
    return labels
