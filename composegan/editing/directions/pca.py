"""Principal components of the model's codes (GANSpace, Harkonen et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.editing.directions.direction import Direction, Target, with_sign
from composegan.model.saved_model import Model

SAMPLES = 10_000


@torch.inference_mode()
def covariance(model: Model, samples: int = SAMPLES, seed: int = 0) -> Tensor:
    """Of w over `samples` random z: (S, S) float64, on the CPU."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(samples, model.generator.latent_channels, generator=draws)
    return torch.cov(model.generator.map(z.to(model.device)).cpu().double().T)


def principal_components(spread: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Covariance (S, S) -> unit components (count, S) and the variances along them (count,), largest first."""
    variances, vectors = torch.linalg.eigh(spread)  # (S,), (S, S), smallest first
    return with_sign(vectors[:, -count:].flip(1).T), variances[-count:].flip(0).clamp_min(0)


def pca_directions(model: Model, target: Target, count: int, spread: Tensor) -> list[Direction]:
    """The `count` strongest components of w, each moving all slots of the target by the same vector.

    spread: `covariance` of w. Facts: `explained`, the part of the variance that a component holds, 0..1.
    """
    vectors, variances = principal_components(spread, count)
    parts = (variances / spread.trace().clamp_min(1e-30)).tolist()
    return [
        Direction.alike(model, "pca", number, target, vector, spread, explained=part)
        for number, (vector, part) in enumerate(zip(vectors, parts, strict=True))
    ]
