"""Edit leakage: how much of an edit's change falls outside the edited class, in several forms.

The squared share is 1 minus the localization score of LELSD (Pajouheshgar et al.), taken of pixels and hard masks
instead of feature maps and soft ones; the mean squared error outside is that of StyleMapGAN (Kim et al.,
`metrics/local_editing.py`); the background PSNR is that of PIE-Bench (Ju et al.), a mean over the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.metrics.thresholds import VISIBLE

LEVELS = 127.5
"""Grey levels of 255 in a unit of images in -1..1."""
MARGIN = 1 / 64
"""Width of an outline, where two classes blend, as a part of the picture's shorter side; at least a pixel."""
NOTHING = 1e-3
"""A smaller mean change (of -1..1; a tenth of a step of 8 bits) counts as no change, and has no leakage."""
MOST_PSNR = 100.0
"""PSNR, in dB, of a background that does not change."""


def margin_of(height: int, width: int) -> int:
    """`MARGIN` in pixels: 1 at 64 and below, 2 at 128."""
    return max(1, round(MARGIN * min(height, width)))


def change(before: Tensor, after: Tensor) -> Tensor:
    """Mean absolute difference over channels. Images (N, 3, H, W) in -1..1 -> (N, H, W) in 0..2."""
    return (after.float() - before.float()).abs().mean(dim=1)


def region_of(labels: Tensor, others: Tensor, classes: Tensor | list[int], margin: int = 0) -> Tensor:
    """Pixels where either label map has one of `classes`, grown by `margin` pixels.

    labels, others: (N, H, W) integers -> (N, H, W) bool.
    """
    classes = torch.as_tensor(classes, device=labels.device)
    return grown(torch.isin(labels.long(), classes) | torch.isin(others.long(), classes), margin)


def grown(region: Tensor, margin: int) -> Tensor:
    """(N, H, W) bool, and the pixels up to `margin` rows and columns away."""
    if not margin:
        return region
    return F.max_pool2d(region[:, None].float(), 2 * margin + 1, stride=1, padding=margin)[:, 0] > 0


def leakage(before: Tensor, after: Tensor, region: Tensor) -> Tensor:
    """The share of the change outside `region`: `sum_outside |a - b| / sum |a - b|`, per image.

    before, after: (N, 3, H, W) in -1..1; region: (N, H, W) bool -> (N,) in 0..1; 0 where nothing changed.
    """
    return share_outside(change(before, after), region).nan_to_num(0).float()


def share_outside(amount: Tensor, region: Tensor) -> Tensor:
    """`sum_outside amount / sum amount`, per image: (N, H, W) twice -> (N,) float64; NaN where all amounts are 0."""
    amount = amount.double()
    return (amount * ~region).sum(dim=(1, 2)) / amount.sum(dim=(1, 2))


@dataclass(frozen=True)
class EditChange:
    """What an edit changed, by picture: each (N,) float64. "Outside" is outside the region, without margin.

    change: of the whole picture, inside: of the region, outside: mean absolute change in grey levels of 255. visible:
    the share of the outside pixels that change by more than `VISIBLE` levels. leakage, leakage_margin: the share of
    the change outside the region, and outside the region grown by a margin. squared: the share of the squared change
    outside. mse: mean squared error outside, of images in -1..1. psnr: of the background, in dB.
    The shares are NaN where the picture changes by less than `NOTHING`; means over no pixel are NaN as well.
    """

    change: Tensor
    inside: Tensor
    outside: Tensor
    visible: Tensor
    leakage: Tensor
    leakage_margin: Tensor
    squared: Tensor
    mse: Tensor
    psnr: Tensor

    @classmethod
    def of(cls, before: Tensor, after: Tensor, region: Tensor, margin: int) -> EditChange:
        """before, after: (N, 3, H, W) in -1..1; region: (N, H, W) bool, the class's pixels before and after."""
        amount = change(before, after).double()  # (N, H, W)
        squares = (after.double() - before.double()).square().mean(dim=1)  # (N, H, W)
        whole, outside = amount.mean(dim=(1, 2)), ~region
        changed = whole > NOTHING
        background = (squares * outside).mean(dim=(1, 2)) / 4  # of images in 0..1
        return cls(
            change=whole * LEVELS,
            inside=mean_in(amount, region) * LEVELS,
            outside=mean_in(amount, outside) * LEVELS,
            visible=mean_in((amount * LEVELS > VISIBLE).double(), outside),
            leakage=share_outside(amount, region).where(changed, torch.nan),
            leakage_margin=share_outside(amount, grown(region, margin)).where(changed, torch.nan),
            squared=share_outside(squares, region).where(changed, torch.nan),
            mse=mean_in(squares, outside),
            psnr=(-10 * background.log10()).clamp(max=MOST_PSNR),
        )


def mean_in(values: Tensor, region: Tensor) -> Tensor:
    """The mean of values (N, H, W) in a region (N, H, W) bool -> (N,); NaN for an empty region."""
    return (values * region).sum(dim=(1, 2)) / region.sum(dim=(1, 2))


def weighted_mean(values: Tensor, weights: Tensor) -> float:
    """`sum w v / sum w` over the values that are not NaN; NaN if there are none or their weights are 0."""
    known = ~values.isnan()
    return ((values * weights)[known].sum() / weights[known].sum()).item()


def weight_in(weights: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """A class's composition weight summed over its own pixels, and how many these are, per picture.

    weights: (N, h, w), m_k of the coarse mask in 0..1, each of whose cells is a block of pixels; own: (N, H, W) bool,
    the pixels whose refined label is k -> two of (N,) float64. Their quotient is the class's *ownership*.
    """
    height, width = weights.shape[1:]
    cells = F.adaptive_avg_pool2d(own[:, None].double(), (height, width))[:, 0]  # (N, h, w), the share of each cell
    pixels = own.sum(dim=(1, 2)).double()
    block = own[0].numel() / weights[0].numel()
    return (cells * weights.double()).sum(dim=(1, 2)) * block, pixels
