"""The exponential moving average of the generator, which is drawn, scored and saved."""

from __future__ import annotations

import torch
from torch import nn


def decay(batch: int, images_seen: int, half_life: float, rampup: float) -> float:
    """The factor of the old average in a step of `batch` images: `0.5^(batch / half_life)`.

    half_life: in images, at most `rampup * images_seen` (rampup 0: no limit). The paper has batch 32, half_life 10,000.
    """
    if rampup > 0:
        half_life = min(half_life, images_seen * rampup)
    return 0.5 ** (batch / max(half_life, 1e-8))


@torch.no_grad()
def update(average: nn.Module, model: nn.Module, keep: float) -> None:
    """Set the parameters of `average` to keep * average + (1 - keep) * model. Buffers do not change in training."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
