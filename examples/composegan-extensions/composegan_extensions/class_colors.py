"""How far each class's mean colour is from the real one's: `metrics=class_colors`, `output.metrics=class_colors`."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.plugin import Metric

FARTHEST = 3**0.5
"""From black to white, where red, green and blue are 0..1."""


def describe(images: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Images (B, 3, H, W), labels (B, H, W) -> (B, 4 K): each class's sums of red, green and blue, and its pixels."""
    batch, pixels = len(images), labels[0].numel()
    rows = torch.arange(batch)[:, None] * classes + labels.flatten(1).long()  # (B, H W)
    values = torch.ones(batch, pixels, 4)
    values[..., :3] = images.flatten(2).transpose(1, 2) / 255
    sums = torch.zeros(batch * classes, 4).index_add_(0, rows.flatten(), values.flatten(0, 1))  # (B K, 4)
    return sums.view(batch, 4 * classes) / pixels


def compare(real: Tensor, generated: Tensor) -> float:
    """The mean distance of mean colours, 0 to sqrt(3), over the classes that real pictures have.

    A class that no generated picture has counts as FARTHEST.
    """
    real, generated = (rows.view(len(rows), -1, 4).double().mean(dim=0) for rows in (real, generated))  # (K, 4)
    colors = [sums[:, :3] / sums[:, 3:] for sums in (real, generated)]  # each (K, 3)
    distances = (colors[0] - colors[1]).norm(dim=1).nan_to_num(FARTHEST)  # (K)
    return distances[real[:, 3] > 0].mean().item()


metric = Metric(describe=describe, compare=compare, better="lower", api=1)
