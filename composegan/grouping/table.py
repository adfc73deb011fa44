"""The table of `composegan plan`."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from composegan.config.compose import Composed
from composegan.data.open import cache_folder, open_source
from composegan.data.progress import progress_bar
from composegan.data.statistics import class_statistics
from composegan.grouping.affinity import distances, merges
from composegan.grouping.budget import is_set, within
from composegan.grouping.cost import Cost, cost_of, estimate
from composegan.grouping.plan import GroupingPlan
from composegan.grouping.policies import propose, usual_groups
from composegan.grouping.scheduler import in_words, is_progressive, last_groups, settled
from composegan.grouping.taxonomy import levels, taxonomy
from composegan.training.build import build


@dataclass(frozen=True)
class Row:
    """seconds, measured: of a step on this machine, and what it then counted; None where that was not asked for."""

    name: str
    plan: GroupingPlan
    cost: Cost
    measured: Cost | None = None
    seconds: float | None = None


def print_table(composed: Composed, measure: bool) -> None:
    """Print candidate plans with their cost, and the one that the arguments choose.

    Raises UserError for a budget that no plan meets, saying what the smallest needs.
    """
    config, spec = composed.config, composed.plugin.spec
    source = open_source(composed.plugin, config.data)
    statistics = class_statistics(
        source, len(spec.classes), cache=cache_folder(config.data), on_error=config.data.on_error
    )
    batch = config.training.batch
    ladder = merges(distances(statistics))
    plans = candidates(spec, ladder)
    if is_progressive(config.grouping):
        last = settled(config, spec, batch)  # its cost is that of so many groups, whoever will be in them
        plans.setdefault(last.grouping, ladder[-last_groups(last.grouping, len(ladder))])
        plans["single"] = plans.pop("single")  # the cheapest stays the last line
    with progress_bar("Estimating" + " and measuring" * measure, len(plans)) as done:
        rows = []
        for name, plan in plans.items():
            rows.append(_row(config, spec, name, plan, batch, measure))
            done(1)
    print("\n".join(lines(rows, batch)))
    if is_progressive(config.grouping):
        said = [f"{in_words(last)};", f"it begins at the cost of single and ends at that of {last.grouping}"]
    else:
        chosen = propose(config.grouping, spec, lambda: statistics, within(config, spec, batch))
        said = [", ".join(group) for group in chosen.to_names(spec.names)]
    print(f"\ngrouping={config.grouping}" + (" within the budget" if is_set(config.budget) else "") + " means:")
    print("\n".join(f"  {line}" for line in said))


def candidates(spec, ladder: list[GroupingPlan]) -> dict[str, GroupingPlan]:
    """The plans of the table by name. ladder: of `merges`."""
    found = {"per_class": GroupingPlan.per_class(len(spec.classes))}
    found |= {f"taxonomy:{level}": taxonomy(spec, level) for level in range(levels(spec), 0, -1)}
    for groups in sorted({len(ladder) * 2 // 3, usual_groups(spec), len(ladder) // 2, len(ladder) // 4}, reverse=True):
        if 1 < groups < len(ladder):
            found[f"affinity:{groups}"] = ladder[len(ladder) - groups]
    return found | {"single": GroupingPlan.single(len(spec.classes))}


def lines(rows: list[Row], batch: int) -> list[str]:
    """The table: a line a plan, each figure beside the first plan's."""
    first = rows[0].cost
    header = ["grouping", "groups", "generator", "local", "saved/sample", f"step memory (batch {batch})", "operations"]
    table = [header + ["measured memory", "s/step"] * (rows[0].seconds is not None)]
    for row in rows:
        c = row.cost
        cells = [
            row.name, str(len(row.plan.groups)), f"{c.generator / 1e6:.2f} M", f"{c.local / 1e6:.3f} M",
            f"{c.saved_local / 1e6:.1f} MB", f"{c.memory / 1e9:.2f} GB", f"{c.flops / first.flops:.3f}",
        ]  # fmt: skip
        if row.measured:
            cells += [f"{row.measured.memory / 1e9:.2f} GB", f"{row.seconds:.2f}"]
        table.append(cells)
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]


def _row(config, spec, name: str, plan: GroupingPlan, batch: int, measure: bool) -> Row:
    row = Row(name, plan, estimate(config, spec, plan, batch))
    if not measure:
        return row
    networks = [n.to("cuda" if torch.cuda.is_available() else "cpu") for n in build(config, spec, plan)]
    cost_of(config, *networks, batch)  # the first time there is more to do
    start = time.perf_counter()
    measured = cost_of(config, *networks, batch)
    return Row(name, plan, row.cost, measured, time.perf_counter() - start)
