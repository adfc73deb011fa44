"""Divergence checks without host synchronization: figures that are not finite, and losses far above their usual value.

Figures are summed on the device in every step and read only where a run synchronizes anyway: when a line of metrics or
a checkpoint is due. The result is the same on all ranks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, isfinite
from statistics import median
from typing import Any

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.runtime.distributed import average

WATCHED = ("loss/discriminator", "loss/generator")
USUAL, ENOUGH = 50, 10
"""The usual value of a loss: the median of its means over the last 50 intervals, once there are 10."""


class DivergedError(UserError):
    """Training diverges from its last checkpoint in every attempt, or has no checkpoint to roll back to."""


class Divergence:
    """The means of all figures over the current interval, and those of the losses over the intervals before.

    spike: the factor over its usual value, or over 1 if that is less, that the mean of a loss may reach; 0: any.
    """

    def __init__(self, spike: float) -> None:
        self.spike = spike
        self.sums: dict[str, Any] = {}
        self.steps: dict[str, int] = {}
        self.usual: dict[str, list[float]] = {}

    def add(self, figures: Mapping[str, Tensor]) -> None:
        """Add one phase's figures, each (), on the device; does not synchronize."""
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach()
            self.steps[name] = self.steps.get(name, 0) + 1

    def check(self, tensors: Iterable[Tensor], complete: bool, spikes: bool = True) -> str | None:
        """What is wrong with the figures since the last complete interval, or with `tensors`; None: nothing.

        All ranks must call it together; afterwards they hold the same sums. complete: the interval ends here, and its
        means become part of the usual values. spikes: also check for spikes, not only for values that are not finite.
        """
        filled = [tensor for tensor in tensors if tensor.numel()]
        largest = torch.stack(torch._foreach_norm(filled, inf)).max().float()  # NaN if any value is
        names = sorted(self.sums)
        totals = torch.stack([*(self.sums[name].to(largest) for name in names), largest])
        average([totals])
        self.sums = dict(zip(names, totals[:-1].clone().unbind(), strict=True))
        *sums, weight = totals.tolist()
        means = {name: total / self.steps[name] for name, total in zip(names, sums, strict=True)} | {"a weight": weight}
        reason = next((f"{name} is {value}" for name, value in means.items() if not isfinite(value)), None)
        for name in WATCHED:
            usual = self.usual.setdefault(name, [])
            if name not in means or reason:
                continue
            if spikes and self.spike and len(usual) >= ENOUGH:
                most = self.spike * max(1.0, median(map(abs, usual)))
                if abs(means[name]) > most:
                    reason = f"{name} is {means[name]:.4g} where it was {median(usual):.4g}"
            if complete:
                usual.append(means[name])
                del usual[:-USUAL]
        if complete:
            self.sums, self.steps = {}, {}
        return reason

    def state(self) -> dict[str, Any]:
        """Sums, counts and usual values, as tensors and plain values."""
        usual = {name: list(values) for name, values in self.usual.items()}
        return {"sums": dict(self.sums), "steps": dict(self.steps), "usual": usual}

    def restore(self, state: Mapping[str, Any], device: torch.device | str = "cpu") -> None:
        """Continue from what `state` returned; {}: from nothing. Raises ValueError for sums without counts."""
        if state.get("sums", {}).keys() != state.get("steps", {}).keys():
            raise ValueError("its sums and numbers of steps are not of the same figures")
        self.sums = {name: total.to(device) for name, total in state.get("sums", {}).items()}
        self.steps = dict(state.get("steps", {}))
        self.usual = {name: list(values) for name, values in state.get("usual", {}).items()}
