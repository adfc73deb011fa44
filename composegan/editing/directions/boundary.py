"""A linear boundary between codes with an attribute and codes without it (InterFaceGAN, Shen et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.errors import UserError

FEWEST = 20
"""Codes that each side needs for a boundary whose accuracy means something."""

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True)
class Boundary:
    """normal: (D,), of norm 1, towards the codes with the attribute; accuracy: on codes that were held out, the mean
    of both sides' (0.5 is chance); held_out: how many those were; strength: of the regularisation that was chosen."""

    normal: Tensor
    accuracy: float
    held_out: int
    strength: float


def find_boundary(codes: Tensor, sides: Tensor, seed: int = 0) -> Boundary:
    """Between the two sides. codes: (N, D); sides: (N,) bool, true for codes with the attribute.

    A fifth is held out; another fifth chooses the regularisation among `STRENGTHS`. Both sides weigh the same.
    Raises UserError when a side has fewer than `FEWEST`.
    """
    counts = [int((~sides).sum()), int(sides.sum())]
    if min(counts) < FEWEST:
        raise UserError(f"{counts[1]} pictures have it and {counts[0]} do not; at least {FEWEST} of each are needed")
    codes = codes.double() - codes.double().mean(dim=0)
    codes = codes / codes.square().mean().sqrt().clamp_min(1e-12)  # one scale for all: the normal keeps its meaning
    fold = _folds(sides, 5, seed)  # (N,) in 0..4
    train, choose, test = fold > 1, fold == 1, fold == 0
    scores = [_accuracy(_fit(codes[train], sides[train], s), codes[choose], sides[choose]) for s in STRENGTHS]
    strength = max(zip(scores, STRENGTHS, strict=True))[1]  # of equals the strongest: the shortest normal
    plane = _fit(codes[~test], sides[~test], strength)
    accuracy = _accuracy(plane, codes[test], sides[test])
    return Boundary((plane[0] / plane[0].norm()).float(), accuracy, int(test.sum()), strength)


def split_extremes(values: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The ends of a statistic: values (N,), NaN for none -> positions of the lowest and highest `share` of them.

    Both are int64. Values that are equal are never on both sides; where too many are, a side is smaller than `share`.
    """
    there = values[values.isfinite()]
    if not len(there):
        nothing = torch.zeros(0, dtype=torch.int64)
        return nothing, nothing
    low, high = torch.quantile(there, torch.tensor([share, 1 - share], dtype=there.dtype))
    below, above = values <= low, values >= high
    if low == high:  # so many have the same value that it fills more than what lies between: they are one side
        below, above = (below, values > low) if (values > low).sum() >= (values < low).sum() else (values < low, above)
    return below.nonzero().flatten(), above.nonzero().flatten()


def _folds(sides: Tensor, folds: int, seed: int) -> Tensor:
    """(N,) in 0..folds - 1, drawn so that each has its share of both sides."""
    draws = torch.Generator().manual_seed(seed)
    fold = torch.empty(len(sides), dtype=torch.int64)
    for side in (sides, ~sides):
        fold[side] = torch.arange(int(side.sum()))[torch.randperm(int(side.sum()), generator=draws)] % folds
    return fold


def _fit(codes: Tensor, sides: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Logistic regression: the minimum of `mean log(1 + exp(-y (n x + b))) + strength / 2 |n|^2` -> n (D,), b (1,)."""
    normal = torch.zeros(codes.shape[1], dtype=codes.dtype, requires_grad=True)
    bias = torch.zeros(1, dtype=codes.dtype, requires_grad=True)
    target = sides.to(codes)
    weight = torch.where(sides, 0.5 / sides.double().mean(), 0.5 / (~sides).double().mean())
    solver = torch.optim.LBFGS([normal, bias], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-7)

    def loss() -> Tensor:
        solver.zero_grad()
        value = F.binary_cross_entropy_with_logits(codes @ normal + bias, target, weight)
        value = value + strength / 2 * normal.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        solver.step(loss)
    return normal.detach(), bias.detach()


def _accuracy(plane: tuple[Tensor, Tensor], codes: Tensor, sides: Tensor) -> float:
    """The mean of both sides' accuracies."""
    right = (codes @ plane[0] + plane[1] > 0) == sides
    return float((right[sides].double().mean() + right[~sides].double().mean()) / 2)
