"""Frechet distance between two sets of feature vectors, each fitted by a Gaussian (Heusel et al., arXiv 1706.08500)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from composegan.metrics.figure import Figure, Sets, TooFewImagesError

Moments = tuple[Tensor, Tensor]
"""Mean (D,) and covariance (D, D), float64."""


def moments(features: Tensor) -> Moments:
    """Mean and unbiased covariance of features (N, D), in float64. Raises UserError for fewer than two rows."""
    if len(features) < 2:
        raise TooFewImagesError(f"{len(features)} images are too few; a covariance needs at least 2")
    features = features.double()
    mean = features.mean(dim=0)
    centred = features - mean
    return mean, centred.T @ centred / (len(features) - 1)


def frechet_distance(real: Moments, fake: Moments) -> float:
    """`|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`, at least 0.

    S1 S2 has the eigenvalues of the symmetric `S1^(1/2) S2 S1^(1/2)`, which saves a general matrix root.
    """
    (mean, covariance), (other_mean, other_covariance) = real, fake
    values, vectors = torch.linalg.eigh(covariance)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    shared = torch.linalg.eigvalsh(root @ other_covariance @ root).clamp_min(0).sqrt().sum()
    distance = (mean - other_mean).square().sum() + covariance.trace() + other_covariance.trace() - 2 * shared
    return max(distance.item(), 0.0)


def frechet_figure(name: str, sets: Sets) -> Figure:
    """The Frechet distance of two sets of rows, with a note where there are too few images for their covariances."""

    def distance(real: Tensor, fake: Tensor) -> float:
        return frechet_distance(moments(real), moments(fake))

    figure = sets.figure(name, distance)
    images, features = min(len(sets.real), len(sets.fake)), sets.real.shape[1]
    if images > features:
        return figure
    note = f"biased upwards: {images:,} images for {features:,} features"
    if figure.halves is not None:
        note += f"; the two halves, of {figure.half_images:,} each, differ by {figure.halves:.4g}"
    return replace(figure, note=note)
