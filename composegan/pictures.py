"""Tensors to pictures that a person looks at: images, coloured masks, grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

Colors = Sequence[tuple[int, int, int]]


def to_uint8(images: Tensor) -> np.ndarray:
    """Images (N, 3, H, W) in -1..1 (clamped) -> (N, H, W, 3) uint8."""
    return images.float().clamp(-1, 1).mul(127.5).add(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def color_masks(labels: np.ndarray, colors: Colors) -> np.ndarray:
    """Labels (N, H, W) -> (N, H, W, 3) uint8 in the classes' colours."""
    return np.asarray(colors, dtype=np.uint8)[labels]


def grid(pictures: np.ndarray, columns: int) -> Image.Image:
    """Pictures (N, H, W, 3) uint8 side by side, row by row; the last row may end in black."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, height, width, 3), np.uint8)
    sheet[:count] = pictures
    sheet = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return Image.fromarray(sheet.reshape(rows * height, columns * width, 3))


def contact_sheet(images: np.ndarray, labels: np.ndarray, colors: Colors, pairs: int | None = None) -> Image.Image:
    """Each image with its coloured mask on its right. images: (N, H, W, 3); labels: (N, H, W).

    pairs: how many in a row; default: about as wide as high, and full rows where that can be.
    """
    together = np.concatenate((images, color_masks(labels, colors)), axis=2)  # (N, H, 2W, 3)
    if pairs is None:
        height, width = together.shape[1:3]
        ideal = max(1.0, (len(images) * height / width) ** 0.5)
        full = [n for n in range(1, len(images) + 1) if len(images) % n == 0 and ideal / 2 <= n <= ideal * 2]
        pairs = max(full, key=lambda n: (min(n / ideal, ideal / n), n)) if full else round(ideal)
    return grid(together, min(pairs, len(images)))
