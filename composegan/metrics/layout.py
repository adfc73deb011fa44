"""Measures of label maps: how much of the picture each class has, and the agreement of two maps."""

from __future__ import annotations

import torch
from torch import Tensor


def class_proportions(labels: Tensor, classes: int) -> Tensor:
    """The part of the pixels that each class has. Labels (N, H, W) -> (N, K), each row adding up to 1.

    The Frechet distance between the proportions of two sets is the Frechet segmentation distance (Bau et al.,
    "Seeing what a GAN cannot generate", arXiv 1910.11626, section 3.1).
    """
    rows = torch.arange(len(labels), device=labels.device)[:, None] * classes
    counts = torch.bincount((labels.long().flatten(1) + rows).flatten(), minlength=len(labels) * classes)
    return counts.view(len(labels), classes) / labels[0].numel()


def confusion(target: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Pixels of each pair of classes. Labels (N, H, W) twice -> (K, K) int64, rows are `target`'s classes."""
    pairs = target.long().flatten() * classes + predicted.long().flatten()
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes)


def intersection_over_union(pixels: Tensor) -> Tensor:
    """Of each class, from `confusion` (K, K) -> (K,) float64; NaN for a class that neither map has."""
    both = pixels.diagonal().double()
    return both / (pixels.sum(dim=0) + pixels.sum(dim=1) - both)


def recall(pixels: Tensor) -> Tensor:
    """The part of each target class's pixels that is predicted as such. (K, K) -> (K,); NaN for a class not there."""
    return pixels.diagonal().double() / pixels.sum(dim=1)


def mean_known(values: Tensor) -> float:
    """The mean of the values that are not NaN; NaN when all are."""
    return values[~values.isnan()].mean().item()
