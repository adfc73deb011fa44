"""Classes of about one size share a generator: `grouping=by_size:4` for 4 groups, `grouping=by_size` for a budget."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from composegan.data.statistics import ClassStatistics
from composegan.plugin import Budget, DomainSpec, GroupingPlan, GroupingPolicy, UserError


def check(spec: DomainSpec, argument: str) -> None:
    """Raise UserError for an argument that is not a number of groups."""
    classes = len(spec.classes)
    if argument and not (argument.isdecimal() and 1 <= int(argument) <= classes):
        raise UserError(f"grouping=by_size:{argument}: a number of groups is needed, 1 to {classes}")


def by_size(spec: DomainSpec, argument: str, statistics: Callable[[], ClassStatistics], budget: Budget) -> GroupingPlan:
    """The classes in the order of their mean area, cut into groups of equal size.

    Without a number: as many groups as the budget allows, at most half as many as there are classes.
    """
    order = np.argsort(statistics().area, kind="stable")
    counts = [int(argument)] if argument else range(max(1, len(order) // 2), 0, -1)
    plans = [GroupingPlan(tuple(tuple(part.tolist()) for part in np.array_split(order, count))) for count in counts]
    return next((plan for plan in plans if budget(plan)), plans[-1])


policy = GroupingPolicy(propose=by_size, check=check, api=1)
