"""Metrics of which classes are in which images: as often as in the data, and where their class set asks for them.

They take class proportions, (N, K) of `composegan.metrics.layout.class_proportions`, or the result of `present`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from composegan.metrics.figure import Figure, NotMeasuredError
from composegan.metrics.layout import LAYOUT, mean_known
from composegan.metrics.thresholds import PRESENT, RARE
from composegan.plugin.contracts import HIGHER, Metric

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation


def present(proportions: Tensor) -> Tensor:
    """Which classes are in which image: those with at least `PRESENT` of its pixels. (N, K), 0..1 -> (N, K) bool."""
    return proportions >= PRESENT


def presence_rates(proportions: Tensor) -> Tensor:
    """The share of images that each class is in. (N, K) -> (K,) float64, 0..1."""
    return present(proportions).double().mean(dim=0)


def presence_agreement(real: Tensor, fake: Tensor) -> float:
    """`1 - mean_k |rate_k - rate'_k|` of the presence rates of two sets of proportions; 1 for equal rates."""
    return 1 - (presence_rates(real) - presence_rates(fake)).abs().mean().item()


@dataclass(frozen=True)
class PresenceAccuracy:
    """How well class sets are followed, by class, each (K,) float64, 0..1; NaN for a class that was never tested.

    shown: of the images whose set has the class, the share that shows it. kept_away: of the images whose set lacks
    it, the share that does not show it.
    """

    shown: Tensor
    kept_away: Tensor

    @property
    def by_class(self) -> Tensor:
        """(K,): the mean of the two (balanced accuracy), or the one that is known; NaN if neither is.

        A class that every set has, such as the background, counts by `shown` alone.
        """
        return torch.stack((self.shown, self.kept_away)).nanmean(dim=0)

    @property
    def mean(self) -> float:
        """The unweighted mean over classes; NaN if none is known."""
        return mean_known(self.by_class)


def presence_accuracy(wanted: Tensor, seen: Tensor) -> PresenceAccuracy:
    """`shown_k = sum_n wanted_nk seen_nk / sum_n wanted_nk` and
    `kept_away_k = sum_n (1 - wanted_nk)(1 - seen_nk) / sum_n (1 - wanted_nk)`.

    wanted: (N, K) bool, the class sets; seen: (N, K) bool, `present` of the proportions of the generated masks, or of a
    segmenter's masks of the generated images. Raises ValueError for different shapes.
    """
    if wanted.shape != seen.shape or wanted.dim() != 2:
        raise ValueError(f"wanted is {tuple(wanted.shape)} and seen {tuple(seen.shape)}; both must be (N, K)")
    return PresenceAccuracy(_share_of(wanted.bool(), seen.bool()), _share_of(~wanted.bool(), ~seen.bool()))


def rare_classes(real: Tensor) -> Tensor:
    """The classes that are in some real images, but in a smaller share than `RARE`. (N, K) -> (K,) bool."""
    rates = presence_rates(real)
    return (rates > 0) & (rates < RARE)


def class_recall(real: Tensor, fake: Tensor) -> Tensor:
    """`min(1, rate'_k / rate_k)`: how much of a class's presence in the real set the generated set has.

    real, fake: proportions (N, K) and (M, K) -> (K,) float64: 1 for a class that is there at least as often as in the
    data, 0 for one that the model dropped, NaN for one that no real image has.
    """
    wanted = presence_rates(real)
    return (presence_rates(fake) / wanted.where(wanted > 0, torch.nan)).clamp(max=1)


def rare_recall(real: Tensor, fake: Tensor) -> float:
    """The mean of `class_recall` over `rare_classes`; NaN if no class is rare.

    With few images a perfect model stays below 1, since a class that is drawn too often does not make up for one drawn
    too rarely: compare with two halves of the real set.
    """
    return mean_known(class_recall(real, fake)[rare_classes(real)])


def _share_of(asked: Tensor, given: Tensor) -> Tensor:
    """(N, K) bool twice -> (K,): of the rows with `asked`, the share with `given`; NaN if there are no such rows."""
    return (asked & given).sum(dim=0).double() / asked.sum(dim=0)


def describe_rare(real: Tensor) -> tuple[Tensor, str]:
    """`rare_classes` (K,) bool, and how many there are in words. Raises NotMeasuredError if no class is rare."""
    rare = rare_classes(real)
    if not rare.any():
        raise NotMeasuredError(f"no class is in less than {RARE:.0%} of the real images")
    count = int(rare.sum())
    return rare, f"of the {count} class{'es' * (count > 1)} in less than {RARE:.0%} of the real images"


def _measure_rare_recall(evaluation: Evaluation) -> list[Figure]:
    sets = evaluation.sets(LAYOUT)
    _, about = describe_rare(sets.real)
    return [sets.figure("rare_class_recall", rare_recall, HIGHER, about)]


def accuracy_figure(name: str, wanted: Tensor | None, proportions: Tensor, resize: str, source: str) -> Figure:
    """How well generated images follow their class sets. wanted: (N, K) bool; proportions: (N, K).

    source: where the proportions come from, in words. Raises NotMeasuredError if there are no class sets.
    """
    if wanted is None:
        raise NotMeasuredError("the model has no class sets")
    accuracy = presence_accuracy(wanted, present(proportions))
    parts = f"asked for and shown {mean_known(accuracy.shown):.3f}, kept away {mean_known(accuracy.kept_away):.3f}"
    count = len(proportions)
    return Figure(name, accuracy.mean, HIGHER, None, count, 0, resize=resize, note=f"{parts}, {source}")


def _measure_accuracy(evaluation: Evaluation) -> list[Figure]:
    proportions = evaluation.generated[LAYOUT.name]
    return [accuracy_figure("presence_accuracy", evaluation.present, proportions, "none", "by the masks")]


agreement = Metric(rows=LAYOUT, compare=presence_agreement, better=HIGHER, in_training=False, position=50)
rare_class_recall = Metric(rows=LAYOUT, measure=_measure_rare_recall, better=HIGHER, in_training=False, position=51)
accuracy = Metric(rows=LAYOUT, measure=_measure_accuracy, better=HIGHER, in_training=False, position=53)
