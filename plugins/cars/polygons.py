"""Exact label maps from polygons, and the crop around a car."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def crop_around(
    parts: Iterable[Part], shape: Sequence[float], margin: float, height: int, width: int
) -> tuple[slice, slice]:
    """Return (rows, columns) of the crop around all parts, inside a picture of height x width.

    It has the given shape and contains the parts with their margin, or is the largest of that shape in the picture; it
    is centred on the parts as far as the picture allows.

    shape: its width and height, in any unit. margin: added to each side, as a fraction of the parts' longer side.
    """
    corners = np.concatenate([polygon for part in parts for polygon in part.polygons])
    low, high = corners.min(0), corners.max(0)
    middle, size = (low + high) / 2, (high - low) + 2 * margin * (high - low).max()
    across, down = shape
    scale = min(max(size[0] / across, size[1] / down), width / across, height / down)
    columns = _span(middle[0], round(across * scale), width)
    return _span(middle[1], round(down * scale), height), columns


def _span(middle: float, length: int, size: int) -> slice:
    """The positions of a length around `middle`, moved into 0..size."""
    length = min(max(length, 1), size)
    start = min(max(round(middle - length / 2), 0), size - length)
    return slice(start, start + length)
