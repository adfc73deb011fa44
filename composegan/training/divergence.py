"""Whether a run is still well: everything finite, and no loss far beyond what it was.

Figures are added up on the device at every step and looked at only where a run waits for it anyway, at lines of
metrics and at checkpoints. What is found then is the same in all processes.
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
"""What a loss usually is: the median over the last 50 intervals, once there are 10."""


class DivergedError(UserError):
    """Training comes to no good from its last checkpoint on, however often it is tried."""


class Guard:
    """Means of figures over an interval, and what they were over those before.

    spike: times its usual value, or times 1 where that is less, that the mean of a watched loss may reach; 0: any.
    """

    def __init__(self, spike: float) -> None:
        self.spike = spike
        self.restore({})

    def note(self, figures: Mapping[str, Tensor]) -> None:
        """Add a step's figures, each (), on the device. Nobody waits for them."""
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach()
            self.steps[name] = self.steps.get(name, 0) + 1

    def trouble(self, tensors: Iterable[Tensor], complete: bool, spikes: bool = True) -> str | None:
        """What is wrong with the figures since the last complete interval, or with weights and moments; None: nothing.

        All processes must ask at once; afterwards the figures are the same in all. complete: an interval ends here, and
        its means are remembered. spikes: whether a loss may be too high, or only not finite.
        """
        greatest = torch.stack(torch._foreach_norm(list(tensors), inf)).max().float()  # NaN where there is one
        names = sorted(self.sums)
        found = torch.stack([*(self.sums[name].to(greatest) for name in names), greatest])
        average([found])
        self.sums = dict(zip(names, found[:-1].clone().unbind(), strict=True))
        counts = [*(self.steps[name] for name in names), 1]
        values = {
            name: total / count for name, total, count in zip([*names, "a weight"], found.tolist(), counts, strict=True)
        }
        reason = next((f"{name} is {value}" for name, value in values.items() if not isfinite(value)), None)
        for name in WATCHED:
            usual = self.usual.setdefault(name, [])
            if name not in values or reason:
                continue
            if spikes and self.spike and len(usual) >= ENOUGH:
                most = self.spike * max(1.0, median(map(abs, usual)))
                if abs(values[name]) > most:
                    reason = f"{name} is {values[name]:.4g} where it was {median(usual):.4g}"
            if complete:
                usual.append(values[name])
                del usual[:-USUAL]
        if complete:
            self.sums, self.steps = {}, {}
        return reason

    def state(self) -> dict[str, Any]:
        """Everything there is, as tensors and plain values."""
        usual = {name: list(values) for name, values in self.usual.items()}
        return {"sums": dict(self.sums), "steps": dict(self.steps), "usual": usual}

    def restore(self, state: Mapping[str, Any], device: torch.device | str = "cpu") -> None:
        """Go on from what `state` gave; {}: from nothing."""
        self.sums: dict[str, Any] = {name: total.to(device) for name, total in state.get("sums", {}).items()}
        self.steps: dict[str, int] = dict(state.get("steps", {}))
        self.usual: dict[str, list[float]] = {name: list(values) for name, values in state.get("usual", {}).items()}
