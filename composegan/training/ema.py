"""The exponential moving average of the generator: what is shown, scored and saved."""

from __future__ import annotations

import torch
from torch import nn


def decay(batch: int, images_seen: int, half_life: float, rampup: float) -> float:
    """The share of the average that stays after one step of `batch` images.

    half_life: in images; while training is young it is at most `rampup * images_seen` (0: no ramp-up).
    `0.5^(batch / half_life)`: with 32 and 10,000 the paper's.
    """
    if rampup > 0:
        half_life = min(half_life, images_seen * rampup)
    return 0.5 ** (batch / max(half_life, 1e-8))


@torch.no_grad()
def update(average: nn.Module, model: nn.Module, keep: float) -> None:
    """`average = keep * average + (1 - keep) * model` for parameters. Buffers never change in training."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
