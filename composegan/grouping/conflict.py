"""How much the classes of a group disagree on the weights they share, and where the group comes apart best.

What a shared weight gets in the backward pass is the sum of what its classes ask for, each by its own gradient. Where
these point different ways (Yu et al. 2020, arXiv 2001.06782, call a negative cosine a conflict) part of the sum
cancels, and that part is what sharing costs. Everything here is of unit gradients, so that a small class counts as a
large one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

LEAST = 0.1
"""How alike a class's gradients of odd and of even steps are at least; below it they are noise."""


def cosines(gradients: Tensor) -> Tensor:
    """How alike the gradients of classes are: for each pair the cosine of the angle between, without the noise.

    With v_a and w_a what class a asked for in even and in odd steps, each made a unit vector in every layer (as Adam
    brings every layer to the same step), and v_a . w_b the mean over layers: `cos(a, b) = (v_a . w_b + w_a . v_b) / 2 /
    sqrt(v_a . w_a * v_b . w_b)`, at most 1 and at least -1. Noise of single steps is not in both, so that it makes no
    class disagree, which it would above all for those that are rarely seen (the correction for attenuation: Spearman
    1904, "The proof and measurement of association between two things").
    gradients: (2, L, K, C, C), those sums, for each layer's weight -> (K, K) float64 on the CPU, in -1..1; zeros, on
    the diagonal as well, for a class without a gradient or with nothing but noise (`v_a . w_a < LEAST`).
    """
    flat = gradients.detach().cpu().double().flatten(3)  # (2, L, K, C C)
    even, odd = flat / flat.norm(dim=3, keepdim=True).clamp_min(1e-100)  # (L, K, C C)
    both = (even @ odd.transpose(1, 2)).mean(dim=0)  # (K, K)
    size = both.diagonal()  # (K)
    size = torch.where(size >= LEAST, size, torch.inf).sqrt()  # also where it is no number
    return ((both + both.T) / 2 / size / size[:, None]).nan_to_num(0).clamp(-1, 1)  # (K, K)


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
