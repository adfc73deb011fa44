"""Label maps as text: a PNG of class numbers in a data URL, as requests and documents hold painted masks."""

from __future__ import annotations

import base64
import binascii
import io

import numpy as np
from PIL import Image

from composegan.data.masks import labels_of_mask
from composegan.errors import UserError
from composegan.io.guarded import reading
from composegan.plugin.domain import DomainSpec

PREFIX = "data:image/png;base64,"
LONGEST = 2**24
"""Characters of the longest mask."""


def png_of(labels: np.ndarray) -> bytes:
    """A label map (H, W) of uint8 as a grey PNG of class numbers, 255 where the codes decide."""
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "PNG", optimize=False)
    return file.getvalue()


def text_of(labels: np.ndarray) -> str:
    """A label map (H, W) of uint8 as a data URL."""
    return PREFIX + base64.b64encode(png_of(labels)).decode()


def labels_of_text(text: object, spec: DomainSpec, height: int, width: int) -> np.ndarray:
    """The inverse of `text_of`: (height, width) uint8. The PNG may also hold the classes' colours.

    Raises UserError for anything but such a mask of this size.
    """
    if not isinstance(text, str) or not text.startswith(PREFIX) or len(text) > LONGEST:
        raise UserError(f"mask: must be a PNG as text that begins with {PREFIX}")
    try:
        content = base64.b64decode(text[len(PREFIX) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError("mask: is damaged; its text is not base64") from error
    return labels_of_png(content, spec, height, width)


def labels_of_png(content: bytes, spec: DomainSpec, height: int, width: int, name: str = "mask") -> np.ndarray:
    """The label map in a PNG of class numbers or colours: (height, width) uint8. Raises as `labels_of_text`."""
    with reading(name, "a PNG"), Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
        if picture.size != (width, height):  # before the pixels are decoded
            raise UserError(
                f"{name}: is {picture.width}x{picture.height}, but the model draws {width}x{height}; scale it to that, "
                "without interpolation (nearest neighbor)"
            )
        picture.load()
        return labels_of_mask(picture, spec, name, height, width)
