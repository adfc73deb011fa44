"""Typical views of a data set, and the shapes that classes have in them: means of label maps over clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from composegan.networks.shapes import SHAPES

PLACES = 32
"""Rows and columns of a shape."""
COARSE = 8
"""Rows and columns of the maps by which whole pictures are compared."""
ROUNDS = 12
"""Of Lloyd's algorithm; it has nearly converged by then."""


def typical_shapes(pictures: Sequence[dict[int, np.ndarray]], classes: int) -> dict[str, np.ndarray]:
    """Cluster pictures by k-means into V = 32 views.

    pictures: for each, the maps (32, 32) of the classes it has, uint8, 255 where the class covers a cell -> shapes
    (K, V, 32, 32), the mean map in 0..1 of a class over the pictures of a view that have it; shape_counts (V, K), their
    number; and view_counts (V), the number of pictures of each view.

    The shapes of one view fit together, which shapes that are clustered class by class do not.
    """
    sums = np.zeros((classes, SHAPES, PLACES, PLACES), np.float32)
    counts = np.zeros((SHAPES, classes), np.int64)
    view = _views(pictures, classes).numpy()
    for number, maps in zip(view.tolist(), pictures, strict=True):
        for index, shape in maps.items():
            sums[index, number] += shape / np.float32(255)
            counts[number, index] += 1
    shapes = sums / np.maximum(counts.T, 1).astype(np.float32)[..., None, None]
    return {"shapes": shapes, "shape_counts": counts, "view_counts": np.bincount(view, minlength=SHAPES)}


def _views(pictures: Sequence[dict[int, np.ndarray]], classes: int) -> Tensor:
    """The cluster of each picture (N,), by the coarse maps of all classes, each class as important as it varies."""
    cell = PLACES // COARSE
    coarse = torch.zeros(len(pictures), classes, COARSE * COARSE)
    for number, maps in enumerate(pictures):
        for index, shape in maps.items():
            cells = shape.reshape(COARSE, cell, COARSE, cell).mean(axis=(1, 3), dtype=np.float32)
            coarse[number, index] = torch.from_numpy(cells / 255).flatten()
    coarse = coarse / (coarse.var(dim=0, unbiased=False).sum(dim=1).sqrt().sqrt()[:, None] + 1e-6)
    return _clusters(coarse.flatten(1), min(SHAPES, len(pictures)))[1]


def _clusters(points: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm: points (N, P) -> means (count, P) and the cluster of each point (N,).

    It begins with points far from one another: k-means++ (Arthur and Vassilvitskii 2007), with a fixed seed.
    """
    generator = torch.Generator().manual_seed(0)
    means = points[:1]
    for _ in range(count - 1):
        distance = torch.cdist(points, means).square().amin(dim=1) + 1e-9  # (N)
        means = torch.cat((means, points[torch.multinomial(distance, 1, generator=generator)]))
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, means).argmin(dim=1)  # (N)
        total = torch.zeros_like(means).index_add_(0, nearest, points)  # (count, P)
        size = nearest.bincount(minlength=count)[:, None]  # (count, 1)
        means = torch.where(size > 0, total / size.clamp_min(1), means)
    return means, torch.cdist(points, means).argmin(dim=1)
