"""The table of `composegan plan`: candidate plans with their cost, the chosen one, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composegan.config.compose import Composed
from composegan.config.schema import Config
from composegan.data.cache import cache_folder
from composegan.data.open import open_source
from composegan.data.statistics import ClassStatistics, class_statistics
from composegan.errors import UserError
from composegan.grouping.policies.affinity import distances, merges
from composegan.grouping.policies.taxonomy import levels, taxonomy, usual_groups
from composegan.grouping.propose import last_groups, propose, splitting_of
from composegan.planning import budget
from composegan.planning.budget import Limits, amount
from composegan.planning.cost import STEPS, Cost
from composegan.planning.measure import PASSES, Measured, device_of, free_memory, measure
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.runtime.console import aligned, print_line
from composegan.runtime.progress import progress_bar
from composegan.training.class_sets import class_sets_of, settle_class_sets


@dataclass(frozen=True)
class Row:
    """A plan with its cost. measured: the cost of real steps, None without `measure=on`; over: see `Limits.excess`."""

    name: str
    plan: GroupingPlan
    cost: Cost
    measured: Measured | None
    over: dict[str, str]


class Table:
    """Makes rows on demand. with_measure: run each plan on this machine as well."""

    def __init__(self, config: Config, spec: DomainSpec, statistics: ClassStatistics, with_measure: bool) -> None:
        self.config, self.spec, self.with_measure = config, spec, with_measure
        self.ladder = merges(distances(statistics))
        self.batch = config.training.batch // config.trainer.accumulate
        self.class_sets = class_sets_of(config, spec, statistics)
        seconds = (lambda plan: self.measured(plan).seconds) if with_measure else None
        self.limits = Limits(config, spec, self.batch, self.class_sets, seconds)
        self.done: Callable[[int], None] = lambda passes: None
        self._measured: dict[GroupingPlan, Measured] = {}

    def measured(self, plan: GroupingPlan) -> Measured:
        """The measured cost of a plan, cached. Raises UserError if its memory exceeds what is free."""
        if plan not in self._measured:
            needed, free = self.limits.cost(plan).memory, free_memory(device_of(self.config))
            if free is not None and needed > free:
                raise UserError(
                    f"measure=on: a step needs {amount(needed)} of memory, and {amount(free)} are free; "
                    "lower training.batch, or omit measure=on"
                )
            self._measured[plan] = measure(self.config, self.spec, plan, self.batch, self.class_sets, self.done)
        return self._measured[plan]

    def row(self, name: str, plan: GroupingPlan) -> Row:
        return Row(
            name, plan, self.limits.cost(plan), self.measured(plan) if self.with_measure else None,
            self.limits.excess(plan),
        )  # fmt: skip


def print_table(composed: Composed, with_measure: bool) -> None:
    """Print candidate plans with their cost, the plan that the settings choose, and why.

    Raises UserError for a budget that no plan meets, stating what the smallest plan needs, and for plans that do not
    fit in memory and should be measured.
    """
    config, spec = composed.config, composed.plugin.spec
    source, cache = open_source(composed.plugin, config.data), cache_folder(config.data)
    statistics = class_statistics(source, len(spec.classes), cache=cache, on_error=config.data.on_error)
    config, notes = settle_class_sets(config, spec, source)
    for note in notes:
        print_line(note)
    table = Table(config, spec, statistics, with_measure)
    plans = candidates(spec, table.ladder)
    chosen: tuple[str, GroupingPlan] | None = None
    refused: UserError | None = None
    title, ticks = ("Running plans", 1 + PASSES) if with_measure else ("Estimating", 1)
    with progress_bar(title, len(plans) * ticks) as done:
        table.done = done
        rows = []
        for name, plan in plans.items():
            rows.append(table.row(name, plan))
            done(1)
    splitting = splitting_of(config)
    try:
        if splitting:
            last = splitting.settle(config, spec, lambda config: Limits(config, spec, table.batch, table.class_sets))
            # The cost depends on the number of groups only.
            chosen = last.grouping, table.ladder[-last_groups(last, len(spec.classes))]
        else:
            plan = propose(config, spec, lambda: statistics, table.limits)
            chosen = name_of(config, plan), plan
    except UserError as error:
        refused = error
    if chosen and chosen[1] not in [row.plan for row in rows]:
        rows.append(table.row(*chosen))
    rows.sort(key=lambda row: -len(row.plan.groups))
    print("\n".join(lines(rows, table.batch, budget.is_set(config.budget))))
    print("\n".join(["", *differences(rows), *about_class_sets(table)]))
    if refused or chosen is None:
        raise refused or UserError("no plan was chosen")
    within = " within the budget" if budget.is_set(config.budget) else ""
    if splitting:
        groups_in_words = [
            f"{splitting.describe(last)};",
            f"the cost grows from that of single to that of {last.grouping}",
        ]
    else:
        print(why(table, *chosen))
        groups = chosen[1].to_names(spec.names)
        alone = len(groups) == len(spec.names)
        groups_in_words = ["each class by itself"] if alone else [", ".join(group) for group in groups]
    print(f"grouping={config.grouping}{within} means:")
    print("\n".join(f"  {line}" for line in groups_in_words))


def candidates(spec: DomainSpec, ladder: list[GroupingPlan]) -> dict[str, GroupingPlan]:
    """The plans of the table by name. ladder: the plans of `merges`, from K groups down to one."""
    found = {"per_class": GroupingPlan.per_class(len(spec.classes))}
    found |= {f"taxonomy:{level}": taxonomy(spec, level) for level in range(levels(spec), 0, -1)}
    for groups in sorted({len(ladder) * 2 // 3, usual_groups(spec), len(ladder) // 2, len(ladder) // 4}, reverse=True):
        if 1 < groups < len(ladder):
            found[f"affinity:{groups}"] = ladder[len(ladder) - groups]
    return found | {"single": GroupingPlan.single(len(spec.classes))}


def name_of(config: Config, plan: GroupingPlan) -> str:
    """The value of `grouping=` that gives the plan the settings choose."""
    if len(plan.groups) == plan.classes:
        return "per_class"
    if config.grouping == "affinity":
        return f"affinity:{len(plan.groups)}"
    return config.grouping if isinstance(config.grouping, str) else "as listed"


def why(table: Table, name: str, plan: GroupingPlan) -> str:
    """The chosen plan and the reason, in one line."""
    config, limits, groups = table.config, table.limits, len(plan.groups)
    given = budget.in_words(config.budget)
    if config.grouping != "affinity":
        return f"chosen: {name}, as given" + (f"; within {given}: {limits.needs(plan)}" if given else "")
    if not given:
        rule = "the taxonomy has" if levels(table.spec) else "a third of the classes"
        return f"chosen: {name}; without a budget, as many groups as {rule}"
    if groups == len(table.ladder):
        return f"chosen: {name}, a group for every class, which is within {given}: {limits.needs(plan)}"
    over = limits.excess(table.ladder[len(table.ladder) - groups - 1])
    return (
        f"chosen: {name}, the most groups of similar classes within {given}: {limits.needs(plan)}; "
        f"{groups + 1} groups would need {', '.join(over.values())}"
    )


def about_class_sets(table: Table) -> list[str]:
    """A line on how many classes the pictures of the estimates have, unless they have all."""
    if table.class_sets is None:
        return []
    mean = (table.class_sets.sets.sum(dim=1) * table.class_sets.counts).sum() / table.class_sets.counts.sum()
    total = len(table.spec.classes)
    return [
        f"training.class_sets=data: {mean:.1f} of {total} classes per picture; costs of the fullest of {STEPS:,} steps"
    ]


def differences(rows: list[Row]) -> list[str]:
    """The largest deviations of the estimates from the measurements, in one line."""
    measured = [(row.cost, row.measured) for row in rows if row.measured]
    if not measured:
        return []
    kinds = {"parameters": "generator", "saved activations": "saved_local", "memory": "memory"}
    found = []
    for words, key in kinds.items():
        off = max(abs(getattr(cost, key) / getattr(real, key) - 1) for cost, real in measured)
        found.append(f"{words} {off:.1%}")
    return [f"estimates differ from measurements by at most: {', '.join(found)}"]


def lines(rows: list[Row], batch: int, limited: bool) -> list[str]:
    """The table, a line per plan; operations relative to the first plan. limited: whether there is a budget."""
    first = rows[0].cost
    header = ["grouping", "groups", "generator", "local", "saved/sample", f"memory (batch {batch})", "operations"]
    header += ["measured: saved/sample", "memory", "ms/step"] * bool(rows[0].measured)
    table = [header + ["within budget"] * limited]
    for row in rows:
        c, m = row.cost, row.measured
        cells = [
            row.name, str(len(row.plan.groups)), f"{c.generator / 1e6:.2f} M", f"{c.local / 1e6:.3f} M",
            amount(c.saved_local), amount(c.memory), f"{c.flops / first.flops:.3f}",
        ]  # fmt: skip
        if m:
            cells += [amount(m.saved_local), amount(m.memory), f"{m.seconds * 1e3:,.0f}"]
        if limited:
            cells.append("no: " + ", ".join(row.over.values()) if row.over else "yes")
        table.append(cells)
    return aligned(table)
