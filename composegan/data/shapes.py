"""Typical shapes of each class: cluster means of its label maps."""

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
    """Cluster each class's maps, and whole pictures, by k-means.

    pictures: for each, the maps (32, 32) of the classes it has, uint8, 255 where the class covers a cell -> shapes
    (K, 16, 32, 32), cluster means in 0..1, and shape_counts (16, K, 16): how many pictures of each of 16 views, the
    clusters of whole pictures, have each shape of a class.
    """
    shapes = np.zeros((classes, SHAPES, PLACES, PLACES), np.float32)
    counts = np.zeros((SHAPES, classes, SHAPES), np.int64)
    view = _views(pictures, classes)
    for index in range(classes):
        having = [number for number, maps in enumerate(pictures) if index in maps]
        if having:
            points = torch.from_numpy(np.stack([pictures[number][index] for number in having])).flatten(1) / 255
            means, of_point = _clusters(points, min(SHAPES, len(points)))
            shapes[index, : len(means)] = means.unflatten(1, (PLACES, PLACES)).numpy()
            np.add.at(counts[:, index], (view[having].numpy(), of_point.numpy()), 1)
    return {"shapes": shapes, "shape_counts": counts}


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
