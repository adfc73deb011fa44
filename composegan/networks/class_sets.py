"""The class sets of a data set: which classes are seen together in a picture, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassSets:
    """sets: (n, K) bool, no row empty; counts: (n,) how often each occurs, above 0; areas: (K,), the mean part of a
    picture that a class has where it is in one, 0..1. All on the CPU. By default no areas are known, and 0.

    Raises ValueError when they are anything else.
    """

    sets: Tensor
    counts: Tensor
    areas: Tensor = None  # becomes zeros

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", torch.as_tensor(self.sets).bool())
        object.__setattr__(self, "counts", torch.as_tensor(self.counts).double())
        areas = torch.zeros(self.sets.shape[-1]) if self.areas is None else torch.as_tensor(self.areas).float()
        object.__setattr__(self, "areas", areas)
        if self.sets.dim() != 2 or self.counts.shape != self.sets.shape[:1] or not len(self.sets):
            raise ValueError(f"class sets of shape {tuple(self.sets.shape)}, counts {tuple(self.counts.shape)}")
        if self.areas.shape != self.sets.shape[1:] or not ((self.areas >= 0) & (self.areas <= 1)).all():
            raise ValueError(f"areas of classes: {self.sets.shape[1]} numbers from 0 to 1 are needed")
        if not self.sets.any(dim=1).all():
            raise ValueError("a class set is empty; a picture has at least one class")
        if not (self.counts > 0).all() or not self.counts.isfinite().all():
            raise ValueError("a class set occurs never, or not a number of times")

    def mirrored(self, other: Sequence[int]) -> ClassSets:
        """As of a set that holds every picture mirrored, too. other: what each class becomes there, K numbers."""
        turned = torch.zeros_like(self.sets)
        turned[:, list(other)] = self.sets
        areas = (self.areas + self.areas[list(other)]) / 2
        return ClassSets(torch.cat((self.sets, turned)), torch.cat((self.counts, self.counts)), areas)

    def at(self, u: Tensor) -> Tensor:
        """The set of each number u (N,) in 0..1: uniform ones give each set as often as it occurs -> (N, K) bool."""
        ends = self.counts.cumsum(0)  # (n)
        number = torch.searchsorted(ends, u.double() * ends[-1], right=True)  # (N)
        return self.sets[number.clamp_(max=len(ends) - 1)]

    def draw(self, number: int, generator: torch.Generator | None = None) -> Tensor:
        """Random class sets (number, K) bool, on the CPU."""
        return self.at(torch.rand(number, generator=generator, dtype=torch.float64))

    def to_tensors(self) -> dict[str, Tensor]:
        """For files: uint8 and float64, as not every format has bool."""
        return {"sets": self.sets.to(torch.uint8), "counts": self.counts, "areas": self.areas}
