"""A plan by the grouping policy of an installed package."""

from __future__ import annotations

from collections.abc import Callable

from composegan.data.statistics import ClassStatistics
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import GROUPING
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def propose_by(
    name: str,
    argument: str,
    spec: DomainSpec,
    statistics: Callable[[], ClassStatistics],
    fits: Callable[[GroupingPlan], bool] | None,
) -> GroupingPlan:
    """The plan of the policy `name`; arguments as in `composegan.plugin.contracts.GroupingPolicy`, fits None without budget.

    Raises UserError for a policy that cannot be used or fails, and for a plan that is not within the budget.
    """
    found = registry.require(name, GROUPING)
    with found.answering() as policy:
        plan = policy.propose(spec, argument, statistics, fits or (lambda plan: True))
        if not isinstance(plan, GroupingPlan) or plan.classes != len(spec.classes):
            raise TypeError(f"it gives {plan!r}; a GroupingPlan of the {len(spec.classes)} classes is needed")
    if fits and not fits(plan):
        raise UserError(f"budget: the plan of grouping={name} has {len(plan.groups)} groups, which do not meet it")
    return plan
