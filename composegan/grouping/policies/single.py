"""`grouping=single`: one generator for all classes."""

from __future__ import annotations

from typing import Any

from composegan.grouping.count import no_argument
from composegan.plugin.contracts import GroupingPolicy
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def propose(spec: DomainSpec, argument: str, *_: Any) -> GroupingPlan:
    """One group."""
    return GroupingPlan.single(len(spec.classes))


policy = GroupingPolicy(propose=propose, check=no_argument("single"), keeps_name=True)
