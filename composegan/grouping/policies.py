"""From the setting `grouping` to a plan: by name, by the taxonomy, or by what the data shows, within a budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from composegan.data.statistics import ClassStatistics
from composegan.errors import UserError
from composegan.grouping.affinity import distances, merges
from composegan.grouping.installed import propose_by
from composegan.grouping.taxonomy import POLICIES, levels, taxonomy
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.planning.budget import Limits


def propose(
    grouping: Any, spec: DomainSpec, statistics: Callable[[], ClassStatistics], fits: Limits | None = None
) -> GroupingPlan:
    """The plan that the setting means.

    statistics: measures the data when a policy asks for it; fits: whether a plan is within the budget, None without
    one. `affinity` takes the plan with the most groups that fits; without a budget as many groups as the taxonomy has,
    or a third of the classes where there is none. `affinity:8` and `taxonomy:2` say the number and the level.
    Raises UserError for a policy that does not go with this domain, or a budget that the plan, or no plan, meets.
    """
    policy, _, number = grouping.partition(":") if isinstance(grouping, str) else (None, "", "")
    if policy and policy not in POLICIES:
        return propose_by(policy, number, spec, statistics, fits)
    if policy == "affinity":
        plans = merges(distances(statistics()))  # of K groups down to one
        if not number:
            return plans[len(plans) - usual_groups(spec)] if fits is None else most_groups(plans, fits)
        if not 1 <= int(number) <= len(plans):
            raise UserError(f"grouping={grouping}: 1 to {len(plans)} groups, for {len(plans)} classes")
        plan = plans[len(plans) - int(number)]
    elif policy == "taxonomy":
        plan = taxonomy(spec, int(number or 1))
    else:
        plan = GroupingPlan.parse(grouping, spec.names)
    if fits is not None and (over := fits.excess(plan)):
        what = f"grouping={grouping}" if policy else "the given grouping"
        raise UserError(
            f"{', '.join(over)}: {what} needs {', '.join(over.values())}; grouping=affinity takes as many as fit"
        )
    return plan


def most_groups(plans: list[GroupingPlan], fits: Limits) -> GroupingPlan:
    """The plan with the most groups that fits. plans: of ever fewer groups, each cheaper than the one before.

    Raises UserError when neither the first nor the last does, saying what the smaller of them needs.
    """
    low, high = 0, len(plans) - 1
    if fits(plans[low]):
        return plans[low]
    if not fits(plans[high]):
        raise fits.refusal(plans)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(plans[middle]) else (middle + 1, high)
    return plans[low]


def usual_groups(spec: DomainSpec) -> int:
    """How many groups are taken when nobody says: as the taxonomy has, or a third of the classes."""
    if levels(spec):
        return len(taxonomy(spec, 1).groups)
    return max(1, round(len(spec.classes) / 3))
