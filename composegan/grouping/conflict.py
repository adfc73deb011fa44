"""How much the classes of a group disagree on the weights they share, and how the group is best split.

The gradient of a shared weight is the sum of its classes' gradients. Where these point in different directions (Yu et
al. 2020, arXiv 2001.06782, call a negative cosine a conflict) part of the sum cancels, which is the cost of sharing.
All gradients here are unit vectors, so that a small class counts as much as a large one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

LEAST = 0.1
"""The least similarity of a class's gradients in odd and in even steps; below it they are noise."""


def cosines(gradients: Tensor) -> Tensor:
    """The cosine of the angle between the gradients of each pair of classes, corrected for noise.

    With v_a and w_a the gradients of class a summed over even and over odd steps, normalized in every layer (Adam moves
    every layer by the same step), and v_a . w_b the mean over layers: `cos(a, b) = (v_a . w_b + w_a . v_b) / 2 /
    sqrt(v_a . w_a * v_b . w_b)`, clamped to -1..1. Noise of single steps is not in both sums, so it does not make
    classes disagree, as it otherwise would for rare ones (the correction for attenuation: Spearman 1904, "The proof and
    measurement of association between two things").
    gradients: (2, L, K, C, C), those sums for each layer's weight -> (K, K) float64 on the CPU, in -1..1; zeros, on the
    diagonal as well, for a class without a gradient or with noise only (`v_a . w_a < LEAST`).
    """
    flat = gradients.detach().cpu().double().flatten(3)  # (2, L, K, C C)
    even, odd = flat / flat.norm(dim=3, keepdim=True).clamp_min(1e-100)  # (L, K, C C)
    both = (even @ odd.transpose(1, 2)).mean(dim=0)  # (K, K)
    size = both.diagonal()  # (K)
    size = torch.where(size >= LEAST, size, torch.inf).sqrt()  # NaN as well
    return ((both + both.T) / 2 / size / size[:, None]).nan_to_num(0).clamp(-1, 1)  # (K, K)


def conflict(alike: np.ndarray, members: Sequence[int]) -> float:
    """The fraction of its members' gradients that a group loses by summing them: `1 - |sum_k u_k| / n`, in 0..1.

    u_k: the unit gradients of the n members that have one. 0 if all agree (or fewer than two have a gradient), 1 if
    they cancel, `1 - 1 / sqrt(n)` if they are orthogonal. (1 minus the mean resultant length of directional statistics:
    Mardia & Jupp 2000, section 2.3.)
    alike: (K, K), from `cosines`.
    """
    seen = _with_gradient(alike, members)
    if len(seen) < 2:
        return 0.0
    return max(0.0, 1 - float(_length(alike[np.ix_(seen, seen)].sum())) / len(seen))


def halves(alike: np.ndarray, members: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The two parts into which a group is best split, each sorted, the one with the first class first.

    Agglomerative: starting from single classes, join the two parts that lose least by it, `|S_a| + |S_b| - |S_a + S_b|`
    with S the sum of a part's unit gradients, until there are two. (The sum of all losses is the group's `conflict`
    times n; the last is what the split recovers.) Ties go to the first pair. Classes without a gradient stay with the
    larger part.
    alike: (K, K), from `cosines`. members: at least two of them have a gradient.
    """
    seen = _with_gradient(alike, members)
    parts = [[member] for member in seen]
    sums = alike[np.ix_(seen, seen)]  # S_a . S_b
    while len(parts) > 2:
        square = sums.diagonal()
        joined = square[:, None] + square[None] + 2 * sums
        loss = _length(square)[:, None] + _length(square)[None] - _length(joined)
        loss[np.tril_indices(len(parts))] = np.inf
        a, b = np.unravel_index(loss.argmin(), loss.shape)
        parts[a] += parts.pop(b)
        sums[a] += sums[b]
        sums[:, a] += sums[:, b]
        sums = np.delete(np.delete(sums, b, axis=0), b, axis=1)
    larger = max(parts, key=len)
    larger += [member for member in members if member not in seen]
    first, second = sorted(tuple(sorted(part)) for part in parts)
    return first, second


def _with_gradient(alike: np.ndarray, members: Sequence[int]) -> list[int]:
    """The members with a finite gradient."""
    return [member for member in members if alike[member, member] > 0]


def _length(square: np.ndarray) -> np.ndarray:
    """The square root; rounding may leave a square slightly below 0."""
    return np.sqrt(np.maximum(square, 0))
