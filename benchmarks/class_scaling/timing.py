"""Time real training steps and local stages, in turns with the cell that they are compared with."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.class_scaling.cells import Cell, class_sets, config_of, networks
from benchmarks.measure import interleaved
from benchmarks.networks import TimedStep, draw_codes
from composegan.planning.cost import parameters_of
from composegan.planning.measure import allocations
from composegan.training.step import run_phase


def time_step(cell: Cell, repeats: int, device: torch.device) -> dict[str, Any]:
    """A row: seconds of an average step, its ratio to the reference, and the peak memory of both."""
    steps = [step_of(one, device) for one in (cell, cell.reference)]
    peaks = [peak_of(step) for step in steps]
    for step in steps:
        step.seconds()
    turns = [[step.seconds() for step in steps] for _ in range(repeats)]
    return {**ratio_of(turns), "peak": peaks[0], "reference peak": peaks[1]}


def time_stage(cell: Cell, repeats: int, device: torch.device) -> dict[str, Any]:
    """A row: the local stage alone, forward and backward, and its ratio to the reference."""
    stages = {"cell": stage(cell, device), "reference": stage(cell.reference, device)}
    return ratio_of(list(zip(*interleaved(stages, repeats, device).values(), strict=True)))


def ratio_of(turns: list[Any]) -> dict[str, Any]:
    """Medians of the (cell, reference) seconds of each turn, and of their ratio."""
    mine, theirs = (statistics.median(values) for values in zip(*turns, strict=True))
    return {
        "ratio": statistics.median(a / b for a, b in turns),
        "seconds": round(mine, 5),
        "reference seconds": round(theirs, 5),
        "load average": round(os.getloadavg()[0], 1),
    }


def step_of(cell: Cell, device: torch.device) -> TimedStep:
    return TimedStep(*networks(cell, device), config_of(cell).training, class_sets=class_sets(cell))


def peak_of(step: TimedStep) -> int:
    """Peak bytes of a step: weights, the generator's average, Adam's moments, gradients and activations."""
    state, peak = step.state, 0
    for phase in step.phases:
        with allocations(step.device) as held:
            run_phase(phase, state, [step.real])
        getattr(state, phase.network).zero_grad(set_to_none=True)
        peak = max(peak, held.most)
    return peak + 4 * (4 * parameters_of(state.generator) + 3 * parameters_of(state.discriminator))


def stage(cell: Cell, device: torch.device) -> Callable[[], tuple[Tensor, ...]]:
    """A function that runs the local stage, from codes to gradients of codes and weights."""
    generator, _ = networks(cell, device)
    bank = generator.local.requires_grad_(True)
    codes = generator.local_codes(draw_codes(generator, cell.batch)).detach().requires_grad_()
    sets = class_sets(cell)
    present = None if sets is None else sets.draw(cell.batch, torch.Generator().manual_seed(0))
    with torch.no_grad():
        upstream = [torch.randn_like(part) for part in bank(codes, present)[:2]]  # of features and class weights
    inputs = [codes, *bank.parameters()]
    return lambda: torch.autograd.grad(bank(codes, present)[:2], inputs, upstream, allow_unused=True)
