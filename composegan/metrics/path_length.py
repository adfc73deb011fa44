"""Perceptual path length (Karras et al., arXiv 1812.04948, section 4.1): how smoothly pictures change with the code."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

EPSILON = 1e-4


def unit_difference(maps: list[Tensor], others: list[Tensor]) -> Tensor:
    """How far two pictures' feature maps are apart, each place's channels scaled to length 1: (B,).

    The mean over levels of the mean over places of `|a / |a| - b / |b||^2`, which is LPIPS (arXiv 1801.03924, eq. 1)
    with all channels weighted alike. maps, others: lists of (B, C, H, W).
    """
    levels = []
    for a, b in zip(maps, others, strict=True):
        a, b = (x / x.norm(dim=1, keepdim=True).clamp_min(1e-8) for x in (a, b))
        levels.append((a - b).square().sum(dim=1).mean(dim=(1, 2)))
    return torch.stack(levels).mean(dim=0)


def path_lengths(
    draw: Callable[[Tensor], Tensor],
    maps: Callable[[Tensor], list[Tensor]],
    start: Tensor,
    end: Tensor,
    place: Tensor,
    epsilon: float = EPSILON,
) -> Tensor:
    """`d(G(w_t), G(w_(t + epsilon))) / epsilon^2` with `w_t = start + t (end - start)`: (B,).

    draw: w (B, S) -> images (B, 3, H, W); maps: images -> feature maps; start, end: (B, S); place t: (B,) in 0..1.
    """
    way = end - start
    one = draw(start + place[:, None] * way)
    other = draw(start + (place + epsilon)[:, None] * way)
    return unit_difference(maps(one), maps(other)) / epsilon**2
