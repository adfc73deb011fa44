"""Exact label maps from polygons, and the crop around a car."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Polygon = np.ndarray
"""float64 (N, 2): x and y of the corners in pixels, 0 at the picture's left and upper edge."""


@dataclass(frozen=True)
class Part:
    """One part in a picture: its name in the data set and the polygons whose union it is."""

    name: str
    polygons: Sequence[Polygon]

    @property
    def middle(self) -> np.ndarray:
        """The centre of its bounding box, (2,)."""
        corners = np.concatenate(list(self.polygons))
        return (corners.min(0) + corners.max(0)) / 2


def inside(polygon: Polygon, height: int, width: int) -> np.ndarray:
    """Find the pixels whose centres lie in a polygon, by the even-odd rule: bool (height, width).

    A centre exactly on an edge belongs to the polygon to the right of or below the edge, so polygons that share an edge
    neither overlap nor leave a gap.
    """
    start, end = polygon, np.roll(polygon, -1, axis=0)
    upper, lower = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    centres = np.arange(height) + 0.5
    crossed = (upper[:, None] <= centres) & (centres < lower[:, None])  # (edges, rows)
    edges, rows = np.nonzero(crossed)
    (x0, y0), (x1, y1) = start[edges].T, end[edges].T
    x = x0 + (centres[rows] - y0) * (x1 - x0) / (y1 - y0)
    first = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)  # first pixel whose centre is not left of the edge
    turns = np.zeros((height, width + 1), np.int64)
    np.add.at(turns, (rows, first), 1)
    return (np.cumsum(turns, axis=1)[:, :width] & 1).astype(bool)


def paint_labels(layers: Iterable[tuple[int, Part]], height: int, width: int) -> np.ndarray:
    """Paint (label value, part) in order: uint8 (height, width), 0 where there is no part."""
    labels = np.zeros((height, width), np.uint8)
    for label, part in layers:
        for polygon in part.polygons:
            labels[inside(polygon, height, width)] = label
    return labels


def crop_around(parts: Iterable[Part], shape: Sequence[float], margin: float) -> tuple[int, int, int, int]:
    """Return the crop around all parts, (left, upper, right, lower) in pixels; it may extend beyond the picture.

    shape: its width and height, in any unit. margin: added to each side, as a fraction of the parts' longer side.
    """
    corners = np.concatenate([polygon for part in parts for polygon in part.polygons])
    low, high = corners.min(0), corners.max(0)
    middle, size = (low + high) / 2, (high - low) + 2 * margin * (high - low).max()
    width = max(size[0], size[1] * shape[0] / shape[1])
    half = np.array([width, width * shape[1] / shape[0]]) / 2
    left, upper = np.floor(middle - half).astype(int).tolist()
    right, lower = np.ceil(middle + half).astype(int).tolist()
    return left, upper, max(right, left + 1), max(lower, upper + 1)


def crop(array: np.ndarray, box: tuple[int, int, int, int], fill: Literal["edge", "constant"]) -> np.ndarray:
    """Crop a box out of an array (..., H, W), moved into the picture as far as it fits.

    fill: the mode of numpy.pad beyond the edges; "constant" is 0.
    """
    rows, columns = (
        span(*ends, size) for ends, size in zip(((box[1], box[3]), (box[0], box[2])), array.shape[-2:], strict=True)
    )
    pads = [(0, 0)] * (array.ndim - 2) + [(before, after) for _, before, after in (rows, columns)]
    return np.pad(array[..., rows[0], columns[0]], pads, mode=fill)


def span(start: int, end: int, size: int) -> tuple[slice, int, int]:
    """Move start..end into 0..size: the slice that remains, and how much is missing before and after it."""
    length = end - start
    if length <= size:
        start = min(max(start, 0), size - length)
        return slice(start, start + length), 0, 0
    start = min(max(start, size - length), 0)  # it contains the whole picture
    return slice(0, size), -start, start + length - size
