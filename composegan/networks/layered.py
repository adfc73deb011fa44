"""A picture as layers: one for each class, with colours of its own also where another class covers it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layers:
    """Classes from back to front. Laid over one another, they are the picture.

    color: (B, K, 3, H, W), about -1..1; opacity: (B, K, H, W) in 0..1, 0 everywhere for an absent class;
    classes: (B, K), the class of each layer.
    """

    color: Tensor
    opacity: Tensor
    classes: Tensor

    def flattened(self) -> Tensor:
        """The layers laid over one another: (B, 3, H, W)."""
        picture = torch.zeros_like(self.color[:, 0])
        for color, opacity in zip(self.color.unbind(1), self.opacity.unbind(1), strict=True):
            picture = picture + opacity[:, None] * (color - picture)  # (B, 3, H, W)
        return picture


HIDDEN = 1 / 1024
"""Weight of a layer and of all behind it, below which they count as hidden: a quarter of a grey level."""


def layers_of(color: Tensor, logits: Tensor, depth: Tensor, count: int) -> Layers:
    """Layers whose flattened picture is `sum_k weight_k color_k`, up to HIDDEN; weight: the softmax of the `count`
    largest logits of the pixel.

    A layer's opacity is its weight as a share of its own and those of the layers behind it. Where all these are hidden,
    it is the share that it had if the layers in front were taken away, by the softmax of all logits, so that a face
    continues below its hair.

    color: (B, K, 3, H, W); logits: (B, K, H, W), of any size for absent classes; depth: (B, K, h, w), higher is nearer,
    -inf for an absent class. The order is that of the mean depth where a class weighs at least a half, or, where it
    nowhere does, of its greatest depth.
    """
    logits = _present(logits, depth)
    weight = layer_weights(logits, depth, count)  # (B, K, H, W)
    order = _order(weight, depth)  # (B, K), from back to front
    color = color.gather(1, order[:, :, None, None, None].expand_as(color))
    weight, logits = (x.gather(1, order[:, :, None, None].expand_as(x)) for x in (weight, logits))
    behind = weight.cumsum(1)  # (B, K, H, W), a layer's own included
    alone = (logits - logits.logcumsumexp(1)).exp().nan_to_num(0)  # (B, K, H, W); absent: 0
    return Layers(color, torch.where(behind < HIDDEN, alone, weight / behind), order)


def layer_weights(logits: Tensor, depth: Tensor, count: int) -> Tensor:
    """Arguments as of `layers_of` -> the softmax of the `count` largest logits of each pixel, else 0: (B, K, H, W)."""
    value, index = _present(logits, depth).topk(count, dim=1)  # (B, n, H, W)
    return torch.zeros_like(logits).scatter(1, index, value.softmax(dim=1))  # (B, K, H, W)


def _present(logits: Tensor, depth: Tensor) -> Tensor:
    """The logits (B, K, H, W), -inf for absent classes."""
    return logits.masked_fill(~depth.amax((2, 3)).isfinite()[:, :, None, None], -math.inf)


def _order(weight: Tensor, depth: Tensor) -> Tensor:
    coarse = torch.nn.functional.adaptive_avg_pool2d(weight, (depth.shape[2], depth.shape[3]))  # (B, K, h, w)
    own = (coarse >= 0.5).flatten(2)  # (B, K, P)
    flat = depth.flatten(2)  # (B, K, P)
    mean = torch.where(own, flat, 0).sum(2) / own.sum(2).clamp_min(1)  # (B, K)
    return torch.where(own.any(2), mean, flat.amax(2)).argsort(dim=1)  # (B, K)
