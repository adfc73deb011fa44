"""The non-saturating logistic loss (Goodfellow et al., arXiv 1406.2661)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """`mean softplus(-D(real)) + mean softplus(D(fake))`; scores (B, 1) -> ()."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """`mean softplus(-D(fake))`; scores (B, 1) -> ()."""
    return F.softplus(-fake).mean()
