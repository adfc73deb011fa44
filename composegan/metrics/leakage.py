"""Edit leakage: the share of an edit's change that falls outside the edited class."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def change(before: Tensor, after: Tensor) -> Tensor:
    """Mean absolute difference over channels. Images (N, 3, H, W) in -1..1 -> (N, H, W) in 0..2."""
    return (after.float() - before.float()).abs().mean(dim=1)


def region_of(labels: Tensor, others: Tensor, classes: Tensor | list[int], margin: int = 0) -> Tensor:
    """Pixels where either label map has one of `classes`, grown by `margin` pixels.

    labels, others: (N, H, W) integers -> (N, H, W) bool.
    """
    classes = torch.as_tensor(classes, device=labels.device)
    region = torch.isin(labels.long(), classes) | torch.isin(others.long(), classes)
    if margin:
        grown = F.max_pool2d(region[:, None].float(), 2 * margin + 1, stride=1, padding=margin)
        region = grown[:, 0] > 0
    return region


def leakage(before: Tensor, after: Tensor, region: Tensor) -> Tensor:
    """The share of the change outside `region`: `sum_outside |a - b| / sum |a - b|`, per image.

    before, after: (N, 3, H, W) in -1..1; region: (N, H, W) bool -> (N,) in 0..1; 0 where nothing changed.
    """
    difference = change(before, after).double()  # (N, H, W)
    total = difference.sum(dim=(1, 2))
    outside = (difference * ~region).sum(dim=(1, 2))
    return torch.where(total > 0, outside / total.clamp_min(1e-12), 0.0).float()
