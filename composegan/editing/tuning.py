"""Pivotal tuning (Roich et al., arXiv 2106.05744): fit the weights to one photo while the codes are fixed."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from composegan.editing.objective import Objective
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.model.delta import Delta
from composegan.model.saved_model import Model
from composegan.networks.fitting import fitted
from composegan.networks.generator import Generator

OTHERS = 2
"""Other pictures per step that `keep` holds in place."""


def ramp(progress: float, up: float = 0.05, down: float = 0.25) -> float:
    """Fraction of the learning rate at `progress` in 0..1: linear up, cosine down (Karras et al., 1912.04958, D)."""
    falling = min(1.0, (1 - progress) / down)
    return (0.5 - 0.5 * math.cos(math.pi * falling)) * min(1.0, progress / up)


def brief_ramp(progress: float, up: float = 0.2) -> float:
    """Fraction of the learning rate for a few steps from a good start: linear up in the first fifth, then down."""
    return min(1.0, progress / up) * (1 - progress) / (1 - up)


def descend(
    parameters: list[Tensor], rate: float, steps: int, loss: Callable[[], Tensor], done: Callable[[int], None],
    brief: bool = False,
) -> None:  # fmt: skip
    """Minimize `loss` by `steps` steps of Adam, with the rate along `ramp`. done: called with 1 after each step.

    brief: for a few steps from a good start, along `brief_ramp` and with shorter averages of the gradient and its
    square than Adam's defaults, which span more steps than there are.
    """
    optimizer = torch.optim.Adam(parameters, lr=rate, betas=(0.5, 0.9) if brief else (0.9, 0.999))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (brief_ramp((step + 0.5) / steps) if brief else ramp((step + 1) / steps))
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        done(1)


def tune(
    model: Model, pivot: Codes, objective: Objective, seed: int = 0, done: Callable[[int], None] = lambda n: None
) -> Delta:
    """Fit the weights so that the picture of `pivot` (one) becomes the photo of `objective`; returns their change.

    The mapping, and with it the latent space, stays fixed. With `keep` in the settings, pictures of the pivot with some
    codes replaced by random ones are held in place, so that edits work as before. seed: of those codes. done: called
    with 1 after each step. Raises UserError if tuning diverges.
    """
    how = objective.how
    tuned = copy.deepcopy(model.generator)
    weights = [p.requires_grad_() for name, p in tuned.named_parameters() if not name.startswith("mapping.")]
    draws = torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        apart = objective(tuned(pivot.slots, classes=pivot.present)).sum()
        if not how.keep:
            return apart
        others = neighbours(model, pivot.slots, draws, pivot.present)  # (OTHERS, slots, S)
        return apart + how.keep * drift(model.generator, tuned, others, pivot.present)

    descend(weights, how.tune_rate, how.tune_steps, loss, done)
    delta = Delta.between(model.generator, tuned)
    if not all(change.isfinite().all() for change in delta.changes.values()):
        raise UserError(f"tune_rate={how.tune_rate}: tuning diverged; choose a smaller rate")
    return delta


def neighbours(model: Model, pivot: Tensor, draws: torch.Generator, present: Tensor | None = None) -> Tensor:
    """The pivot with about half of its slots replaced by random codes: (OTHERS, base + 2K, S). present: its classes,
    (1, K) bool, which the codes fit."""
    z = torch.randn(OTHERS, model.generator.latent_channels, generator=draws)
    chosen = torch.rand(OTHERS, pivot.shape[1], 1, generator=draws) < 0.5
    with torch.no_grad():
        classes = None if present is None or model.class_sets is None else present.expand(OTHERS, -1)
        z = fitted(model.generator, z.to(pivot.device), classes, [draws] * OTHERS)
        w = model.generator.map(z)  # (OTHERS, S)
    return torch.where(chosen.to(pivot.device), w[:, None], pivot)


def drift(before: Generator, after: Generator, codes: Tensor, present: Tensor | None = None) -> Tensor:
    """Mean squared difference of two generators' pictures of the same codes, plus that of their masks: a scalar.

    present: classes of the pictures, (1, K) bool; None: all.
    """
    with torch.no_grad():
        old = before(codes, classes=present)
    new = after(codes, classes=present)
    masks = (new.mask.logits() - old.mask.logits()).square().mean()
    return (new.image - old.image).square().mean() + masks
