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
NEAREST = 4
"""Pictures whose mean is a shape: more would blur layouts that vary, such as streets."""
ROUNDS = 12
"""Of Lloyd's algorithm; it has nearly converged by then."""


def typical_shapes(pictures: Sequence[dict[int, np.ndarray]], classes: int) -> dict[str, np.ndarray]:
    """Cluster pictures by k-means into V = 32 views.

    pictures: for each, the maps (32, 32) of the classes it has, uint8, 255 where the class covers a cell -> shapes
    (K, V, 32, 32), the mean map in 0..1 of a class over four pictures, of those of a view that have it the nearest to
    its middle; shape_counts (V, K), how many have it; and view_counts (V), the number of pictures of each view.

    The shapes of one view fit together, which shapes that are clustered class by class do not.
    """
    sums = np.zeros((classes, SHAPES, PLACES, PLACES), np.float32)
    counts, used = np.zeros((2, SHAPES, classes), np.int64)
    views, distances = _views(pictures, classes)
    for number in distances.argsort(stable=True).tolist():
        view = int(views[number])
        for index, shape in pictures[number].items():
            counts[view, index] += 1
            if used[view, index] < NEAREST:
                sums[index, view] += shape / np.float32(255)
                used[view, index] += 1
    shapes = sums / np.maximum(used.T, 1).astype(np.float32)[..., None, None]
    return {"shapes": shapes, "shape_counts": counts, "view_counts": views.bincount(minlength=SHAPES).numpy()}


def _views(pictures: Sequence[dict[int, np.ndarray]], classes: int) -> tuple[Tensor, Tensor]:
    """The cluster of each picture (N,), by the coarse maps of all classes, each class as important as it varies; and
    its squared distance to the cluster's mean (N,)."""
    cell = PLACES // COARSE
    coarse = torch.zeros(len(pictures), classes, COARSE * COARSE)
    for number, maps in enumerate(pictures):
        for index, shape in maps.items():
            cells = shape.reshape(COARSE, cell, COARSE, cell).mean(axis=(1, 3), dtype=np.float32)
            coarse[number, index] = torch.from_numpy(cells / 255).flatten()
    coarse = coarse / (coarse.var(dim=0, unbiased=False).sum(dim=1).sqrt().sqrt()[:, None] + 1e-6)
    points = coarse.flatten(1)  # (N, K 64)
    means, views = _clusters(points, min(SHAPES, len(pictures)))
    return views, (points - means[views]).square().sum(dim=1)


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
