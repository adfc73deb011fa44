"""Metrics of label maps: the area of each class, and the agreement of two maps.

FSD, the Frechet segmentation distance (Bau et al., "Seeing what a GAN cannot generate", arXiv 1910.11626, section 3.1),
is the Frechet distance between the class areas of two sets.
"""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.metrics.frechet import frechet_distance, frechet_figure, moments
from composegan.metrics.rows import Describer, Rows, Setting
from composegan.plugin.contracts import Metric


def class_proportions(labels: Tensor, classes: int) -> Tensor:
    """The share of each image's pixels that each class has. Labels (N, H, W) -> (N, K); each row adds up to 1."""
    rows = torch.arange(len(labels), device=labels.device)[:, None] * classes
    counts = torch.bincount((labels.long().flatten(1) + rows).flatten(), minlength=len(labels) * classes)
    return counts.view(len(labels), classes) / labels[0].numel()


def confusions(target: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Pixels of each pair of classes, by image. Labels (N, H, W) twice -> (N, K, K) int64; rows: `target`'s classes."""
    images = torch.arange(len(target), device=target.device)[:, None] * classes**2
    pairs = images + target.long().flatten(1) * classes + predicted.long().flatten(1)  # (N, H W)
    counts = torch.bincount(pairs.flatten(), minlength=len(target) * classes**2)
    return counts.view(len(target), classes, classes)


def confusion(target: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """The same for all images together: (K, K) int64."""
    return confusions(target, predicted, classes).sum(dim=0)


def intersection_over_union(pixels: Tensor) -> Tensor:
    """By class, from confusions (..., K, K) -> (..., K) float64; NaN for a class that neither map has."""
    both = pixels.diagonal(dim1=-2, dim2=-1).double()
    return both / (pixels.sum(dim=-2) + pixels.sum(dim=-1) - both)


def recall(pixels: Tensor) -> Tensor:
    """The share of each target class's pixels that is predicted as such. (K, K) -> (K,); NaN for an absent class."""
    return pixels.diagonal().double() / pixels.sum(dim=1)


def mean_known(values: Tensor) -> float:
    """The mean of the values that are not NaN; NaN if all are."""
    return values[~values.isnan()].mean().item()


def _open(setting: Setting) -> Describer:
    return Describer(lambda images, labels: class_proportions(labels, setting.classes).float(), key="layout")


LAYOUT = Rows("layout", _open)
"""`class_proportions`."""

fsd = Metric(
    rows=LAYOUT,
    summarize=moments,
    compare=frechet_distance,
    measure=lambda evaluation: [frechet_figure("FSD", evaluation.sets(LAYOUT))],
    least=2,
    position=40,
)
