"""A picture as layers: one for each class, with colours of its own also where another class covers it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layers:
    """Classes from back to front. Laid over one another, they are the picture.

    color: (B, K, 3, H, W), -1..1; opacity: (B, K, H, W) in 0..1, 0 everywhere for an absent class;
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


FAINT = 0.1
"""Weight, relative to the pixel's largest, up to which a class has no opacity of its own there."""
TINY = 1e-6
MATCHES = 3
"""Rounds in which colours are matched to the picture; as many as classes mixed in a pixel are exact."""


@dataclass(frozen=True)
class Hidden:
    """Each class as it is drawn when the classes in front of it are absent.

    color: (B, K, 3, H, W); weight: (B, K, H, W), `distinct`.
    """

    color: Tensor
    weight: Tensor


def layers_of(color: Tensor, weight: Tensor, order: Tensor, hidden: Hidden) -> Layers:
    """Layers whose flattened picture is `sum_k weight_k color_k`.

    A layer's opacity is its weight as a share of its own and those of the layers behind it. Where the layers in front
    leave it none, it is drawn as in `hidden`, so that a face continues below its hair. Faint weights would leave
    traces of a class far from its own pixels: they count as 0, and the colours of the other classes make up for them.

    color: (B, K, 3, H, W); weight: as of `layer_weights`; order: (B, K), from back to front.
    """
    own = distinct(weight)  # (B, K, H, W)
    picture = torch.einsum("bkhw,bkchw->bchw", weight, color).clamp(-1, 1)  # (B, 3, H, W)
    color = _matching(color.clamp(-1, 1), own, picture)
    color, hidden_color = (_ordered(x, order) for x in (color, hidden.color))
    own, hidden_weight = (_ordered(x, order) for x in (own, hidden.weight))
    behind = own.cumsum(1)  # (B, K, H, W), a layer's own included
    opacity = torch.where(behind == 0, hidden_weight, own / behind.clamp_min(TINY))
    return Layers(torch.where((own == 0)[:, :, None], hidden_color, color), opacity, order)


def _matching(color: Tensor, weight: Tensor, picture: Tensor) -> Tensor:
    """The colours (B, K, 3, H, W), all moved by as much as makes their mean by weight (B, K, H, W) the picture
    (B, 3, H, W). A colour at the end of its range stays there, and the others move further."""
    weight = weight[:, :, None]  # (B, K, 1, H, W)
    for _ in range(MATCHES):
        missing = (picture - (weight * color).sum(dim=1))[:, None]  # (B, 1, 3, H, W)
        free = torch.where(missing > 0, color < 1, color > -1)  # (B, K, 3, H, W)
        share = (weight * free).sum(dim=1, keepdim=True).clamp_min(TINY)  # (B, 1, 3, H, W)
        color = torch.where(free, (color + missing / share).clamp(-1, 1), color)
    return color


def distinct(weight: Tensor) -> Tensor:
    """Weights (B, K, H, W) without faint ones, as shares of what is left."""
    kept = torch.where(weight > FAINT * weight.amax(dim=1, keepdim=True), weight, 0)
    return kept / kept.sum(dim=1, keepdim=True)


def _ordered(x: Tensor, order: Tensor) -> Tensor:
    return x.gather(1, order.view(*order.shape, *[1] * (x.dim() - 2)).expand_as(x))


def layer_weights(logits: Tensor, depth: Tensor, count: int) -> Tensor:
    """logits (B, K, H, W) -> the softmax of the `count` largest of each pixel, else 0: (B, K, H, W).

    depth: (B, K, h, w), -inf for an absent class.
    """
    value, index = _present(logits, depth).topk(count, dim=1)  # (B, n, H, W)
    return torch.zeros_like(logits).scatter(1, index, value.softmax(dim=1))  # (B, K, H, W)


def _present(logits: Tensor, depth: Tensor) -> Tensor:
    """The logits (B, K, H, W), -inf for absent classes."""
    return logits.masked_fill(~depth.amax((2, 3)).isfinite()[:, :, None, None], -math.inf)


def layer_order(weight: Tensor, depth: Tensor) -> Tensor:
    """The classes from back to front, (B, K): by the mean depth where a class weighs at least a half or, where it
    nowhere does, by its greatest depth.

    weight: (B, K, H, W); depth: (B, K, h, w), higher is nearer, -inf for an absent class.
    """
    coarse = torch.nn.functional.adaptive_avg_pool2d(weight, (depth.shape[2], depth.shape[3]))  # (B, K, h, w)
    own = (coarse >= 0.5).flatten(2)  # (B, K, P)
    flat = depth.flatten(2)  # (B, K, P)
    mean = torch.where(own, flat, 0).sum(2) / own.sum(2).clamp_min(1)  # (B, K)
    return torch.where(own.any(2), mean, flat.amax(2)).argsort(dim=1)  # (B, K)
