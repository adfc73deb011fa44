"""Which classes are alike: agglomerative clustering of what was measured of them."""

from __future__ import annotations

import numpy as np

from composegan.data.statistics import ClassStatistics
from composegan.plugin.grouping_plan import GroupingPlan


def distances(statistics: ClassStatistics) -> np.ndarray:
    """How unlike two classes are: (K, K), symmetric, 0 on the diagonal, mean of the kinds about 1.

    The sum of four, each divided by its mean over all pairs:
    - size: `|log area_a - log area_b|`;
    - place: the Hellinger distance of the position maps;
    - colour: the distance of mean and of spread;
    - company: the Jaccard index of the pictures they are in. Classes that are seen together compete within a picture
      for the weights they share, so that being seen together sets them apart.
    A class that is in no picture is like none: farther than any pair, so that it is joined last.
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
    """Plans of K, K - 1, ..., 1 groups: in each the two groups that were nearest are joined (average linkage).

    Ties go to the classes that come first, so that the same distances give the same plans.
    """
    groups = [(index,) for index in range(len(distance))]
    plans = [GroupingPlan(tuple(groups))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a + 1, len(groups))]
        a, b = min(pairs, key=lambda pair: (distance[np.ix_(groups[pair[0]], groups[pair[1]])].mean(), pair))
        groups[a] += groups.pop(b)
        plans.append(GroupingPlan(tuple(groups)))
    return plans


def affinity(statistics: ClassStatistics, groups: int) -> GroupingPlan:
    """The plan of `groups` groups (1..K) of classes that are alike."""
    plans = merges(distances(statistics))
    return plans[len(plans) - max(1, min(groups, len(plans)))]
