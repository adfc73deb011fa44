"""One figure of a report, and the two sets of rows it is computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from torch import Tensor

from composegan.errors import UserError
from composegan.plugin.contracts import LOWER


class NotMeasuredError(UserError):
    """A metric does not apply to this model or real set; says why in a few words."""


class TooFewImagesError(NotMeasuredError):
    """A metric needs more images than there are; says how many."""


@dataclass(frozen=True)
class Figure:
    """A metric's value.

    better: "lower" or "higher". halves: the same for one half of the real set against the other, each of `half_images`;
    None where that is not defined. images, real_images: how many were compared. resize: what happened to them first, in
    words; note: what to know before comparing the value, above all the bias of few images. beside: the same measure of
    other pictures, by what they are.
    """

    name: str
    value: float
    better: str
    halves: float | None
    images: int
    real_images: int
    half_images: int = 0
    resize: str = "none"
    note: str = ""
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sets:
    """Rows of the real and of the generated set. half_a, half_b: disjoint parts of the real set, of equal size."""

    real: Tensor
    fake: Tensor
    half_a: Tensor
    half_b: Tensor
    resize: str = "none"

    @classmethod
    def of(cls, real: Tensor, fake: Tensor, resize: str = "none", limit: int | None = None) -> Sets:
        """Each half is half of the real set, but no more than there are generated rows.

        limit: compare at most so many rows; there are halves only if the real set has twice as many.
        """
        size, start = min(len(real) // 2, len(fake)), len(real) // 2
        if limit:
            start, size = limit, limit if len(real) >= 2 * limit else 0
        halves = real[:size], real[start : start + size]
        return cls(real[:limit], fake[:limit], *halves, resize)

    def matched(self) -> Sets:
        """Both sets cut to the same size."""
        size = min(len(self.real), len(self.fake))
        return replace(self, real=self.real[:size], fake=self.fake[:size])

    def figure(
        self,
        name: str,
        distance: Callable[[Tensor, Tensor], float],
        better: str = LOWER,
        note: str = "",
    ) -> Figure:
        """The distance of the two sets, beside that of the halves. Raises UserError for too few rows."""
        value = distance(self.real, self.fake)
        halves = or_none(distance, self.half_a, self.half_b) if len(self.half_a) else None
        counts = len(self.fake), len(self.real), len(self.half_a)
        return Figure(name, value, better, halves, *counts, self.resize, note)


def or_none(measure: Callable[..., float], *given: Any) -> float | None:
    """The value; None if it is not finite, or the halves are too small for it."""
    try:
        value = measure(*given)
    except UserError:
        return None
    return value if isfinite(value) else None
