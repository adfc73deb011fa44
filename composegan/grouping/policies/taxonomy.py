"""`grouping=taxonomy`, `grouping=taxonomy:2`: classes of the same category share, down to a level."""

from __future__ import annotations

from typing import Any

from composegan.errors import UserError
from composegan.grouping.count import count_in
from composegan.plugin.contracts import GroupingPolicy
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def levels(spec: DomainSpec) -> int:
    """The depth of the domain's taxonomy: 0 without categories."""
    return max(len(_path(item.category)) for item in spec.classes)


def taxonomy(spec: DomainSpec, level: int = 1) -> GroupingPlan:
    """The plan by category down to a level, from 1; a class without a category is a group of its own.

    Raises UserError if the domain has no such level.
    """
    deepest = levels(spec)
    if not 1 <= level <= deepest:
        has = f"{deepest} level{'s' * (deepest > 1)} of categories" if deepest else "no categories"
        raise UserError(f"grouping=taxonomy:{level}: domain {spec.name!r} has {has}")
    groups: dict[Any, list[int]] = {}
    for index, item in enumerate(spec.classes):
        groups.setdefault(_path(item.category)[:level] or index, []).append(index)
    return GroupingPlan(tuple(map(tuple, groups.values())))


def usual_groups(spec: DomainSpec) -> int:
    """The number of groups without a budget: as many as the taxonomy has, or a third of the classes without one."""
    return len(taxonomy(spec).groups) if levels(spec) else max(1, round(len(spec.classes) / 3))


def propose(spec: DomainSpec, argument: str, *_: Any) -> GroupingPlan:
    """The plan down to the level that the argument names, by default 1."""
    return taxonomy(spec, count_in("taxonomy", argument) or 1)


def check(spec: DomainSpec, argument: str) -> None:
    """Raise UserError for an argument that is not a level of the domain's taxonomy."""
    propose(spec, argument)


def _path(category: str) -> tuple[str, ...]:
    return tuple(part for part in category.split("/") if part)


policy = GroupingPolicy(propose=propose, check=check)
