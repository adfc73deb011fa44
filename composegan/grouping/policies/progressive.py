"""`grouping=progressive`, `grouping=progressive:8`: one group at first; at intervals the group whose classes disagree
most is split in two, until there are 8 groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from composegan.grouping.conflict import conflict, halves
from composegan.grouping.count import count_in, most_groups
from composegan.grouping.policies.taxonomy import usual_groups
from composegan.plugin.contracts import Budget, GroupingPolicy, Splitting
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan, Split

if TYPE_CHECKING:
    from composegan.config.schema import Config


def propose(spec: DomainSpec, argument: str, *_: Any) -> GroupingPlan:
    """The plan that training starts with: one group."""
    return GroupingPlan.single(len(spec.classes))


def check(spec: DomainSpec, argument: str) -> None:
    """Raise UserError for an argument that is not a number of groups from 1 to the number of classes."""
    count_in("progressive", argument, len(spec.classes))


def settle(config: Config, spec: DomainSpec, budget_of: Callable[[Config], Budget]) -> Config:
    """The configuration with the final number of groups, the images between splits, and an embedding for every class.

    The number is the given one, else as many as the budget allows or, without a budget, the usual number; never more
    than the budget allows. Raises UserError for a budget that not even one group meets.
    """
    model, training, classes = config.model, config.training, len(spec.classes)
    if model.embedding is None:  # present from the beginning, also when at last no classes share
        model = replace(model, embedding=True)
    config = replace(config, model=model)
    budget = budget_of(config)
    named = count_in("progressive", config.grouping.partition(":")[2])
    groups = named or (classes if budget.given else usual_groups(spec))
    if budget.given:
        # The cost of a plan depends on the number of groups, not on their members.
        groups = len(most_groups([_some_plan(classes, number) for number in range(groups, 0, -1)], budget).groups)
    every = training.split_every or max(1, training.images // (2 * max(1, groups - 1)))
    return replace(config, grouping=f"progressive:{groups}", training=replace(training, split_every=every))


def last_groups(argument: str, classes: int) -> int:
    """The number of groups at which splitting stops."""
    return count_in("progressive", argument) or classes


def next_split(plan: GroupingPlan, alike: np.ndarray) -> Split | None:
    """The split of the group with the most conflict (the first of equals); None if no group has any.

    alike: (K, K), from `composegan.grouping.conflict.cosines`.
    """
    found = [conflict(alike, group) for group in plan.groups]
    most = int(np.argmax(found))
    if found[most] <= 0:
        return None
    members, others = plan.groups[most], plan.groups[:most] + plan.groups[most + 1 :]
    parts = halves(alike, members)
    return Split(GroupingPlan((*others, *parts)), members, parts, found[most])


def describe(config: Config) -> str:
    """What a settled configuration will do, in words."""
    groups, every = config.grouping.partition(":")[2], config.training.split_every
    if groups == "1":
        return "one group for all classes"
    return f"one group for all classes at first, then a split every {every:,} images until there are {groups} groups"


def _some_plan(classes: int, groups: int) -> GroupingPlan:
    return GroupingPlan((*((k,) for k in range(groups - 1)), tuple(range(groups - 1, classes))))


policy = GroupingPolicy(propose=propose, check=check, splitting=Splitting(settle, last_groups, next_split, describe))
