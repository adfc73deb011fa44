"""One direction: which codes move, and how far for one standard deviation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from composegan.model.codes import PARTS, Codes
from composegan.model.random_codes import mean_codes
from composegan.model.saved_model import Model


@dataclass(frozen=True)
class Target:
    """What is to move: a part ("shape", "texture", "both") of classes, and the base codes or not."""

    classes: tuple[str, ...]
    part: str = "both"
    base: bool = False

    def slots(self, model: Model) -> tuple[int, ...]:
        """Of these codes, see `Codes.slots_of`. Raises UserError for a class that is not there."""
        parts = PARTS if self.part == "both" else (self.part,)
        return tuple(mean_codes(model).slots_of(self.classes, parts, self.base).nonzero().flatten().tolist())

    def name(self, known: tuple[str, ...]) -> str:
        """`hair.texture`; no part where both move; `hair+hat` for two; `all` for all of `known`; `base`."""
        classes = ["all"] if self.classes == known else list(self.classes)
        what = "+".join([*classes, *(["base"] if self.base else [])])
        return what if self.part == "both" or not self.classes else f"{what}.{self.part}"


@dataclass(frozen=True)
class Direction:
    """A named step in the codes of a target, the rest of the codes staying as they are.

    slots: the m chosen slots; vectors: (m, S), a row for each, of norm 1 together; sigma: the standard deviation of
    the model's own codes along them, the unit of `apply`. space, classes: of the model, see `Codes`. facts: plain
    values on how it was found and what it was measured to do.
    """

    name: str
    method: str
    target: Target
    slots: tuple[int, ...]
    vectors: Tensor
    sigma: float
    space: str
    classes: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def alike(
        cls, model: Model, method: str, number: int, target: Target, vector: Tensor, spread: Tensor, **facts: Any
    ) -> Direction:
        """One that moves all slots of the target by the same vector (S,), of norm 1: `hair.texture.pca0`.

        spread: (S, S), covariance of w, all of which slots are taken to have together.
        """
        slots = target.slots(model)
        vectors = vector.float().expand(len(slots), -1) / math.sqrt(len(slots))  # (m, S)
        sigma = math.sqrt(len(slots) * max(0.0, float(vector.double() @ spread @ vector.double())))
        name = f"{target.name(model.classes)}.{method}{number}"
        return cls(name, method, target, slots, vectors, sigma, model.space, model.classes, facts)

    def apply(self, codes: Codes, amount: float | Tensor) -> Codes:
        """A copy of the codes, moved by `amount` standard deviations: a number, or (N,), one for each picture.

        Raises UserError for codes of another model.
        """
        codes.check_space(self.classes, self.space, f"direction {self.name}")
        amount = torch.as_tensor(amount, dtype=codes.slots.dtype, device=codes.slots.device).reshape(-1, 1, 1)
        moved = codes.slots.clone()
        moved[:, list(self.slots)] += amount * self.sigma * self.vectors.to(moved)  # (N, m, S)
        return replace(codes, slots=moved)

    def with_facts(self, **facts: Any) -> Direction:
        """The same, with more facts."""
        return replace(self, facts={**self.facts, **facts})


def with_sign(vectors: Tensor) -> Tensor:
    """Rows (n, S), each of the sign that makes its largest entry positive: an eigenvector has none of its own."""
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))  # (n, 1)
    return vectors * torch.where(largest < 0, -1.0, 1.0)
