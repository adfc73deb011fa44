"""What a person has: memory, parameters, groups; and whether a plan is within it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict

from composegan.config.errors import UserError
from composegan.config.schema import BudgetConfig, Config
from composegan.domain import DomainSpec
from composegan.grouping.plan import GroupingPlan

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "": 10**9}


def bytes_in(text: str, key: str) -> int:
    """`24GB`, `800 MB`, or a plain number of gigabytes. Raises UserError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]B)?\s*", text, re.IGNORECASE)
    if not found or float(found[1]) <= 0:
        raise UserError(f"{key}={text}: an amount of memory is needed, as in {key}=24GB")
    return round(float(found[1]) * UNITS[(found[2] or "").upper()])


def is_set(budget: BudgetConfig) -> bool:
    """Whether anything is limited."""
    return any(value is not None for value in asdict(budget).values())


def within(config: Config, spec: DomainSpec, batch: int) -> Callable[[GroupingPlan], bool] | None:
    """Whether a plan is within `config.budget`, with `batch` pictures on a device; None where nothing is limited.

    Raises UserError for an amount that is none.
    """
    budget = config.budget
    if not is_set(budget):
        return None
    memory = bytes_in(budget.memory, "budget.memory") if budget.memory else None

    def fits(plan: GroupingPlan) -> bool:
        if budget.groups is not None and len(plan.groups) > budget.groups:
            return False
        if memory is None and budget.parameters is None:
            return True
        from composegan.grouping.cost import estimate

        cost = estimate(config, spec, plan, batch)
        too_many = budget.parameters is not None and cost.generator > budget.parameters * 1e6
        return not too_many and (memory is None or cost.memory <= memory)

    return fits
