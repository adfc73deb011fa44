"""Measures of label maps: which classes are there, how much of the picture each has, and agreement of two maps."""

from __future__ import annotations

import torch
from torch import Tensor

PRESENT = 1 / 1024
"""A class is in a picture from this part of its pixels on: 4 of 64 x 64, so that a stray pixel does not count."""


def class_proportions(labels: Tensor, classes: int) -> Tensor:
    """The part of the pixels that each class has. Labels (N, H, W) -> (N, K), each row adding up to 1.

    The Frechet distance between the proportions of two sets is the Frechet segmentation distance (Bau et al.,
    "Seeing what a GAN cannot generate", arXiv 1910.11626, section 3.1).
    """
    rows = torch.arange(len(labels), device=labels.device)[:, None] * classes
    counts = torch.bincount((labels.long().flatten(1) + rows).flatten(), minlength=len(labels) * classes)
    return counts.view(len(labels), classes) / labels[0].numel()


def presence_rates(proportions: Tensor) -> Tensor:
    """The part of the pictures that each class is in. (N, K) of `class_proportions` -> (K,)."""
    return (proportions >= PRESENT).double().mean(dim=0)


def presence_accuracy(real: Tensor, fake: Tensor) -> float:
    """`1 - mean_k |rate_k - rate'_k|` of the presence rates of two sets of proportions; 1 is as in the data."""
    return 1 - (presence_rates(real) - presence_rates(fake)).abs().mean().item()


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
