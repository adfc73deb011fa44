"""Directions from the weights alone: closed-form factorisation (SeFa, Shen & Zhou 2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from composegan.editing.directions.direction import Direction, Target, with_sign
from composegan.errors import UserError
from composegan.model.saved_model import Model
from composegan.networks.generator import Generator


def driven_layers(generator: Generator, slots: tuple[int, ...]) -> list[tuple[int, int]]:
    """The (layer, group of classes) pairs whose styles come from these slots, each once.

    A shape code drives its class's layers up to the pseudo-depth head but for the base layers, which have the base
    codes (class 0, the background, has none and drives those, too); a texture code the others.
    """
    layout, bank = generator.layout, generator.local
    group_of = list(range(bank.classes)) if bank.member is None else bank.member.argmax(dim=0).tolist()
    places = [divmod(code, layout.local_layers) for code, slot in enumerate(layout.slot_of_code()) if slot in slots]
    return sorted({(layer, group_of[index]) for index, layer in places})


def style_affines(generator: Generator, slots: tuple[int, ...]) -> Tensor:
    """The affine maps A from a code to the styles of the layers that it drives, stacked: (rows, S) float64.

    Without biases, at the scale that the forward pass uses. Classes of one group have the same ones: they count once.
    Raises UserError when the slots drive no layer.
    """
    stacked = [generator.local.style_weight[layer, group] for layer, group in driven_layers(generator, slots)]
    if not stacked:
        raise UserError("method=sefa: in this model no layer takes these codes; choose another part=")
    return torch.cat(stacked).detach().cpu().double() / math.sqrt(generator.latent_channels)


def sefa_directions(model: Model, target: Target, count: int, spread: Tensor) -> list[Direction]:
    """The `count` unit vectors n that change the target's styles most: `argmax |A n|^2`, which are the top
    eigenvectors of `A^T A` (eq. 5 to 7 of the paper), each moving all slots of the target.

    spread: covariance of w, for the unit sigma. Facts: `strength`, `|A n|`, the change of styles by a step of 1.
    Raises UserError for a target that drives no layer.
    """
    affines = style_affines(model.generator, target.slots(model))  # (rows, S)
    energies, vectors = torch.linalg.eigh(affines.T @ affines)  # (S,), (S, S), smallest first
    vectors = with_sign(vectors[:, -count:].flip(1).T)  # (count, S)
    strengths = energies[-count:].flip(0).clamp_min(0).sqrt().tolist()
    return [
        Direction.alike(model, "sefa", number, target, vector, spread, strength=strength)
        for number, (vector, strength) in enumerate(zip(vectors, strengths, strict=True))
    ]
