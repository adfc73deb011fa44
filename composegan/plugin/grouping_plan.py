"""Which classes share a generator: a partition of the vocabulary. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from composegan.errors import UserError, nearest


@dataclass(frozen=True)
class GroupingPlan:
    """An immutable partition of K classes (label values 0..K-1) into G groups that share generator weights.

    groups: the members of each group, sorted (members ascending, groups by their smallest member), so that equal
        partitions are equal plans with equal hashes.
    Raises UserError for an empty group, and for a class that is in two groups or in none.
    """

    groups: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        groups = sorted(tuple(sorted(group)) for group in self.groups)
        object.__setattr__(self, "groups", tuple(groups))
        members = Counter(member for group in groups for member in group)
        if not members or () in groups:
            raise UserError("grouping: a group is empty; each needs at least one class")
        for index, count in members.items():
            if count > 1:
                raise UserError(f"grouping: class {index} is in more than one group; each belongs to exactly one")
        for index in range(len(members)):
            if index not in members:
                raise UserError(f"grouping: class {index} is in no group; each belongs to exactly one")

    @classmethod
    def per_class(cls, classes: int) -> GroupingPlan:
        """A generator for every class, as in the paper: G = K = `classes`."""
        return cls(tuple((index,) for index in range(classes)))

    @classmethod
    def single(cls, classes: int) -> GroupingPlan:
        """One generator for all `classes`: G = 1."""
        return cls((tuple(range(classes)),))

    @classmethod
    def from_names(cls, lists: Any, names: Sequence[str]) -> GroupingPlan:
        """The plan of lists of class names. names: all classes in label order.

        Raises UserError for anything but lists of names, an unknown name (offering the nearest), an empty group, and a
        name given twice or left out.
        """
        if not isinstance(lists, (list, tuple)) or not all(
            isinstance(group, (list, tuple)) and all(isinstance(name, str) for name in group) for group in lists
        ):
            raise UserError(f"grouping={lists}: the name of a policy or a list of lists of class names is needed")
        given = [name for group in lists for name in group]
        if given and not set(given) & set(names):
            mine, own = (", ".join(some[:4]) + ", ..." * (len(some) > 4) for some in (given, list(names)))
            raise UserError(f"grouping: is a plan for other classes ({mine}); these are {own}")
        for name in given:
            if name not in names:
                raise UserError(f"grouping: there is no class {name!r}; {nearest(name, names)}")
            if given.count(name) > 1:
                raise UserError(f"grouping: class {name!r} is given twice; each belongs to exactly one group")
        missing = [name for name in names if name not in given]
        if missing:
            raise UserError(f"grouping: no group has {', '.join(map(repr, missing))}; each class belongs to one")
        return cls(tuple(tuple(names.index(name) for name in group) for group in lists))

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return sum(map(len, self.groups))

    @property
    def group_of(self) -> tuple[int, ...]:
        """The group of each class: K numbers in 0..G-1."""
        group_of = {member: group for group, members in enumerate(self.groups) for member in members}
        return tuple(group_of[member] for member in range(self.classes))

    def to_names(self, names: Sequence[str]) -> list[list[str]]:
        """The groups as lists of class names; `from_names` gives back an equal plan."""
        return [[names[member] for member in group] for group in self.groups]

    def to_json(self) -> list[list[int]]:
        """Plain lists, for JSON, YAML and checkpoints."""
        return [list(group) for group in self.groups]

    @classmethod
    def from_json(cls, value: Any) -> GroupingPlan:
        """What `to_json` gave. Raises UserError for anything else."""
        if not isinstance(value, (list, tuple)) or not all(
            isinstance(group, (list, tuple)) and all(type(member) is int and member >= 0 for member in group)
            for group in value
        ):
            raise UserError(f"grouping: lists of class numbers are needed, found {value!r}")
        return cls(tuple(tuple(group) for group in value))

    @classmethod
    def from_group_of(cls, group_of: Sequence[int]) -> GroupingPlan:
        """The plan in which class k is in group `group_of[k]`, 0..G-1."""
        return cls(tuple(tuple(k for k, own in enumerate(group_of) if own == g) for g in range(max(group_of) + 1)))


@dataclass(frozen=True)
class Split:
    """One group split in two: the plan after it, the group's members, its two parts and their conflict (0 to 1)."""

    plan: GroupingPlan
    members: tuple[int, ...]
    halves: tuple[tuple[int, ...], tuple[int, ...]]
    conflict: float
