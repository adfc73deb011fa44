"""Plans from the domain's categories, and which words the setting `grouping` knows. Standard library only."""

from __future__ import annotations

import re
from typing import Any

from composegan.errors import UserError, nearest
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

POLICIES = ("per_class", "single", "taxonomy", "affinity", "progressive")
"""Words that the setting knows by itself; others are those of installed packages."""


def levels(spec: DomainSpec) -> int:
    """How deep the taxonomy is: 0 without categories."""
    return max(len([part for part in item.category.split("/") if part]) for item in spec.classes)


def taxonomy(spec: DomainSpec, level: int = 1) -> GroupingPlan:
    """Classes of the same category share, down to a level; a class without a category is by itself.

    Raises UserError when the domain has no such level.
    """
    deep = levels(spec)
    if not 1 <= level <= deep:
        has = f"{deep} level{'s' * (deep > 1)} of categories" if deep else "no categories"
        raise UserError(f"grouping=taxonomy:{level}: domain {spec.name!r} has {has}")
    groups: dict[Any, list[int]] = {}
    for index, item in enumerate(spec.classes):
        path = tuple(part for part in item.category.split("/") if part)[:level]
        groups.setdefault(path or index, []).append(index)
    return GroupingPlan(tuple(map(tuple, groups.values())))


def check_grouping(grouping: Any, spec: DomainSpec) -> None:
    """Raises UserError for a setting that no policy understands, before any data is looked at."""
    if isinstance(grouping, str) and (found := re.fullmatch(r"(taxonomy|affinity|progressive)(?::(.*))?", grouping)):
        if found[2] is not None and not re.fullmatch(r"[1-9]\d{0,3}", found[2]):
            raise UserError(f"grouping={grouping}: a number is needed, as in {found[1]}:4")
        if found[1] == "progressive" and int(found[2] or 1) > len(spec.classes):
            most = len(spec.classes)
            raise UserError(f"grouping={grouping}: 1 to {most} groups, for {most} classes")
        if found[1] == "taxonomy":
            taxonomy(spec, int(found[2] or 1))
        return
    if isinstance(grouping, str) and grouping not in ("per_class", "single"):
        from composegan.plugin import registry
        from composegan.plugin.contracts import GROUPING

        name, known = grouping.partition(":")[0], registry.names(GROUPING)
        if name not in known:
            raise UserError(f"grouping={grouping}: {nearest(name, [*POLICIES, *known])} (or [[name,name],[name]])")
        registry.require(name, GROUPING)
        return
    GroupingPlan.parse(grouping, spec.names)
