"""Typical shapes: where a class's pseudo-depth begins, chosen by its latent code."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHAPES = 16
"""How many shapes a class has at most, and how many views there are."""
STEEP = 3.0
"""Standard deviation of a choice's logits at the start: large, so that a code chooses nearly one shape."""


class TypicalShapes(nn.Module):
    """Base code (B, S) and shape codes (B, K, S) -> shares (K, B, J) of the J shapes of each class.

    A class's pseudo-depth begins with that mixture of its shapes. The base code chooses one of V views, and a shape
    code one of the shapes that its class has in this view. Shapes and views are set from data (`set`) and do not learn;
    the choice does.
    """

    depth: Tensor
    likely: Tensor

    def __init__(self, classes: int, shapes: int, height: int, width: int, latent_channels: int) -> None:
        super().__init__()
        self.size = (height, width)
        self.register_buffer("depth", torch.zeros(classes, shapes, height, width))
        self.register_buffer("likely", torch.ones(shapes, classes, shapes) / shapes)
        self.view_weight = nn.Parameter(STEEP * torch.randn(shapes, latent_channels))
        self.view_bias = nn.Parameter(torch.zeros(shapes))
        self.weight = nn.Parameter(STEEP * torch.randn(classes, shapes, latent_channels))
        self.bias = nn.Parameter(torch.zeros(classes, shapes))

    @torch.no_grad()
    def set(self, depth: Tensor, likely: Tensor, mean_code: Tensor) -> None:
        """Set the shapes, pseudo-depths (K, J, any height, any width), and how likely a class has each of them in each
        view, (V, K, J). The mean code (S) prefers none."""
        self.depth.copy_(F.interpolate(depth, self.size, mode="bilinear"))
        self.likely.copy_(likely)
        self.view_bias.copy_(-self.view_weight @ mean_code / math.sqrt(len(mean_code)))
        self.bias.copy_(-self.weight @ mean_code / math.sqrt(len(mean_code)))

    def forward(self, base: Tensor, codes: Tensor) -> Tensor:
        base, codes = base / math.sqrt(base.shape[1]), codes.transpose(0, 1) / math.sqrt(base.shape[1])  # (K, B, S)
        view = F.linear(base, self.view_weight, self.view_bias).softmax(dim=1)  # (B, V)
        likely = torch.matmul(view, self.likely.transpose(0, 1)).log()  # (K, B, J)
        logits = torch.matmul(codes, self.weight.transpose(1, 2)) + self.bias[:, None]  # (K, B, J)
        return (likely + logits).softmax(dim=2)  # (K, B, J)

    def mixed(self, shares: Tensor) -> Tensor:
        """Shares (K, B, J) -> the pseudo-depths that they mix, (B, K, h, w)."""
        return torch.matmul(shares, self.depth.flatten(2)).transpose(0, 1).unflatten(2, self.size)
