"""One direction: which codes it moves, and how far for one standard deviation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from composegan.editing.target import Target
from composegan.errors import UserError, shown
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.model.space import check_space


@dataclass(frozen=True, eq=False)
class Direction:
    """A named step in the codes of a target; the other codes stay as they are.

    slots: positions of the m slots it moves; vectors: (m, S), a row for each, of norm 1 together; sigma: standard
    deviation of the model's own codes along them, the unit of `apply`. space, classes: of the model, see `Codes`.
    facts: plain values on how it was found and what it was measured to do.
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
    def uniform(
        cls, model: Model, method: str, number: int, target: Target, vector: Tensor, spread: Tensor, **facts: Any
    ) -> Direction:
        """Move all slots of the target by the same vector (S,), of norm 1; named such as `hair.texture.pca0`.

        spread: (S, S), covariance of w, taken to be shared by all slots.
        """
        slots = target.slots(model)
        vectors = vector.float().expand(len(slots), -1) / math.sqrt(len(slots))  # (m, S)
        sigma = math.sqrt(len(slots) * max(0.0, float(vector.double() @ spread @ vector.double())))
        name = f"{target.name(model.classes)}.{method}{number}"
        return cls(name, method, target, slots, vectors, sigma, model.space, model.classes, facts)

    def apply(self, codes: Codes, amount: float | Tensor) -> Codes:
        """A copy of the codes, moved by `amount` standard deviations: a number, or (N,), one per picture.

        Raises UserError for codes of another model.
        """
        if not isinstance(codes, Codes):
            raise UserError(f"codes={shown(codes)}: must be codes, as from model.codes(4)")
        check_space(f"direction {self.name}", self.classes, self.space, codes)
        amount = codes.per_picture("amount", amount)
        moved = codes.slots.clone()
        moved[:, list(self.slots)] += amount * self.sigma * self.vectors.to(moved)  # (N, m, S)
        return replace(codes, slots=moved)

    def with_facts(self, **facts: Any) -> Direction:
        """The same direction with more facts."""
        return replace(self, facts={**self.facts, **facts})

    def __repr__(self) -> str:
        return f"Direction({self.name})"


def with_sign(vectors: Tensor) -> Tensor:
    """Rows (n, S) with the sign that makes the largest entry positive: the sign of an eigenvector is arbitrary."""
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))  # (n, 1)
    return vectors * torch.where(largest < 0, -1.0, 1.0)
