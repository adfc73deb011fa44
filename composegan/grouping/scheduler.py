"""The policy `progressive`: one group at first; now and then the group whose members disagree most is split in two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from composegan.config.schema import Config
from composegan.domain import DomainSpec
from composegan.grouping.budget import is_set, within
from composegan.grouping.conflict import conflict, halves
from composegan.grouping.plan import GroupingPlan
from composegan.grouping.policies import most_groups, usual_groups
from composegan.models.class_sets import ClassSets

POLICY = "progressive"


@dataclass(frozen=True)
class Split:
    """plan: after it; members, halves: the group that was split and its two parts; conflict: what it was split for."""

    plan: GroupingPlan
    members: tuple[int, ...]
    halves: tuple[tuple[int, ...], tuple[int, ...]]
    conflict: float


def is_progressive(grouping: Any) -> bool:
    """Whether the setting `grouping` is this policy."""
    return isinstance(grouping, str) and grouping.partition(":")[0] == POLICY


def last_groups(grouping: Any, classes: int) -> int:
    """How many groups there are at most: 8 of `progressive:8`; of any other policy 0, as nothing is ever split."""
    if not is_progressive(grouping):
        return 0
    return int(grouping.partition(":")[2] or classes)


def settled(config: Config, spec: DomainSpec, batch: int, class_sets: ClassSets | None = None) -> Config:
    """With everything that `progressive` leaves open decided, so that a run that goes on, longer maybe, splits as it
    would have: the number of groups in the end, the images between splits, and that every class has an embedding.

    The number is the given one, else as many as the budget allows or, without one, as `affinity` takes; never more than
    fit into the budget with `batch` pictures on a device, which have all classes or such sets. Raises UserError for a
    budget that not even one group meets.
    """
    model, training = config.model, config.training
    if model.embedding is None:  # there from the beginning, and there to stay when at last no classes share
        model = replace(model, embedding=True)
    config = replace(config, model=model)
    classes = len(spec.classes)
    named = config.grouping.partition(":")[2]
    groups = int(named) if named else classes if is_set(config.budget) else usual_groups(spec)
    if fits := within(config, spec, batch, class_sets):
        # What a plan costs depends on the number of groups, not on who is in them.
        groups = len(most_groups([_some_plan(classes, number) for number in range(groups, 0, -1)], fits).groups)
    every = training.split_every or max(1, training.images // (2 * max(1, groups - 1)))
    return replace(config, grouping=f"{POLICY}:{groups}", training=replace(training, split_every=every))


def in_words(config: Config) -> str:
    """What `grouping` means in a configuration that is settled."""
    groups, every = config.grouping.partition(":")[2], config.training.split_every
    if groups == "1":
        return "one group for all classes"
    return f"one group for all classes at first, then a split every {every:,} images until there are {groups} groups"


def next_split(plan: GroupingPlan, alike: np.ndarray) -> Split | None:
    """The split of the group that has the most conflict, of equals the first; None where no group has any.

    alike: (K, K), of `composegan.grouping.conflict.cosines`.
    """
    found = [conflict(alike, group) for group in plan.groups]
    most = int(np.argmax(found))
    if found[most] <= 0:
        return None
    members, others = plan.groups[most], plan.groups[:most] + plan.groups[most + 1 :]
    parts = halves(alike, members)
    return Split(GroupingPlan((*others, *parts)), members, parts, found[most])


def plan_of(group_of: tuple[int, ...]) -> GroupingPlan:
    """The plan in which class k is in group `group_of[k]`."""
    return GroupingPlan(tuple(tuple(k for k, own in enumerate(group_of) if own == g) for g in range(max(group_of) + 1)))


def _some_plan(classes: int, groups: int) -> GroupingPlan:
    return GroupingPlan((*((k,) for k in range(groups - 1)), tuple(range(groups - 1, classes))))
