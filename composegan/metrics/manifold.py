"""Improved precision and recall (Kynkaanniemi et al., arXiv 1904.06991): how realistic and how varied images are."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.metrics.figure import TooFewImagesError

NEIGHBOURS, BLOCK = 3, 1024


def precision(real: Tensor, fake: Tensor) -> float:
    """The share of `fake` (M, D) that lies within the manifold of `real` (N, D), 0..1.

    A set's manifold is the union of balls around its points, each reaching to the point's k-th nearest neighbour in the
    set, k = NEIGHBOURS. Larger sets have smaller balls: values of different N or M cannot be compared.
    Raises UserError unless both sets have more than NEIGHBOURS rows.
    """
    real, fake = _centred(real, fake)
    return _share_within(fake, real)


def recall(real: Tensor, fake: Tensor) -> float:
    """The share of `real` that lies within the manifold of `fake`, 0..1; see `precision`."""
    real, fake = _centred(real, fake)
    return _share_within(real, fake)


def _centred(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    for features in (real, fake):
        if len(features) <= NEIGHBOURS:
            raise TooFewImagesError(
                f"{len(features)} images are too few; precision and recall need at least {NEIGHBOURS + 1}"
            )
    centre = real.mean(dim=0)  # cdist loses digits far from the origin
    return real - centre, fake - centre


def _share_within(points: Tensor, others: Tensor) -> float:
    """The share of `points` within the manifold of `others`."""
    radii = torch.cat(
        [torch.cdist(block, others).kthvalue(NEIGHBOURS + 1, dim=1).values for block in others.split(BLOCK)]
    )  # (N,): the nearest is the point itself
    within = [(torch.cdist(block, others) <= radii).any(dim=1) for block in points.split(BLOCK)]
    return torch.cat(within).double().mean().item()
