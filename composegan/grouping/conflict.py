"""How much the classes of a group disagree on the weights they share, and where the group comes apart best.

What a shared weight gets in the backward pass is the sum of what its classes ask for, each by its own gradient. Where
these point different ways (Yu et al. 2020, arXiv 2001.06782, call a negative cosine a conflict) part of the sum
cancels, and that part is what sharing costs. Everything here is of unit gradients, so that a small class counts as a
large one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor


def cosines(gradients: Tensor) -> Tensor:
    """How alike the gradients of classes are: for each pair the mean over layers of the cosine of the angle between.

    By layer, as Adam brings every layer to the same step, however large its gradient.
    gradients: (L, K, C, C), each class's on each layer's weight -> (K, K) float64 on the CPU, in -1..1; a class without
    any gradient has zeros, on the diagonal as well.
    """
    flat = gradients.detach().cpu().double().flatten(2)  # (L, K, C C)
    unit = flat / flat.norm(dim=2, keepdim=True).clamp_min(1e-100)  # (L, K, C C)
    return (unit @ unit.transpose(1, 2)).mean(dim=0)  # (K, K)


def conflict(alike: np.ndarray, members: Sequence[int]) -> float:
    """What part of its members' gradients a group loses by adding them up: `1 - |sum_k u_k| / n`, in 0..1.

    u_k: the unit gradients of the n members that have one. 0 where all agree (or fewer than two have a gradient), 1
    where they cancel; n that have nothing to do with one another lose `1 - 1 / sqrt(n)`. (1 minus the mean resultant
    length of directional statistics: Mardia & Jupp 2000, section 2.3.)
    alike: (K, K), of `cosines`.
    """
    seen = _with_gradient(alike, members)
    if len(seen) < 2:
        return 0.0
    return max(0.0, 1 - float(_length(alike[np.ix_(seen, seen)].sum())) / len(seen))


def halves(alike: np.ndarray, members: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The two parts into which a group is best split. Each lists its classes in order; first the one with the first.

    Agglomerative: beginning with every class by itself, the two parts are joined that lose least by it,
    `|S_a| + |S_b| - |S_a + S_b|` with S the sum of a part's unit gradients, until there are two. (All these losses
    together are the group's `conflict`, times n; the last is what splitting it gives back.) Of equal losses the first
    pair's counts. Classes without a gradient stay with the larger part.
    alike: (K, K), of `cosines`. members: at least two of them have a gradient.
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
    """Those with a gradient that is a number."""
    return [member for member in members if alike[member, member] > 0]


def _length(square: np.ndarray) -> np.ndarray:
    """Rounding may leave the square of a sum that cancels a little below 0."""
    return np.sqrt(np.maximum(square, 0))
