"""The locality loss: an edit of one class may not change the picture elsewhere. Our own; not from a paper."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

FLOOR = 0.002
"""Mean change, of 2, below which an edit counts less: an edit without effect has no share to measure."""


def locality_loss(before: Tensor, after: Tensor, labels: Tensor, labels_after: Tensor, edited: Tensor) -> Tensor:
    """The share of an edit's change outside the edited class: `mean_b sum_outside |a - b| / (sum |a - b| + FLOOR H W)`.

    A share, because "change nothing" would minimize the change itself. Outside: beyond the class's pixels before and
    after, grown by one pixel. before, after: (B, 3, H, W) in -1..1; labels, labels_after: (B, H, W); edited: (B,), the
    class -> () in 0..1.
    """
    own = (labels == edited[:, None, None]) | (labels_after == edited[:, None, None])  # (B, H, W)
    own = F.max_pool2d(own[:, None].to(before.dtype), 3, stride=1, padding=1)[:, 0]  # (B, H, W)
    change = (after - before).abs().mean(dim=1)  # (B, H, W)
    outside, whole = (change * (1 - own)).sum((1, 2)), change.sum((1, 2))  # (B), (B)
    return (outside / (whole + FLOOR * labels[0].numel())).mean()
