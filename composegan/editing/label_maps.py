"""Label maps changed by hand: classes moved and scaled, and what they leave behind filled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ENCLOSED = 0.5
"""Other classes enclosed by a shape are in front of it if they cover less than this, relative to the shape: eyes are
in front of a face, but what is seen through glasses is not in front of their frame."""
DETAIL = 1 / 50
"""Classes that cover less of the picture do not fill what others leave, unless there are no larger ones."""


def moved(labels: np.ndarray, classes: Sequence[int], dx: float, dy: float, scale: float = 1.0) -> np.ndarray:
    """A label map (H, W) with classes moved together by dx pixels to the right and dy down, and scaled about the centre
    of their pixels.

    They cover what they move over, except small classes that they enclose. A shape that the edge of the picture cuts
    off continues beyond it. What they leave takes the nearest remaining class.
    """
    own = np.isin(labels, classes)
    front = _enclosed(own)
    front &= own.any() and front.sum() < ENCLOSED * own.sum()
    shape = filled(labels, ~own)  # where `front` is as well
    rows, columns = own.nonzero()
    y, x = np.indices(labels.shape)
    y = (y - rows.mean() - dy) / scale + rows.mean()
    x = (x - columns.mean() - dx) / scale + columns.mean()
    at = tuple(np.rint(part).astype(int).clip(0, size - 1) for part, size in zip((y, x), labels.shape, strict=True))
    there = (own | front)[at] & ~front
    return np.where(there, shape[at], filled(labels, own))


def filled(labels: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The label map (H, W) with pixels in `holes` (H, W) bool taking the label of the nearest other pixel that is not
    of a detail."""
    known = ~holes
    if not holes.any() or not known.any():
        return labels
    pixels = np.bincount(labels[known], minlength=256)
    large = known & (pixels >= DETAIL * labels.size)[labels]
    known = large if large.any() else known
    y, x = np.split(np.indices(labels.shape), 2)  # (1, H, W) twice
    where = np.where(known, np.concatenate((y, x)), -1)  # of the nearest known pixel found so far
    step = 1 << (max(labels.shape) - 1).bit_length()
    while step:  # jump flooding (Rong and Tan 2006): ever shorter steps
        step //= 2
        for down in (-step, 0, step):
            for right in (-step, 0, step):
                other = _shifted(where, down, right)
                nearer = (other[0] >= 0) & ((where[0] < 0) | (_squared(other, y, x) < _squared(where, y, x)))
                where = np.where(nearer, other, where)
    return np.where(holes, labels[where[0], where[1]], labels)


def _squared(where: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (where[0] - y) ** 2 + (where[1] - x) ** 2


def _shifted(planes: np.ndarray, down: int, right: int) -> np.ndarray:
    """Planes (n, H, W) moved, -1 where nothing comes from."""
    found = np.full_like(planes, -1)
    height, width = planes.shape[1:]
    to_y, to_x = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    from_y, from_x = slice(max(0, -down), height + min(0, -down)), slice(max(0, -right), width + min(0, -right))
    found[:, to_y, to_x] = planes[:, from_y, from_x]
    return found


def grown(region: np.ndarray, pixels: int = 1) -> np.ndarray:
    """(H, W) bool, and what is up to so many rows and columns away."""
    for _ in range(pixels):
        edge = np.pad(region, 1)
        region = edge[1:-1, 1:-1] | edge[:-2, 1:-1] | edge[2:, 1:-1]
        edge = np.pad(region, 1)
        region = edge[1:-1, 1:-1] | edge[1:-1, :-2] | edge[1:-1, 2:]
    return region


def _enclosed(region: np.ndarray) -> np.ndarray:
    """Pixels outside a region (H, W) bool from which it cuts off the way to the edge of the picture."""
    free = np.pad(~region, 1, constant_values=True)
    seen = np.zeros_like(free)
    seen[0] = True
    while True:
        around = seen.copy()
        for _ in range(2):
            around[1:] |= seen[:-1]
            around[:-1] |= seen[1:]
            around, seen = around.T, seen.T
        around &= free
        if (around == seen).all():
            return (free & ~seen)[1:-1, 1:-1]
        seen = around
