"""Measures of which classes are in which pictures: as often as in the data, and where they were asked for.

They take class proportions, (N, K) of `composegan.metrics.layout.class_proportions`, or what `present` makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from composegan.metrics.layout import mean_known
from composegan.metrics.thresholds import PRESENT, RARE


def present(proportions: Tensor) -> Tensor:
    """Which classes are in which picture, those with at least `PRESENT` of its pixels. (N, K), 0..1 -> (N, K) bool."""
    return proportions >= PRESENT


def presence_rates(proportions: Tensor) -> Tensor:
    """The part of the pictures that each class is in. (N, K) -> (K,) float64, 0..1."""
    return present(proportions).double().mean(dim=0)


def presence_agreement(real: Tensor, fake: Tensor) -> float:
    """`1 - mean_k |rate_k - rate'_k|` of the presence rates of two sets of proportions; 1 is as in the data."""
    return 1 - (presence_rates(real) - presence_rates(fake)).abs().mean().item()


@dataclass(frozen=True)
class PresenceAccuracy:
    """How well class sets are followed, by class, each (K,) float64, 0..1; NaN where it was never put to the test.

    shown: of the pictures whose set has the class, the part that shows it. kept_away: of those whose set has it not,
    the part that does not show it.
    """

    shown: Tensor
    kept_away: Tensor

    @property
    def by_class(self) -> Tensor:
        """(K,): the mean of the two (balanced accuracy), or the one that is known; NaN where neither is.

        A class that every set has, such as the background, is judged by `shown` alone.
        """
        return torch.stack((self.shown, self.kept_away)).nanmean(dim=0)

    @property
    def mean(self) -> float:
        """The mean over classes, each counting alike however rare it is; NaN when nothing is known."""
        return mean_known(self.by_class)


def presence_accuracy(wanted: Tensor, seen: Tensor) -> PresenceAccuracy:
    """`shown_k = sum_n wanted_nk seen_nk / sum_n wanted_nk` and
    `kept_away_k = sum_n (1 - wanted_nk)(1 - seen_nk) / sum_n (1 - wanted_nk)`.

    wanted: (N, K) bool, the class sets that were asked for; seen: (N, K) bool, what is there: `present` of the
    generated masks' proportions, or of a segmenter's of the pictures. Raises ValueError for different shapes.
    """
    if wanted.shape != seen.shape or wanted.dim() != 2:
        raise ValueError(f"wanted is {tuple(wanted.shape)} and seen {tuple(seen.shape)}; both must be (N, K)")
    return PresenceAccuracy(_part_of(wanted.bool(), seen.bool()), _part_of(~wanted.bool(), ~seen.bool()))


def rare_classes(real: Tensor, below: float = RARE) -> Tensor:
    """The classes that are in some real pictures, but in a smaller part than `below`. (N, K) -> (K,) bool."""
    rates = presence_rates(real)
    return (rates > 0) & (rates < below)


def class_recall(real: Tensor, fake: Tensor) -> Tensor:
    """`min(1, rate'_k / rate_k)`: how much of a class's presence in the real set the generated one has. -> (K,) float64

    1 where it is shown at least as often as in the data, 0 where it has been dropped; NaN for a class that no real
    picture has. real, fake: proportions (N, K) and (M, K).
    """
    wanted = presence_rates(real)
    return (presence_rates(fake) / wanted.where(wanted > 0, torch.nan)).clamp(max=1)


def rare_recall(real: Tensor, fake: Tensor, below: float = RARE) -> float:
    """The mean of `class_recall` over `rare_classes`; NaN when no class is rare.

    With few pictures a perfect model stays below 1, as a class drawn less often than in the data is not made up for
    by one drawn more often: compare with two halves of the real set.
    """
    return mean_known(class_recall(real, fake)[rare_classes(real, below)])


def _part_of(asked: Tensor, given: Tensor) -> Tensor:
    """(N, K) bool twice -> (K,): the part of the rows with `asked` that have `given`; NaN where there is none."""
    return (asked & given).sum(dim=0).double() / asked.sum(dim=0)
