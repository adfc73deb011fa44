"""What a class costs: parameters, saved activations, memory and time of a training step, from 8 classes to 150.

    python -m benchmarks.class_scaling cost                      # writes benchmarks/results/class_cost.json
    python -m benchmarks.class_scaling cost widths=quick parts=estimate,stage

Parts: estimate (parameters, saved activations, memory and operations of a whole step, of the real networks on torch's
meta device), stage (the local stage alone, forward and backward, timed) and step (a whole training step, timed, its
memory counted). Times are ratios to the same with 8 classes, taken in turns in one process. Every figure is kept as
soon as it is there, and the same command goes on; to measure anew, delete class_cost.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.class_scaling import cost_report, timing
from benchmarks.class_scaling.cells import (
    A_PATCH,
    ARMS,
    CLASSES,
    GROUPS,
    MASK_RANK,
    PRESENT,
    WIDTHS,
    Cell,
    class_sets,
    config_of,
    networks,
)
from benchmarks.stage import Budget, Job, Table
from composegan.config.compose import read_arguments
from composegan.config.lists import names_in, numbers_in
from composegan.errors import UserError
from composegan.planning.budget import bytes_in
from composegan.planning.cost import cost_of
from composegan.runtime.memory import keep_freed_memory

CHECKOUT = Path(__file__).parents[2]
PARTS = ("estimate", "stage", "step")


@dataclass
class CostConfig:
    parts: str = "all"  # which: estimate, stage, step
    widths: str = "all"  # which networks: paper256 (the paper's, at 256x256), quick (the quick recipe's, at 64x64)
    arms: str = "all"  # which: loop, bank, grouped, presence, routed
    classes: str = "8,13,19,30,66,150"  # how many; 8 is what ratios are to
    batch: int = 1  # pictures in a timed step or stage of paper256; quick has its recipe's
    estimate_batch: int = 4  # pictures in an estimate of paper256; that of 32 on 8 devices
    stage_repeats: int = 5  # turns of the local stage
    repeats: int = 1  # turns of a step of paper256; quick takes five times as many
    memory: str = "10GB"  # of a timed step and its reference at most; what needs more is only estimated
    minutes: float = 600.0  # to work at most; the same command goes on
    threads: int = 0  # CPU threads; 0: torch's choice; 1: seconds are those of the processor, whatever else runs
    device: str = ""  # cuda or cpu; empty: cuda where there is one
    out: str = str(CHECKOUT / "benchmarks" / "results" / "class_cost.json")  # file of figures; a CSV is put beside it
    plot: str = str(CHECKOUT / "docs" / "images" / "class_scaling.png")  # file of the plot


def main(arguments: Sequence[str]) -> None:
    config = read_arguments(CostConfig, arguments, see="the head of benchmarks/class_scaling/cost.py")
    parts, widths = names_in(config.parts, PARTS, "parts"), names_in(config.widths, WIDTHS, "widths")
    arms, numbers = names_in(config.arms, list(ARMS), "arms"), numbers_in(config.classes, "classes", most=255)
    if not (parts and widths and arms and numbers):
        raise UserError("parts=, widths=, arms= and classes=: at least one of each is needed")
    if strange := sorted(set(numbers) - set(CLASSES)):
        raise UserError(f"classes={config.classes}: {strange[0]} is not in the study; there are {CLASSES}")
    if config.threads:
        torch.set_num_threads(config.threads)
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    device = torch.device(config.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    batch = {"paper256": config.batch, "quick": config_of(Cell("quick", "bank", 8, 8)).training.batch}
    settings = {
        "batch": batch, "estimate batch": {**batch, "paper256": config.estimate_batch}, "device": device.type,
        "turns": {"stage": config.stage_repeats, "step": config.repeats}, "groups": GROUPS, "mask rank": MASK_RANK,
        "classes in a picture": PRESENT, "classes in a patch": A_PATCH,
    }  # fmt: skip
    table = Table(Path(config.out), " ".join(["composegan bench class_scaling cost", *arguments]), settings)
    most = bytes_in(config.memory, "memory")
    jobs = []
    for part in parts:
        for width in reversed(widths):  # the small ones first
            for cell in cells(
                width, arms, numbers, settings["estimate batch" if part == "estimate" else "batch"][width]
            ):
                if part == "estimate" or cell != cell.reference.same:
                    jobs.append(Job(f"{part} {cell.name}", partial(ROWS[part], cell, config, device, most), seconds=0))
    table.fill(jobs, Budget(config.minutes))
    for path in cost_report.write(table, Path(config.plot)):
        print(f"wrote {path}")
    if table.waiting:
        print(f"not done in {config.minutes:g} minutes: {len(table.waiting)} figures; the same command goes on")


def cells(widths: str, arms: list[str], numbers: list[int], batch: int) -> list[Cell]:
    """What has to be run: without those that are another by construction."""
    found = (Cell(widths, arm, classes, batch) for classes in numbers for arm in arms)
    return list(dict.fromkeys(cell.same for cell in found))


def estimate_row(cell: Cell, config: CostConfig, device: torch.device, most: int) -> dict[str, Any]:
    return vars(estimated(cell))


def stage_row(cell: Cell, config: CostConfig, device: torch.device, most: int) -> dict[str, Any]:
    return timing.time_stage(cell, config.stage_repeats, device)


def step_row(cell: Cell, config: CostConfig, device: torch.device, most: int) -> dict[str, Any]:
    """Timed, unless it is more than the memory allows."""
    needed = estimated(cell).memory + estimated(cell.reference).memory
    if needed > most:
        return {"not run": f"needs {needed / 1e9:.1f} GB"}
    return timing.time_step(cell, config.repeats * (5 if cell.widths == "quick" else 1), device)


ROWS = {"estimate": estimate_row, "stage": stage_row, "step": step_row}


def estimated(cell: Cell) -> Any:
    """A `Cost`, without running anything for real."""
    return cost_of(config_of(cell), *networks(cell, "meta"), cell.batch, class_sets(cell))
