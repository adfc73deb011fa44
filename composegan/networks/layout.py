"""Layouts: label maps that decide which class is where, in place of the pseudo-depths that codes have.

Where the codes draw what a layout asks for, their own pseudo-depths stay, so that a layout changes the picture only
near pixels that show another class.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.networks.semantic_map import UNKNOWN, SemanticMap, label_shares

OPEN = UNKNOWN
"""The label of a pixel whose class the codes decide: transparent in a colour file, 255 in a file of numbers."""
UNSEEN = 5e-5
"""The share of a class in a cell where it is not."""
MARGIN = 0.3
"""By how much the logit of a pixel's class in the layout exceeds the others, where these were larger."""


def opened(layout: Tensor, classes: Tensor) -> Tensor:
    """The layout (N, H, W) uint8, OPEN where its class is not one of `classes` (N, K) bool."""
    known = torch.cat((classes, classes.new_zeros(len(classes), 256 - classes.shape[1])), dim=1)  # (N, 256)
    return layout.where(known.to(layout.device).gather(1, layout.flatten(1).long()).view_as(layout), OPEN)


def composed(layout: Tensor, labels: Tensor, depth: Tensor) -> Tensor:
    """Pseudo-depths (B, K, h, w) that compose a layout (B, H, W), whose classes are present. Cells that show it already
    keep theirs, unless a neighbour does not: the weight of a class that is elsewhere now reaches beyond its pixels.

    labels: what the codes draw, (B, H, W); depth: their pseudo-depths, (B, K, h, w).
    """
    classes, grid = depth.shape[1], depth.shape[2:]
    shares = label_shares(layout.clamp_max(classes), classes + 1, *grid)  # (B, K + 1, h, w), the last one OPEN
    wanted = shares[:, :-1] + shares[:, -1:] * depth.softmax(dim=1)  # (B, K, h, w)
    laid = (wanted + UNSEEN).log().where(depth.isfinite(), -math.inf)  # (B, K, h, w)
    laid = laid - laid[:, :1].where(laid[:, :1].isfinite(), 0)  # less that of class 0, as of the codes
    wrong = ((labels != layout) & (layout != OPEN))[:, None].float()  # (B, 1, H, W)
    near = F.max_pool2d(F.adaptive_max_pool2d(wrong, grid), 3, stride=1, padding=1) > 0  # (B, 1, h, w)
    return torch.where(near & (shares[:, -1:] < 1), laid, depth)  # (B, K, h, w)


def held(mask: SemanticMap, layout: Tensor) -> SemanticMap:
    """A generated mask whose labels are those of the layout (B, H, W), where it is not OPEN. Builds K channels at full
    size."""
    logits = mask.logits()  # (B, K, H, W)
    index = layout.clamp_max(mask.classes - 1).long()[:, None]  # (B, 1, H, W)
    own, others = logits.gather(1, index), logits.scatter(1, index, -math.inf).amax(dim=1, keepdim=True)
    wrong = (layout != OPEN)[:, None] & (own <= others)  # (B, 1, H, W)
    return SemanticMap(mask.classes, refinement=logits.scatter(1, index, torch.where(wrong, others + MARGIN, own)))
