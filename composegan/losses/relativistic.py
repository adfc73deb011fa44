"""The relativistic pairing loss (Jolicoeur-Martineau, arXiv 1807.00734; with R1 and R2, R3GAN, arXiv 2501.05441).

Each generated picture is judged against a real one, which rules out the mode dropping of scores that are judged alone.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def pair_loss(better: Tensor, worse: Tensor) -> Tensor:
    """`mean softplus(worse - better)`; scores (B, 1) -> (). The discriminator's with (real, fake), and the
    generator's with (fake, real)."""
    return F.softplus(worse - better).mean()


def slope(
    judge: Callable[[Tensor, Tensor], Tensor], image: Tensor, embedded: Tensor, factor: Tensor,
    weights: tuple[float, float], epsilon: float = 0.01,
) -> Tensor:  # fmt: skip
    """An estimate of `a |grad by the picture|^2 + b |grad by the mask|^2` by finite differences.

    The mean over the batch of `((D(x + e sqrt(a) n, m + e sqrt(b) n') - D(x, m)) / e)^2`, n and n' standard normal. Its
    expectation is exact for e to 0, because independent directions have no cross terms. One more forward pass takes
    the place of the second derivatives of R1 (arXiv 1801.04406, eq. 9).

    judge: (picture, embedded mask) -> scores (B, 1); image: (B, 3, H, W); embedded: (B, C, H, W), the mask after the
    discriminator's first linear layer W; factor: (C, C), F with `F F^T = W W^T`, so that noise `F n` there is that of
    noise at the mask; weights: a and b; epsilon: e -> ().
    """
    a, b = (epsilon * weight**0.5 for weight in weights)
    noise = torch.einsum("dc,bchw->bdhw", factor, torch.randn_like(embedded))  # (B, C, H, W)
    near = judge(image + a * torch.randn_like(image), embedded + b * noise)  # (B, 1)
    return ((near - judge(image, embedded)) / epsilon).square().mean()
