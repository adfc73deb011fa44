"""Adaptive augmentation: as much as keeps the discriminator from recognizing the real pictures.

The facts are those of ADA (Karras et al., arXiv 2006.06676). Where pictures are few, the discriminator ends up
separating those it was shown from everything else. r = E[sign D(real)] grows from 0 to 1 as it becomes sure of them,
and the probability of the augmentations is moved so that r stays at a target. Differences from the paper:

- The probability moves by `r - target` at every step, not by its sign at every fourth. The fixed point is r = target
  for any batch size, and since the move is linear in r, parts of a batch and ranks may be averaged.
- Its clock is the half-life of the averaged generator, which recipes already fit to the size of a model: at its fastest
  it rises from 0 to 1 in `RAMP / (1 - target)` half-lives, 50,000 images by default. In the paper it takes 500,000 of
  25 million.
- A relativistic loss depends on differences of scores alone, so its scores have no zero. The zero is then half-way
  between the mean scores of real and of generated pictures, the threshold that tells them apart; see `sureness`.
"""

from __future__ import annotations

import torch
from torch import Tensor

ADAPTIVE = "adaptive"
"""The value of `training.augment`."""
MOST = 0.8
"""The largest probability: beyond it, augmentations may show in generated pictures (arXiv 2006.06676, section 2.2)."""
RAMP = 2.0
"""Half-lives of the averaged generator in which the probability moves by 1 where r differs from its target by 1."""


def sureness(real: Tensor, fake: Tensor | None = None) -> Tensor:
    """The mean sign of the scores of real pictures: (), -1..1, without a gradient.

    real, fake: scores (B, 1) of augmented pictures. With `fake`, zero is half-way between the means of both: the scores
    of a relativistic loss may all be shifted by a constant. (Against the mean of `fake` alone, r would be larger at the
    same separation than in a loss whose scores have a zero, and the paper's target would no longer fit.)
    """
    real = real.detach()
    zero = 0.0 if fake is None else (real.mean() + fake.detach().mean()) / 2
    return (real - zero).sign().float().mean()


@torch.no_grad()
def adapt(probability: Tensor, sure: Tensor, target: float, half_lives: float) -> None:
    """Move `probability`, () in 0..MOST, in place and without synchronization.

    sure: (), `sureness` in this step, averaged over ranks. half_lives: the step's images, in half-lives of the averaged
    generator.
    """
    probability.add_((sure - target).to(probability.dtype), alpha=half_lives / RAMP).clamp_(0, MOST)
