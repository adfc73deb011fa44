"""Real steps and real local stages, timed in turns: a cell and what it is a ratio to, in one process."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.class_scaling.cells import Cell, class_sets, config_of, networks
from benchmarks.paper_mode import draw_codes
from composegan.networks.generator import Generator
from composegan.planning.cost import numbers_of, watch
from composegan.training.phases import Phase, Real, State, phases


class Step:
    """A training step of a cell: calling it runs every phase once and returns the seconds of an average step.

    peak: bytes at the height of a step, found in `warm_up`: weights, averages, Adam's moments, gradients, activations.
    The rate is 0, so that the weights stay.
    """

    def __init__(self, cell: Cell, device: torch.device) -> None:
        self.device, config = device, config_of(cell)
        generator, discriminator = networks(cell, device)
        self.networks = {"generator": generator, "discriminator": discriminator}
        self.state = State(generator, discriminator, torch.zeros((), device=device), class_sets=class_sets(cell))
        self.real = random_real(generator, cell.batch)
        self.adam = {
            name: torch.optim.Adam(network.parameters(), lr=0.0, betas=(0.0, 0.99))
            for name, network in self.networks.items()
        }
        self.phases = phases(config.training)
        self.peak = 0

    def warm_up(self) -> None:
        # As `grouping.cost` counts: the average is the generator's only.
        still = 4 * (4 * numbers_of(self.networks["generator"]) + 3 * numbers_of(self.networks["discriminator"]))
        self.peak = still + max(self._run(phase, watched=True) for phase in self.phases)

    def __call__(self) -> float:
        return sum(self._run(phase) / phase.every for phase in self.phases)

    def _run(self, phase: Phase, watched: bool = False) -> float:
        """Seconds; watched: bytes."""
        for name, network in self.networks.items():
            network.requires_grad_(name == phase.network)
        self.adam[phase.network].zero_grad(set_to_none=True)
        torch.manual_seed(0)
        self.state.path_mean.zero_()
        start = now(self.device)
        most = peak_of(lambda: phase.loss(self.state, self.real)[0].backward(), self.device, watched)
        self.adam[phase.network].step()
        return most if watched else now(self.device) - start


def peak_of(run: Callable[[], Any], device: torch.device, watched: bool) -> float:
    """The most bytes that running it held besides what was there; 0 where nobody watches."""
    if not watched:
        run()
        return 0
    if device.type != "cuda":
        return watch(run).most
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    run()
    return torch.cuda.max_memory_allocated() - before


def time_step(cell: Cell, repeats: int, device: torch.device) -> dict[str, Any]:
    """A row: seconds of an average step, as a ratio to the reference, and the memory of both."""
    steps = {name: Step(of, device) for name, of in (("cell", cell), ("reference", cell.reference))}
    for step in steps.values():
        step.warm_up()
    memory = {"peak": int(steps["cell"].peak), "reference peak": int(steps["reference"].peak)}
    return {**in_turns(steps["cell"], steps["reference"], repeats), **memory}


def time_stage(cell: Cell, repeats: int, device: torch.device) -> dict[str, Any]:
    """A row: the local stage alone, forward and backward, as a ratio to the reference."""

    def timed(run: Callable[[], Any]) -> Callable[[], float]:
        run()

        def seconds() -> float:
            start = now(device)
            run()
            return now(device) - start

        return seconds

    return in_turns(*(timed(stage(of, device)) for of in (cell, cell.reference)), repeats)


def in_turns(cell: Callable[[], float], reference: Callable[[], float], repeats: int) -> dict[str, Any]:
    """Medians of the seconds that both return, and of their ratio turn by turn."""
    pairs = [(cell(), reference()) for _ in range(repeats)]
    mine, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    return {
        "ratio": statistics.median(a / b for a, b in pairs),
        "seconds": round(mine, 5),
        "reference seconds": round(theirs, 5),
        "load average": round(os.getloadavg()[0], 1),
    }


def stage(cell: Cell, device: torch.device) -> Callable[[], tuple[Tensor, ...]]:
    """A function that runs it, from codes to gradients of codes and weights."""
    generator, _ = networks(cell, device)
    bank = generator.local.requires_grad_(True)
    codes = draw_codes(generator, cell.batch).requires_grad_()
    sets = class_sets(cell)
    present = None if sets is None else sets.draw(cell.batch, torch.Generator().manual_seed(0))
    with torch.no_grad():
        toward = [torch.randn_like(part) for part in bank(codes, present)[:2]]  # at features and class weights
    parameters = list(bank.parameters())
    return lambda: torch.autograd.grad(bank(codes, present)[:2], [codes, *parameters], toward, allow_unused=True)


def random_real(generator: Generator, batch: int) -> Real:
    """Pictures of noise with masks of squares."""
    device, height, width = generator.slot_of_code.device, generator.height, generator.width
    labels = torch.randint(0, generator.classes, (batch, height // 8, width // 8), dtype=torch.uint8, device=device)
    labels = labels.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)  # (B, H, W): squares of one class
    image = torch.rand(batch, 3, height, width, device=device) * 2 - 1  # (B, 3, H, W)
    return Real(image.contiguous(memory_format=torch.channels_last), labels)


def now(device: torch.device) -> float:
    """Seconds of a clock that, where one thread computes, stands still while others have the processor."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    one = device.type == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if one else time.perf_counter()
