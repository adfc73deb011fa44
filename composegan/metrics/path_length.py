"""Perceptual path length (Karras et al., arXiv 1812.04948, section 4.1): how smoothly images change with the code.

The distance of two images compares a network's feature maps as LPIPS does (Zhang et al., arXiv 1801.03924, equation 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

EPSILON = 1e-4

Weigh = Callable[[int, Tensor], Tensor]
"""(level, squared differences (B, C, h, w)) -> weighted and summed over channels, (B, h, w)."""


def unit_maps(maps: Sequence[Tensor]) -> list[Tensor]:
    """Feature maps (B, C, h, w) of several levels, scaled to length 1 over the channels at every place."""
    return [x / (x.square().sum(dim=1, keepdim=True) + 1e-10).sqrt() for x in maps]


def map_distance(maps: Sequence[Tensor], others: Sequence[Tensor], weigh: Weigh) -> Tensor:
    """`sum_l mean_p sum_c u_lc (a_lcp - b_lcp)^2` of `unit_maps` a and b of two batches, with weights u: (B,)."""
    levels = enumerate(zip(maps, others, strict=True))  # pairs of (B, C, h, w)
    parts = [weigh(level, (a - b).square()).mean(dim=(1, 2)) for level, (a, b) in levels]  # each (B,)
    return torch.stack(parts).sum(dim=0)  # (B,)


def path_lengths(
    draw: Callable[[Tensor], Tensor],
    distance: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    place: Tensor,
    epsilon: float = EPSILON,
) -> Tensor:
    """`d(G(w_t), G(w_(t + epsilon))) / epsilon^2` with `w_t = start + t (end - start)`: (B,).

    draw: w (B, S) -> images (B, 3, H, W); distance: of two such batches, (B,). start, end: (B, S); place t: (B,), 0..1.
    """
    way = end - start
    one = draw(start + place[:, None] * way)
    other = draw(start + (place + epsilon)[:, None] * way)
    return distance(one, other) / epsilon**2
