"""`grouping=affinity`, `grouping=affinity:8`: classes that look alike share, by agglomerative clustering."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from composegan.grouping.count import count_in, most_groups
from composegan.grouping.policies.taxonomy import usual_groups
from composegan.plugin.contracts import Budget, GroupingPolicy
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.data.statistics import ClassStatistics


def distances(statistics: ClassStatistics) -> np.ndarray:
    """The pairwise distances of classes: (K, K), symmetric, 0 on the diagonal, with a mean of about 1.

    The mean of four terms, each divided by its mean over all pairs:
    - size: `|log area_a - log area_b|`;
    - position: the Hellinger distance of the position maps;
    - colour: the distance of the means and of the spreads;
    - co-occurrence: the Jaccard index of the images that contain them. Classes in the same image compete for the
      weights they share, so co-occurring increases the distance.
    A class that occurs in no image is farther from every class than any other pair, so that it is joined last.
    """
    s = statistics
    size = np.log(np.maximum(s.area, 1e-6))
    place = np.sqrt(s.position.reshape(len(size), -1) / np.maximum(s.position.sum(axis=(1, 2)), 1e-12)[:, None])
    looks = np.concatenate((s.color, s.spread), axis=1)
    either = s.presence[:, None] + s.presence[None] - s.together
    kinds = (
        np.abs(size[:, None] - size[None]),
        np.linalg.norm(place[:, None] - place[None], axis=2),
        np.linalg.norm(looks[:, None] - looks[None], axis=2),
        s.together / np.maximum(either, 1e-12),
    )
    seen = s.presence > 0
    pairs = np.outer(seen, seen) & ~np.eye(len(size), dtype=bool)
    total = sum(kind / max(kind[pairs].mean(), 1e-12) if pairs.any() else kind for kind in kinds)
    total = np.where(np.outer(seen, seen), total, total.max() + 1) / len(kinds)
    np.fill_diagonal(total, 0)
    return total


def merges(distance: np.ndarray) -> list[GroupingPlan]:
    """Plans of K, K - 1, ..., 1 groups: each joins the two nearest groups of the last (average linkage).

    Ties go to the first classes, so that equal distances give equal plans.
    """
    groups: list[tuple[int, ...]] = [(index,) for index in range(len(distance))]
    plans = [GroupingPlan(tuple(groups))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a + 1, len(groups))]
        a, b = min(pairs, key=lambda pair: (distance[np.ix_(groups[pair[0]], groups[pair[1]])].mean(), pair))
        groups[a] += groups.pop(b)
        plans.append(GroupingPlan(tuple(groups)))
    return plans


def propose(spec: DomainSpec, argument: str, statistics: Callable[[], ClassStatistics], budget: Budget) -> GroupingPlan:
    """The plan with as many groups as the argument says, else as the budget allows, else the usual number.

    Raises UserError for a budget that no plan meets.
    """
    plans = merges(distances(statistics()))  # of K groups down to one
    groups = count_in("affinity", argument, len(plans))
    if groups is None and budget.given:
        return most_groups(plans, budget)
    return plans[len(plans) - (groups or usual_groups(spec))]


def check(spec: DomainSpec, argument: str) -> None:
    """Raise UserError for an argument that is not a number of groups from 1 to the number of classes."""
    count_in("affinity", argument, len(spec.classes))


policy = GroupingPolicy(propose=propose, check=check)
