"""Codes of a model without a picture to start from: random ones, and the mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from composegan.errors import UserError, check_truncation, shown, whole_number
from composegan.model import TRUNCATION
from composegan.model.codes import Codes
from composegan.networks.fitting import fitted
from composegan.training.parts import derive_seed

if TYPE_CHECKING:
    from composegan.model.saved_model import Model

PART = 64
"""Pictures whose codes are chosen at a time, for memory."""


def draw_codes(
    model: Model,
    n: int = 16,
    *,
    seed: int = 0,
    truncation: float = TRUNCATION,
    pictures: Sequence[int] | None = None,
    present: Tensor | None = None,
) -> Codes:
    """Random codes of n pictures. Picture number i depends on (seed, i, truncation) only, not on n.

    pictures: their numbers, instead of the first n. truncation: 1 keeps w as it is, 0 gives the mean. present: their
    class sets, (N, K) bool; by default random ones for a model that was trained on class sets. Codes fit class sets.
    Raises UserError unless n >= 1, seed >= 0 and truncation is in 0..1.
    """
    seed = whole_number("seed", seed)
    check_truncation(truncation)
    if pictures is None:
        pictures = range(whole_number("n", n, least=1))
    if not isinstance(pictures, Iterable):
        raise UserError(f"pictures={shown(pictures)}: must be the numbers of several, as in [0, 3]")
    numbers = [whole_number("pictures", number) for number in pictures]
    if not numbers:
        raise UserError("pictures=: name at least one")
    present = draw_present(model, numbers, seed) if present is None else present
    with torch.inference_mode():
        w = model.generator.map(draw_z(model, numbers, seed, present))  # (N, S)
        w = model.mean_code + truncation * (w - model.mean_code)
    return Codes.of(model, w, present)


def draw_z(model: Model, numbers: Sequence[int], seed: int, present: Tensor | None) -> Tensor:
    """z (N, S) of the pictures `numbers` of a seed, on the model's device. present: the class sets (N, K)
    bool that they fit, if the model was trained on class sets."""
    draws = torch.Generator().manual_seed(seed)
    # One by one, because torch draws the last values of a tensor differently from those in its middle.
    every = [torch.randn(model.generator.latent_channels, generator=draws) for _ in range(max(numbers) + 1)]
    z = torch.stack([every[i] for i in numbers]).to(model.device)  # (N, S)
    if present is None or model.class_sets is None or model.generator.candidates == 1:
        return z
    parts = []
    for first in range(0, len(z), PART):
        some = slice(first, first + PART)
        own = [torch.Generator().manual_seed(derive_seed(seed, "fitting", number)) for number in numbers[some]]
        parts.append(fitted(model.generator, z[some], present[some], own))
    return torch.cat(parts)


def draw_present(model: Model, numbers: Sequence[int], seed: int) -> Tensor | None:
    """The class sets of the pictures `numbers` of a seed: (N, K) bool, or None if every picture has all classes."""
    if model.class_sets is None:
        return None
    draws = torch.Generator().manual_seed(seed)
    u = torch.tensor([torch.rand((), generator=draws) for _ in range(max(numbers) + 1)])
    return model.class_sets.at(u[list(numbers)])


def mean_codes(model: Model) -> Codes:
    """The mean code as one picture, with the classes that most pictures have."""
    return Codes.of(model, model.mean_code[None], usual_present(model))


def usual_present(model: Model, pictures: int = 1) -> Tensor | None:
    """The classes that at least half of the training images have, or the most frequent one: (pictures, K) bool."""
    if model.class_sets is None:
        return None
    share = model.class_sets.counts @ model.class_sets.sets.double() / model.class_sets.counts.sum()  # (K)
    return (share >= min(0.5, float(share.max())))[None].repeat(pictures, 1)
