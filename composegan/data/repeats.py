"""Rows and columns that repeat the edge of a picture, as padding leaves them."""

from __future__ import annotations

import numpy as np

LEAST = 2
"""Repeated rows or columns on a side that are no coincidence."""
LEVEL = 1
"""Levels, of 255, by which resized copies of a row may differ from one another."""
TEXTURE = 0.25
"""Share of the pixels of a row with a second difference of at least 2 levels, from which on it is that of a photo: flat
and shaded areas, as of drawings, repeat themselves without padding. Nine in ten outermost rows of real photos pass."""


def repeated_edges(image: np.ndarray) -> float:
    """The fraction of an image, uint8 (3, H, W), in rows and columns at its sides that repeat the next one inwards."""
    turned = image.transpose(0, 2, 1)
    kept = 1.0
    for sides in ((image, image[:, ::-1]), (turned, turned[:, ::-1])):
        kept *= 1 - min(1.0, sum(map(_repeats, sides)) / sides[0].shape[1])
    return 1 - kept


def _repeats(image: np.ndarray) -> int:
    """How many of the first rows of an image (3, H, W) are copies of the row that follows them."""
    first = image[:, 0].astype(np.int16)  # (3, W)
    height = image.shape[1]
    if height < 2 or not _alike(first, image[:, 1]) or _texture(first) < TEXTURE:
        return 0
    count = 1
    while count + 1 < height and _alike(first, image[:, count + 1]):
        count += 1
    return count if LEAST <= count < height - 1 else 0  # a picture of stripes is all copies


def _alike(first: np.ndarray, other: np.ndarray) -> bool:
    return bool((np.abs(first - other) <= LEVEL).all())


def _texture(row: np.ndarray) -> float:
    """The share of the pixels of a row (3, W) that its neighbors do not predict."""
    return float((np.abs(np.diff(row, n=2, axis=1)).max(axis=0) >= 2).mean()) if row.shape[1] > 2 else 0.0
