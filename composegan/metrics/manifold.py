"""Improved precision and recall (Kynkaanniemi et al., arXiv 1904.06991): how real, and how varied, pictures are."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.errors import UserError

NEIGHBOURS, BLOCK = 3, 1024


def precision_recall(real: Tensor, fake: Tensor, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """The part of `fake` (M, D) that lies within the manifold of `real` (N, D), and the reverse; each 0..1.

    A set's manifold is the union of balls around its points, each as large as the distance to the point's k-th nearest
    neighbour in the set. Larger sets have smaller balls: figures of different N or M cannot be compared.
    Raises UserError unless both sets have more than `neighbours` images.
    """
    for features in (real, fake):
        if len(features) <= neighbours:
            raise UserError(f"{len(features)} images are too few: precision and recall need at least {neighbours + 1}")
    centre = real.mean(dim=0)  # distances by products lose digits far from the origin
    real, fake = real - centre, fake - centre
    return _part_within(fake, real, neighbours), _part_within(real, fake, neighbours)


def _part_within(points: Tensor, others: Tensor, neighbours: int) -> float:
    """The part of `points` within the manifold of `others`."""
    radii = torch.cat(
        [torch.cdist(block, others).kthvalue(neighbours + 1, dim=1).values for block in others.split(BLOCK)]
    )  # (N,): the nearest is the point itself
    within = [(torch.cdist(block, others) <= radii).any(dim=1) for block in points.split(BLOCK)]
    return torch.cat(within).double().mean().item()
