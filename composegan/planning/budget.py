"""Budgets (memory, parameters, milliseconds, groups), and whether a plan fits one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from composegan.config.schema import BudgetConfig, Config
from composegan.errors import UserError
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.networks.class_sets import ClassSets
    from composegan.planning.cost import Cost

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "": 10**9}


def bytes_in(text: str, key: str) -> int:
    """`24GB`, `800 MB`, or a plain number of gigabytes. Raises UserError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]B)?\s*", text, re.IGNORECASE)
    if not found or float(found[1]) <= 0:
        raise UserError(f"{key}={text}: an amount of memory is needed, as in {key}=24GB")
    return round(float(found[1]) * UNITS[(found[2] or "").upper()])


def is_set(budget: BudgetConfig) -> bool:
    """Whether any limit is set."""
    return any(value is not None for value in asdict(budget).values())


def in_words(budget: BudgetConfig) -> str:
    """The limits as written on a command line."""
    return " ".join(f"budget.{key}={value}" for key, value in asdict(budget).items() if value is not None)


class Limits:
    """A budget: calling it with a plan returns whether the plan fits.

    batch: pictures per device; class_sets: as for `composegan.planning.cost.estimate`; seconds: measures a step with a
    plan, as `budget.milliseconds` requires. Raises UserError for `budget.milliseconds` without it, and for an amount of
    memory that cannot be parsed.
    """

    def __init__(
        self,
        config: Config,
        spec: DomainSpec,
        batch: int,
        class_sets: ClassSets | None = None,
        seconds: Callable[[GroupingPlan], float] | None = None,
    ) -> None:
        self.config, self.spec, self.batch, self.class_sets, self.seconds = config, spec, batch, class_sets, seconds
        budget = config.budget
        self.memory = bytes_in(budget.memory, "budget.memory") if budget.memory else None
        if budget.milliseconds is not None and seconds is None:
            raise UserError(
                f"budget.milliseconds={budget.milliseconds:g}: must be measured; run `composegan plan ... measure=on` "
                "and pass the grouping that it prints to fit"
            )
        self._costs: dict[tuple[GroupingPlan, int], Cost] = {}

    @property
    def given(self) -> bool:
        """Whether any limit is set."""
        return is_set(self.config.budget)

    def __call__(self, plan: GroupingPlan) -> bool:
        return not self.excess(plan)

    def cost(self, plan: GroupingPlan, batch: int | None = None) -> Cost:
        """The estimated cost of a plan, cached. batch: pictures per device; None: the budget's own."""
        from composegan.planning.cost import estimate

        key = plan, batch or self.batch
        if key not in self._costs:
            self._costs[key] = estimate(self.config, self.spec, plan, key[1], self.class_sets)
        return self._costs[key]

    def milliseconds(self, plan: GroupingPlan) -> float:
        """The measured time of a step."""
        assert self.seconds is not None
        return self.seconds(plan) * 1e3

    def excess(self, plan: GroupingPlan) -> dict[str, str]:
        """The limits a plan exceeds: `budget.KEY=VALUE` -> what it needs, in words. Empty if it fits.

        Time is measured only if the plan meets all other limits.
        """
        found = {limit: need for limit, need, fits in self._estimates(plan) if not fits}
        most = self.config.budget.milliseconds
        if not found and most is not None and self.milliseconds(plan) > most:
            found[f"budget.milliseconds={most:g}"] = f"{self.milliseconds(plan):,.0f} ms per step"
        return found

    def needs(self, plan: GroupingPlan) -> str:
        """What a plan needs of everything that is limited, in words."""
        found = [need for _, need, _ in self._estimates(plan)]
        if self.config.budget.milliseconds is not None:
            found.append(f"{self.milliseconds(plan):,.0f} ms per step")
        return ", ".join(found)

    def _estimates(self, plan: GroupingPlan) -> Iterator[tuple[str, str, bool]]:
        """For each limit but the time: `budget.KEY=VALUE`, what the plan needs, in words, and whether that fits."""
        budget, groups = self.config.budget, len(plan.groups)
        if budget.groups is not None:
            yield f"budget.groups={budget.groups}", f"{groups} groups", groups <= budget.groups
        if budget.parameters is not None:
            millions = self.cost(plan).generator / 1e6
            yield (
                f"budget.parameters={budget.parameters:g}", f"{millions:.2f} M parameters",
                self.cost(plan).generator <= budget.parameters * 1e6,
            )  # fmt: skip
        if self.memory is not None:
            memory = self.cost(plan).memory
            yield f"budget.memory={budget.memory}", f"{amount(memory)} of memory", memory <= self.memory

    def refusal(self, plans: Sequence[GroupingPlan]) -> UserError:
        """The error for a budget that none of `plans` meets: what the smallest needs, and what would help."""
        smallest = min((plans[0], plans[-1]), key=lambda plan: (self.cost(plan).memory, len(plan.groups)))
        if not self.excess(smallest):  # small in memory, and too large in something else
            smallest = plans[-1]
        over = self.excess(smallest)
        groups = len(smallest.groups)
        which = "one group for all classes" if groups == 1 else f"{groups} groups"
        text = f"{', '.join(over)}: no plan meets it; the smallest, {which}, needs {', '.join(over.values())}"
        return UserError(text + self._smaller_batch(smallest))

    def _smaller_batch(self, plan: GroupingPlan) -> str:
        """The batch per device at which the plan would fit in memory, if memory is what it lacks."""
        if self.memory is None or self.cost(plan).memory <= self.memory:
            return ""
        batch = self.batch // 2
        while batch and self.cost(plan, batch).memory > self.memory:
            batch //= 2
        if not batch:
            return ""
        less = amount(self.cost(plan, batch).memory)
        return f"; with {batch} pictures per device instead of {self.batch} it needs {less}"


def amount(size: int) -> str:
    """Bytes in words, with three digits."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.{0 if size >= 100 * unit else 1 if size >= 10 * unit else 2}f} {name}"
    return f"{size / 1e3:.0f} KB"
