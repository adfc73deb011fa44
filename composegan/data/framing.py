"""The part of a photo that a model sees, and the photo around it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from composegan.data.resize import center_crop, resize_image
from composegan.errors import UserError


@dataclass(frozen=True)
class Frame:
    """A rectangle of a photo. left, top: of its upper left corner; all in whole pixels of the upright photo."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def central(cls, photo: np.ndarray, height: int, width: int) -> Frame:
        """The largest centred frame of a photo (..., H, W) with the aspect ratio height : width."""
        rows, columns = center_crop(photo, height, width)
        return cls(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)

    @property
    def rows(self) -> slice:
        """Rows of the photo."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """Columns of the photo."""
        return slice(self.left, self.left + self.width)

    def cut(self, photo: np.ndarray) -> np.ndarray:
        """(..., H, W) -> (..., height, width), a view."""
        return photo[..., self.rows, self.columns]

    def inside(self, height: int, width: int) -> bool:
        """Whether the frame lies within a photo of this size, and is not empty."""
        fits = self.left + self.width <= width and self.top + self.height <= height
        return fits and min(self.left, self.top) >= 0 and min(self.width, self.height) > 0

    def scaled(self, height: int, width: int, to_height: int, to_width: int) -> Frame:
        """The same part of a picture of another size: label maps may be smaller than their photo."""
        x, y = to_width / width, to_height / height
        scaled = Frame(
            min(to_width - 1, round(self.left * x)), min(to_height - 1, round(self.top * y)),
            max(1, round(self.width * x)), max(1, round(self.height * y)),
        )  # fmt: skip
        return replace(
            scaled, width=min(scaled.width, to_width - scaled.left), height=min(scaled.height, to_height - scaled.top)
        )

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width}"


@dataclass(frozen=True, eq=False)
class Framed:
    """A photo and the part of it that a model sees.

    name: unique among the photos; pixels: uint8 (H, W, 3), upright, sRGB; frame: within the photo.
    """

    name: str
    pixels: np.ndarray
    frame: Frame

    def fitted(self, height: int, width: int) -> np.ndarray:
        """What the model sees: uint8 (height, width, 3)."""
        part = self.frame.cut(self.pixels.transpose(2, 0, 1))
        return resize_image(part, height, width).transpose(1, 2, 0)


def parse_crop(text: str) -> tuple[int, int, int] | None:
    """The left, top and width of `crop=x,y,size`, pixels; None for a word. Raises UserError for anything else."""
    if text in ("auto", "center", "find"):
        return None
    try:
        left, top, width = (int(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(
            f"crop={text}: is neither auto, center, find nor three whole numbers; write the left edge, the top edge "
            "and the width in pixels, as in crop=120,40,512"
        ) from error
    if width < 1:
        raise UserError(f"crop={text}: the width, its last number, must be 1 or more")
    return left, top, width


def frame_at(crop: tuple[int, int, int], photo: np.ndarray, name: str, height: int, width: int) -> Frame:
    """The frame with this left edge, top edge and width in a photo (..., H, W), for a model of height x width.

    Raises UserError if it is not within the photo. name: of the photo.
    """
    left, top, across = crop
    frame = Frame(left, top, across, max(1, round(across * height / width)))
    rows, columns = photo.shape[-2:]
    if not frame.inside(rows, columns):
        raise UserError(
            f"crop={frame}: is outside of {name}, which is {columns}x{rows}; this crop is {frame.width}x{frame.height} "
            "pixels"
        )
    return frame
