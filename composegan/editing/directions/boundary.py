"""A linear boundary between codes with an attribute and codes without it (InterFaceGAN, Shen et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.errors import UserError

FEWEST = 20
"""Codes that each side needs for a boundary whose accuracy is meaningful."""

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of regularization, to choose from."""


@dataclass(frozen=True)
class Boundary:
    """normal: (D,), of norm 1, towards the codes with the attribute; accuracy: mean of both sides' on held-out codes
    (0.5 is chance); held_out: number of those; strength: of the chosen regularization."""

    normal: Tensor
    accuracy: float
    held_out: int
    strength: float


def find_boundary(codes: Tensor, sides: Tensor, seed: int = 0) -> Boundary:
    """Separate the two sides. codes: (N, D); sides: (N,) bool, true for codes with the attribute.

    A fifth is held out, another fifth selects the regularization, and both sides have equal weight in total.
    Raises UserError if a side has fewer than `FEWEST`.
    """
    counts = [int((~sides).sum()), int(sides.sum())]
    if min(counts) < FEWEST:
        raise UserError(f"{counts[1]} pictures have it and {counts[0]} do not; at least {FEWEST} of each are needed")
    codes = codes.double() - codes.double().mean(dim=0)
    codes = codes / codes.square().mean().sqrt().clamp_min(1e-12)  # one scale, to keep the direction
    fold = _folds(sides, 5, seed)  # (N,) in 0..4
    train, choose, test = fold > 1, fold == 1, fold == 0
    scores = [_accuracy(_fit(codes[train], sides[train], s), codes[choose], sides[choose]) for s in STRENGTHS]
    strength = max(zip(scores, STRENGTHS, strict=True))[1]  # of equals the strongest: the shortest normal
    plane = _fit(codes[~test], sides[~test], strength)
    accuracy = _accuracy(plane, codes[test], sides[test])
    return Boundary((plane[0] / plane[0].norm()).float(), accuracy, int(test.sum()), strength)


def split_extremes(values: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Positions (int64) of the lowest and the highest `share` of values (N,); NaN is ignored.

    Equal values are never on both sides; with many ties a side is smaller than `share`.
    """
    there = values[values.isfinite()]
    if not len(there):
        nothing = torch.zeros(0, dtype=torch.int64)
        return nothing, nothing
    low, high = torch.quantile(there, torch.tensor([share, 1 - share], dtype=there.dtype))
    below, above = values <= low, values >= high
    if low == high:  # one value fills more than the middle: it is one side
        below, above = (below, values > low) if (values > low).sum() >= (values < low).sum() else (values < low, above)
    return below.nonzero().flatten(), above.nonzero().flatten()


def _folds(sides: Tensor, folds: int, seed: int) -> Tensor:
    """Random stratified folds: (N,) in 0..folds - 1."""
    draws = torch.Generator().manual_seed(seed)
    fold = torch.empty(len(sides), dtype=torch.int64)
    for side in (sides, ~sides):
        fold[side] = torch.arange(int(side.sum()))[torch.randperm(int(side.sum()), generator=draws)] % folds
    return fold


def _fit(codes: Tensor, sides: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """Logistic regression, the minimum of `mean log(1 + exp(-y (n x + b))) + strength / 2 |n|^2` -> n (D,), b (1,)."""
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
    """Mean of both sides' accuracies."""
    right = (codes @ plane[0] + plane[1] > 0) == sides
    return float((right[sides].double().mean() + right[~sides].double().mean()) / 2)
