"""Image and label files in, arrays out; whatever is wrong with one becomes one line that names it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from composegan.data.sample import check_labels
from composegan.errors import UserError
from composegan.io.guarded import UnreadableError, check_file
from composegan.plugin.domain import DomainSpec

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""What is read, whatever a file's name says: Pillow knows some forty more, one of which starts an interpreter."""

MAX_PIXELS, MAX_SIDE = 2**26, 2**16
"""Files that would unpack to more pixels than this (8192 x 8192) are refused before they are unpacked, and those of so
many rows or columns: what Pillow keeps of a row takes more than a pixel."""

STRIP = 2**22
"""Pixels that are brought to red, green and blue at a time."""


def read_image(path: Path) -> np.ndarray:
    """An image file as uint8 (3, H, W), upright (EXIF orientation applied).

    Grey, palette and CMYK become RGB, 16 bits become 8, and what is transparent is laid on white.
    Raises UserError naming the file: missing, not an image, truncated, too large, or of a kind that has no colours.
    """
    picture = open_picture(path)
    if picture.mode == "F":
        raise UserError(f"{path}: holds floating-point numbers, not colours; save it as an 8-bit or 16-bit image")
    pixels = np.empty((3, picture.height, picture.width), np.uint8)
    for rows, strip in strips_of(picture):
        pixels[:, rows] = colors_of(strip).transpose(2, 0, 1)
    return pixels


def strips_of(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """A picture's rows some at a time: what is made of a large one in between then takes no memory to speak of."""
    step = max(1, STRIP // picture.width)
    for top in range(0, picture.height, step):
        below = min(top + step, picture.height)
        yield slice(top, below), picture.crop((0, top, picture.width, below))


def colors_of(picture: Image.Image) -> np.ndarray:
    """Any picture but one of floating-point numbers as uint8 (H, W, 3), see `read_image`."""
    if picture.mode.startswith("I"):  # 16-bit grey, which Pillow reads as 16 or 32 bits
        picture = Image.fromarray((np.clip(np.asarray(picture), 0, 65535) / 257 + 0.5).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    return np.asarray(picture.convert("RGB"))


def read_labels(path: Path, spec: DomainSpec) -> np.ndarray:
    """A label file as uint8 (H, W), class indices.

    Gray and palette files hold the indices themselves (the palette's colors do not matter), RGB files the classes'
    colors. Raises UserError naming the file, as for images, or values or colors that are no class.
    """
    labels = decode_labels(path, spec)
    check_labels(labels, len(spec.classes), str(path))
    return labels


def decode_labels(path: Path, spec: DomainSpec) -> np.ndarray:
    """As `read_labels`, for a source: whoever reads its items checks that every label is below the class count."""
    picture = open_picture(path)
    if picture.mode in ("L", "P", "1"):
        labels = np.asarray(picture).astype(np.uint8)
    elif picture.mode.startswith("I"):
        values = np.asarray(picture)
        wrong = int(values.min() if values.min() < 0 else values.max())
        if not 0 <= wrong <= 255:
            raise UserError(f"{path}: has label value {wrong}; class indices are needed, 0..{len(spec.classes) - 1}")
        labels = values.astype(np.uint8)
    elif picture.mode in ("RGB", "RGBA"):
        labels = labels_of_colors(picture, spec, path)
    else:
        raise UserError(
            f"{path}: is a {picture.mode} image; labels are 8-bit class indices or RGB in the classes' colors"
        )
    return labels


def labels_of_colors(picture: Image.Image, spec: DomainSpec, path: Path) -> np.ndarray:
    """A picture in the classes' colours -> uint8 (H, W). Raises UserError listing colours that are no class's."""
    labels = np.zeros((picture.height, picture.width), np.uint8)
    count, foreign = 0, np.zeros(0, np.uint32)
    for rows, strip in strips_of(picture):
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


def open_picture(path: Path) -> Image.Image:
    """A decoded, upright picture. Raises UserError: missing, not an image, truncated, or over MAX_PIXELS."""
    try:
        check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damage, which is told below, and of sizes: our own limit is lower
            picture = Image.open(path, formats=FORMATS)
        with picture, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise UserError(
                    f"{path}: is {width} x {height} pixels, over the limit of {MAX_PIXELS:,}; scale it down"
                )
            if max(width, height) > MAX_SIDE:
                raise UserError(f"{path}: is {width} x {height} pixels; a side has {MAX_SIDE:,} at most")
            picture.load()
            return ImageOps.exif_transpose(picture)
    except FileNotFoundError as error:
        raise UserError(f"{path}: does not exist") from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{path}: is larger than the limit of {MAX_PIXELS:,} pixels; scale it down") from error
    except Image.UnidentifiedImageError as error:
        raise UserError(f"{path}: is not an image that can be read; remove it or save it as PNG or JPEG") from error
    except UnreadableError as error:
        raise UserError(f"{path}: is no image ({error})") from error
    except UserError:
        raise
    except Exception as error:  # for damaged data Pillow's decoders raise all sorts
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: is truncated or damaged ({reason}); replace or remove it") from error


def size_of(array: np.ndarray) -> str:
    """An array's shape in words, for an error line: `512 x 1024`."""
    return " x ".join(str(number) for number in array.shape)
