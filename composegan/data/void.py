"""Pixels without a class take that of the nearest pixel that has one."""

from __future__ import annotations

import numpy as np

from composegan.errors import UserError
from composegan.plugin.label_scheme import VOID


def fill_void(labels: np.ndarray, name: str) -> tuple[np.ndarray, float]:
    """Labels uint8 (H, W) with VOID -> labels without, and the share of void pixels, 0..1.

    name: the file. Raises UserError where every pixel is void.
    """
    known = labels != VOID
    if known.all():
        return labels, 0.0
    if not known.any():
        raise UserError(f"{name}: every pixel is void; remove it, or give one of its values a class in `ids`")
    return nearest_class(labels, known), 1 - float(known.mean())


def nearest_class(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill unknown pixels with the label of the nearest known one (Euclidean distance).

    labels: any dtype (H, W). known: bool (H, W), not all False. Of several as near, one in the pixel's row is taken,
    else the upper one, else the left one.

    The nearest known pixel in each row is found first. The other rows are then searched from near to far, each pixel
    only while they may still hold a nearer one: the time is that of the void pixels times their distances.
    """
    height, width = labels.shape
    column = nearest_known(known)  # (H, W)
    far = height**2 + width**2 + 1
    across = np.where(known.any(axis=1, keepdims=True), (column - np.arange(width)) ** 2, far)  # (H, W)
    rows, columns = np.nonzero(~known)  # (n) each
    best, best_row = across[rows, columns], rows.copy()
    active = np.arange(len(rows))
    for step in range(1, height):
        active = active[best[active] > step**2]
        if not active.size:
            break
        for shift in (-step, step):
            row = rows[active] + shift
            inside = (row >= 0) & (row < height)
            where, row = active[inside], row[inside]
            distance = step**2 + across[row, columns[where]]
            nearer = distance < best[where]
            best[where[nearer]], best_row[where[nearer]] = distance[nearer], row[nearer]
    filled = labels.copy()
    filled[rows, columns] = labels[best_row, column[best_row, columns]]
    return filled


def nearest_known(known: np.ndarray) -> np.ndarray:
    """The nearest known position of each position in a row, the left one of a tie: bool (N, L) -> int (N, L).

    Undefined for rows without a known position.
    """
    length = known.shape[1]
    positions = np.arange(length)
    left = np.maximum.accumulate(np.where(known, positions, -length), axis=1)
    right = np.minimum.accumulate(np.where(known, positions, 2 * length)[:, ::-1], axis=1)[:, ::-1]
    return np.where(positions - left <= right - positions, left, right).clip(0, length - 1)
