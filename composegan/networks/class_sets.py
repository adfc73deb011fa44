"""The class sets of a dataset: which classes occur together in a picture, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassSets:
    """Distinct class sets with their frequencies, on the CPU.

    sets: (n, K) bool, no row empty; counts: (n,), how often each set occurs, above 0; areas: (K,) in 0..1, the
    mean share of pixels that a class covers in the pictures that contain it (default: unknown, 0).

    Raises ValueError for anything else.
    """

    sets: Tensor
    counts: Tensor
    areas: Tensor = field(default_factory=lambda: torch.zeros(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", torch.as_tensor(self.sets).bool())
        object.__setattr__(self, "counts", torch.as_tensor(self.counts).double())
        areas = torch.as_tensor(self.areas).float()
        if not self.areas.numel():
            areas = torch.zeros(self.sets.shape[-1])
        object.__setattr__(self, "areas", areas)
        if self.sets.dim() != 2 or self.counts.shape != self.sets.shape[:1] or not len(self.sets):
            raise ValueError(f"class sets of shape {tuple(self.sets.shape)}, counts {tuple(self.counts.shape)}")
        if self.areas.shape != self.sets.shape[1:] or not ((self.areas >= 0) & (self.areas <= 1)).all():
            raise ValueError(f"areas of classes: {self.sets.shape[1]} numbers from 0 to 1 needed")
        if not self.sets.any(dim=1).all():
            raise ValueError("a class set is empty; a picture has at least one class")
        if not (self.counts > 0).all() or not self.counts.isfinite().all():
            raise ValueError("the count of every class set must be finite and above 0")

    def mirrored(self, other: Sequence[int]) -> ClassSets:
        """The class sets of a dataset that also holds every picture mirrored. other: K, each class's mirror image."""
        turned = torch.zeros_like(self.sets)
        turned[:, list(other)] = self.sets
        areas = (self.areas + self.areas[list(other)]) / 2
        return ClassSets(torch.cat((self.sets, turned)), torch.cat((self.counts, self.counts)), areas)

    def at(self, u: Tensor) -> Tensor:
        """The sets at quantiles u (N,) in 0..1, so that uniform u draw each set by its frequency -> (N, K) bool."""
        ends = self.counts.cumsum(0)  # (n)
        number = torch.searchsorted(ends, u.double() * ends[-1], right=True)  # (N)
        return self.sets[number.clamp_(max=len(ends) - 1)]

    def draw(self, number: int, generator: torch.Generator | None = None) -> Tensor:
        """Random class sets (number, K) bool, on the CPU."""
        return self.at(torch.rand(number, generator=generator, dtype=torch.float64))

    def to_tensors(self) -> dict[str, Tensor]:
        """The fields for a file, as uint8 and float: not every format has bool."""
        return {"sets": self.sets.to(torch.uint8), "counts": self.counts, "areas": self.areas}


def classes_in(labels: Tensor, classes: int) -> Tensor:
    """Which classes label maps (B, H, W) have: (B, K) bool, on the same device. Labels above K - 1 are ignored."""
    found = torch.zeros(len(labels), 256, dtype=torch.bool, device=labels.device)
    return found.scatter_(1, labels.flatten(1).long(), True)[:, :classes]
