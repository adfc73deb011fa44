"""The number of groups: from a policy's argument, or as many as a budget allows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from composegan.errors import UserError
from composegan.plugin.contracts import Budget
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def count_in(policy: str, argument: str, most: int | None = None) -> int | None:
    """The number after the colon of `grouping=policy:argument`, 1 to `most`; None without an argument.

    Raises UserError for anything else.
    """
    if not argument:
        return None
    if not re.fullmatch(r"[1-9]\d{0,3}", argument):
        raise UserError(f"grouping={policy}:{argument}: a number is needed, as in {policy}:4")
    if most is not None and int(argument) > most:
        raise UserError(f"grouping={policy}:{argument}: 1 to {most} groups, for {most} classes")
    return int(argument)


def no_argument(policy: str) -> Callable[[DomainSpec, str], None]:
    """The check of a policy that has no argument."""

    def check(spec: DomainSpec, argument: str) -> None:
        if argument:
            raise UserError(f"grouping={policy}:{argument}: {policy} has no argument; write grouping={policy}")

    return check


def most_groups(plans: Sequence[GroupingPlan], budget: Budget) -> GroupingPlan:
    """The plan with the most groups that is within the budget. plans: each with fewer groups and cheaper than the last.

    Raises UserError if neither the first nor the last plan is, saying what the smaller one needs.
    """
    low, high = 0, len(plans) - 1
    if budget(plans[low]):
        return plans[low]
    if not budget(plans[high]):
        raise budget.refusal(plans)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if budget(plans[middle]) else (middle + 1, high)
    return plans[low]
