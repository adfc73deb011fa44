"""The policy `progressive`: one group at first; now and then the group whose members disagree most is split in two."""

from __future__ import annotations

from typing import Any

import numpy as np

from composegan.config.schema import Config
from composegan.grouping.conflict import conflict, halves
from composegan.plugin.grouping_plan import GroupingPlan, Split

POLICY = "progressive"


def is_progressive(grouping: Any) -> bool:
    """Whether the setting `grouping` is this policy."""
    return isinstance(grouping, str) and grouping.partition(":")[0] == POLICY


def last_groups(grouping: Any, classes: int) -> int:
    """How many groups there are at most: 8 of `progressive:8`; of any other policy 0, as nothing is ever split."""
    if not is_progressive(grouping):
        return 0
    return int(grouping.partition(":")[2] or classes)


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
