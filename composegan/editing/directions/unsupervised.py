"""Directions without an attribute: of the codes' variance (GANSpace, Harkonen et al. 2020), and of the weights (SeFa,
Shen & Zhou 2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from composegan.editing.directions.direction import Direction, with_sign
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.saved_model import Model
from composegan.networks.generator import Generator


@torch.inference_mode()
def covariance(model: Model, samples: int = 10_000, seed: int = 0) -> Tensor:
    """Covariance of w over `samples` random z: (S, S) float64, on the CPU."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(samples, model.generator.latent_channels, generator=draws)
    return torch.cov(model.generator.map(z.to(model.device)).cpu().double().T)


def principal_components(spread: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Covariance (S, S) -> unit components (count, S) and the variances along them (count,), largest first."""
    variances, vectors = torch.linalg.eigh(spread)  # (S,), (S, S), smallest first
    return with_sign(vectors[:, -count:].flip(1).T), variances[-count:].flip(0).clamp_min(0)


def pca_directions(model: Model, target: Target, count: int, spread: Tensor) -> list[Direction]:
    """The `count` strongest components of w, each moving all slots of the target by the same vector.

    spread: `covariance` of w. Facts: `explained`, the fraction of the variance along a component, 0..1.
    """
    vectors, variances = principal_components(spread, count)
    parts = (variances / spread.trace().clamp_min(1e-30)).tolist()
    return [
        Direction.uniform(model, "pca", number, target, vector, spread, explained=part)
        for number, (vector, part) in enumerate(zip(vectors, parts, strict=True))
    ]


def style_affines(generator: Generator, slots: tuple[int, ...]) -> Tensor:
    """The affine maps A from a code to the styles of the layers it drives, stacked: (rows, S) float64.

    Without biases, at the scale of the forward pass. Classes of one group share them: they count once.
    Raises UserError if the slots drive no layer.
    """
    stacked = generator.driven_styles(slots)
    if not stacked:
        raise UserError("method=sefa: in this model no layer takes these codes; choose another part=")
    return torch.cat(stacked).detach().cpu().double() / math.sqrt(generator.latent_channels)


def sefa_directions(model: Model, target: Target, count: int, spread: Tensor) -> list[Direction]:
    """The `count` unit vectors n that change the target's styles most, `argmax |A n|^2`: the top eigenvectors of
    `A^T A` (eq. 5 to 7 of the paper), each moving all slots of the target.

    spread: covariance of w, for the unit sigma. Facts: `strength`, `|A n|`, the change of styles by a step of 1.
    Raises UserError for a target that drives no layer.
    """
    affines = style_affines(model.generator, target.slots(model))  # (rows, S)
    energies, vectors = torch.linalg.eigh(affines.T @ affines)  # (S,), (S, S), smallest first
    vectors = with_sign(vectors[:, -count:].flip(1).T)  # (count, S)
    strengths = energies[-count:].flip(0).clamp_min(0).sqrt().tolist()
    return [
        Direction.uniform(model, "sefa", number, target, vector, spread, strength=strength)
        for number, (vector, strength) in enumerate(zip(vectors, strengths, strict=True))
    ]
