"""`grouping=per_class`: a generator for every class, as in the paper."""

from __future__ import annotations

from typing import Any

from composegan.grouping.count import no_argument
from composegan.plugin.contracts import GroupingPolicy
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def propose(spec: DomainSpec, argument: str, *_: Any) -> GroupingPlan:
    """As many groups as classes."""
    return GroupingPlan.per_class(len(spec.classes))


policy = GroupingPolicy(propose=propose, check=no_argument("per_class"), keeps_name=True)
