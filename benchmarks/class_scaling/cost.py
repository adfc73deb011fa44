"""Measure the cost of a class: parameters, saved activations, memory and time of a training step, for 8 to 150 classes.

    python -m benchmarks.class_scaling cost                      # writes benchmarks/results/class_cost.json
    python -m benchmarks.class_scaling cost widths=quick parts=estimate,stage

Parts: estimate (parameters, saved activations, memory and operations of a whole step, of the real networks on torch's
meta device), stage (the local stage alone, forward and backward, timed) and step (a whole training step, timed, with
its peak memory). Times are ratios to the same with 8 classes, measured in turns within one process. Every result is
saved as soon as it is computed, and the same command resumes; to measure again, delete class_cost.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from benchmarks.class_scaling import cells, cost_report, plots, timing
from benchmarks.class_scaling.cells import ARMS, CLASSES, WIDTHS, Cell
from benchmarks.jobs import Budget, Job, Table
from benchmarks.measure import device_of
from benchmarks.script import CHECKOUT, RESULTS, command_line, output, read_settings
from composegan.config.lists import names_in, numbers_in
from composegan.errors import UserError
from composegan.planning.budget import bytes_in
from composegan.planning.cost import Cost, cost_of
from composegan.plugin.fields import number
from composegan.runtime.memory import keep_freed_memory

PARTS = ("estimate", "stage", "step")


@dataclass
class CostConfig:
    parts: str = "all"  # estimate, stage, step
    widths: str = "all"  # networks: paper256 (the paper's, at 256x256), quick (the quick recipe's, at 64x64)
    arms: str = "all"  # loop, bank, merged, grouped, presence, routed
    classes: str = "8,13,19,30,66,150"  # numbers of classes; ratios are to 8
    batch: int = number(1, least=1)  # pictures in a timed step or stage of paper256; quick has its recipe's
    estimate_batch: int = number(4, least=1)  # pictures in an estimate of paper256: a batch of 32 on 8 devices
    stage_repeats: int = number(5, least=1)  # repetitions of the local stage
    repeats: int = number(1, least=1)  # repetitions of a step of paper256; five times as many of quick
    memory: str = "10GB"  # limit of a timed step with its reference; what needs more is only estimated
    minutes: float = number(600.0, least=0)  # limit of the whole study; the same command resumes
    threads: int = number(0, least=0)  # CPU threads; 0: torch's default; 1: measures CPU time, not wall-clock time
    device: str = ""  # cuda or cpu; empty: cuda if there is one
    out: str = ""  # file to write, with a CSV beside it; empty: benchmarks/results/class_cost.json
    plot: str = ""  # file of the plot; empty: docs/images/class_scaling.png


def main(arguments: Sequence[str]) -> None:
    config = read_settings(CostConfig, arguments, "class_scaling cost")
    parts, widths = names_in(config.parts, PARTS, "parts"), names_in(config.widths, WIDTHS, "widths")
    arms, numbers = names_in(config.arms, list(ARMS), "arms"), numbers_in(config.classes, "classes", most=255)
    if not (parts and widths and arms and numbers):
        raise UserError("parts=, widths=, arms= and classes=: at least one of each is needed")
    if unknown := sorted(set(numbers) - set(CLASSES)):
        raise UserError(f"classes={config.classes}: {unknown[0]} is not in the study; there are {CLASSES}")
    if config.threads:
        torch.set_num_threads(config.threads)
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    device = device_of(config.device)
    batch = {"paper256": config.batch, "quick": cells.config_of(Cell("quick", "bank", 8, 8)).training.batch}
    estimate_batch = {**batch, "paper256": config.estimate_batch}
    settings = {
        "batch": batch, "estimate batch": estimate_batch, "device": device.type,
        "turns": {"stage": config.stage_repeats, "step": config.repeats}, "groups": cells.GROUPS,
        "mask rank": cells.MASK_RANK, "classes in a picture": cells.PRESENT, "classes in a patch": cells.A_PATCH,
    }  # fmt: skip
    out = output(config.out, RESULTS / "class_cost.json")
    table = Table(out, command_line("class_scaling cost", arguments), settings)
    most = bytes_in(config.memory, "memory")
    jobs = []
    for part in parts:
        for width in reversed(widths):  # the small ones first
            for cell in distinct(width, arms, numbers, (estimate_batch if part == "estimate" else batch)[width]):
                if part == "estimate" or cell != cell.reference.same:
                    jobs.append(Job(f"{part} {cell.name}", partial(ROWS[part], cell, config, device, most), seconds=0))
    table.fill(jobs, Budget(config.minutes))
    known = cost_report.write(table)
    written = [table.path, table.path.with_suffix(".csv")]
    if plots.available():
        written.append(output(config.plot, CHECKOUT / "docs" / "images" / "class_scaling.png"))
        plots.cost(known, written[-1])
    for path in written:
        print(f"wrote {path}")
    if table.waiting:
        print(f"{len(table.waiting)} results are missing after {config.minutes:g} minutes; the same command resumes")


def distinct(widths: str, arms: list[str], numbers: list[int], batch: int) -> list[Cell]:
    """The cells to measure, without those that are the same as another."""
    found = (Cell(widths, arm, classes, batch) for classes in numbers for arm in arms)
    return list(dict.fromkeys(cell.same for cell in found))


def estimate_row(cell: Cell, config: CostConfig, device: torch.device, most: int) -> dict[str, Any]:
    return vars(estimated(cell))


def stage_row(cell: Cell, config: CostConfig, device: torch.device, most: int) -> dict[str, Any]:
    return timing.time_stage(cell, config.stage_repeats, device)


def step_row(cell: Cell, config: CostConfig, device: torch.device, most: int) -> dict[str, Any]:
    """Timed, unless it needs more memory than allowed."""
    needed = estimated(cell).memory + estimated(cell.reference).memory
    if needed > most:
        return {"not run": f"needs {needed / 1e9:.1f} GB"}
    return timing.time_step(cell, config.repeats * (5 if cell.widths == "quick" else 1), device)


ROWS = {"estimate": estimate_row, "stage": stage_row, "step": step_row}


def estimated(cell: Cell) -> Cost:
    """The cost of a step on torch's meta device, without running it."""
    return cost_of(cells.config_of(cell), *cells.networks(cell, "meta"), cell.batch, cells.class_sets(cell))
