"""Open and decode picture files of any kind; any problem is one line that names the file.

Every image and label file is read through `open_picture`. docs/data.md lists what is read, how, and what is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from composegan.data.headers import (
    bmp_profile,
    color_codes,
    lossy_compression,
    may_have_exif,
    mend_colors,
    refused_form,
    scale_of,
    without_text,
)
from composegan.errors import UserError
from composegan.io.guarded import check_file, reading

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""Accepted formats, whatever the file's name: Pillow knows some forty more, one of which starts an interpreter."""

MAX_PIXELS, MAX_SIDE = 2**26, 2**16
"""Limits, checked before decoding: pixels (8192 x 8192), and rows or columns, as Pillow needs extra memory per row."""

STRIP = 2**22
"""Pixels converted at a time, so that intermediate copies of a large picture take little memory."""

ORIENTATION = 0x0112
TRANSPARENT = ("RGBA", "LA", "PA", "La", "RGBa")


@dataclass(frozen=True)
class Stored:
    """How a file stores its picture, before Pillow converts it.

    pixels: Pillow's name for the form of the pixels ("L;4": four bits); lossy: the compression, if it changes values;
    orientation: from EXIF, if given; signed: integers with a sign; negative: a TIFF where zero is white; codes: the
    chunk cICP of a PNG.
    """

    pixels: str
    lossy: str = ""
    orientation: int | None = None
    signed: bool = False
    negative: bool = False
    codes: tuple[int, ...] | None = None


def open_picture(path: Path) -> Image.Image:
    """A decoded, upright picture, in the colors of the file; for labels, use `read_labels` or `read_numbers`.

    Raises UserError: missing, not an image, truncated, or over the limits.
    """
    try:
        return _decode(path)
    except UserError as error:
        if "MAX_TEXT" not in str(error.__cause__):  # Pillow's limit of text and profiles in a PNG
            raise
    with reading(path, "an image", "replace or remove it"):
        file, profile = without_text(path)
    picture = _decode(path, file)
    if profile is not None:
        picture.info["icc_profile"] = profile
    return picture


def open_header(path: Path) -> Image.Image:
    """A picture for its size, orientation and profile only, not decoded if possible. Raises UserError as above."""
    try:
        with opened(path) as picture:
            may_turn = picture.format != "PNG" or may_have_exif(picture)  # Pillow decodes a PNG to look for it
            orientation = orientation_of(picture) if may_turn else None
            picture.info["composegan"] = Stored(picture.mode, orientation=orientation)
            return picture
    except UserError:
        return open_picture(path)  # text over Pillow's limit


def stored(picture: Image.Image) -> Stored:
    """How the file of a picture from `open_picture` stores it; for any other picture, what its mode says."""
    found = picture.info.get("composegan")
    return found if isinstance(found, Stored) else Stored(picture.mode, lossy_compression(picture))


@contextmanager
def opened(path: Path, file: IO[bytes] | None = None) -> Iterator[ImageFile.ImageFile]:
    """A picture before it is decoded. file: its content, if not in `path`. Raises UserError as `open_picture` does."""
    with reading(path, "an image", "replace or remove it"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage, which raises below, and of sizes, for which our limit is lower
        check_file(path)
        try:
            picture = Image.open(file or path, formats=FORMATS)
        except UnidentifiedImageError as error:
            form = refused_form(file or path) or "is not an image that can be read"
            raise UserError(f"{path}: {form}; remove it or save it as PNG") from error
        except Image.DecompressionBombError as error:
            raise UserError(f"{path}: is over the limit of {MAX_PIXELS:,} pixels; scale it down") from error
        with picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                limit = f"over the limit of {MAX_PIXELS:,}; scale it down"
                raise UserError(f"{path}: is {width} x {height} pixels, {limit}")
            if max(width, height) > MAX_SIDE:
                raise UserError(f"{path}: is {width} x {height} pixels; a side has {MAX_SIDE:,} at most")
            yield picture


def orientation_of(picture: Image.Image) -> int | None:
    """The EXIF orientation, 1 to 8; None if there is none."""
    value = picture.getexif().get(ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def strips(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Consecutive rows of a picture: (their slice, the strip)."""
    step = max(1, STRIP // picture.width)
    for top in range(0, picture.height, step):
        below = min(top + step, picture.height)
        yield slice(top, below), picture.crop((0, top, picture.width, below))


def size_of(array: np.ndarray) -> str:
    """An array's shape for an error line: `512 x 1024`."""
    return " x ".join(str(number) for number in array.shape)


def _decode(path: Path, file: IO[bytes] | None = None) -> Image.Image:
    with opened(path, file) as picture:
        form = picture.tile[0].args or picture.mode if picture.tile else picture.mode
        facts: dict[str, Any] = {"pixels": form if isinstance(form, str) else form[0]}
        facts["lossy"] = lossy_compression(picture)
        if picture.format == "TIFF":
            tags = picture.tag_v2  # type: ignore[attr-defined]
            mend_colors(picture, tags.get(320, ()))
            facts |= {"signed": 2 in tags.get(339, ()), "negative": tags.get(262) == 0}
            facts["orientation"] = orientation_of(picture)  # Pillow turns a TIFF when it decodes it
        elif picture.format == "PNG":
            facts["codes"] = color_codes(picture)
        elif picture.format == "BMP" and (profile := bmp_profile(picture)):
            picture.info["icc_profile"] = profile
        picture.load()
        if picture.mode == "L" and isinstance(clear := picture.info.get("transparency"), int):
            picture.info["transparency"] = clear * scale_of(facts["pixels"])
        facts["orientation"] = facts.get("orientation") or orientation_of(picture)
        ImageOps.exif_transpose(picture, in_place=True)
        picture.info["composegan"] = Stored(**facts)
        return picture
