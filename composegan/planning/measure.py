"""What a plan costs on this machine: real training steps, timed, with the memory that torch allocated."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.autograd.profiler import profile

from composegan.config.schema import Config
from composegan.networks.class_sets import ClassSets
from composegan.planning.cost import example, parameters_of
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build
from composegan.training.objective import objective
from composegan.training.phases import draw_classes, draw_slots
from composegan.training.step import run_phase

PASSES = 4
"""How often each phase runs: to warm up, to record memory, and for timing. The fastest run counts."""

PATIENCE = 20.0
"""Seconds after which the passes that only improve the timing are skipped."""


@dataclass(frozen=True)
class Measured:
    """Measured cost of a training step on one device, in float32.

    generator, local: trainable parameters; saved_local: bytes per sample that the local stage saves for the backward
    pass; memory: peak bytes, with weights, EMA and Adam's moments; seconds: of an average step, with lazy phases
    weighted by how often they run.
    """

    generator: int
    local: int
    saved_local: int
    memory: int
    seconds: float


def device_of(config: Config) -> torch.device:
    """The device on which `fit` would train, if its memory can be measured: a GPU, otherwise the CPU."""
    gpu = config.trainer.accelerator in ("auto", "gpu") and torch.cuda.is_available()
    return torch.device("cuda" if gpu else "cpu")


def free_memory(device: torch.device) -> int | None:
    """Free bytes of a device; None if the system does not report them."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def measure(
    config: Config,
    spec: DomainSpec,
    plan: GroupingPlan,
    batch: int,
    class_sets: ClassSets | None = None,
    done: Callable[[int], None] = lambda passes: None,
) -> Measured:
    """Run PASSES training steps with `plan` and `batch` pictures on the device of `device_of`.

    class_sets: as for `estimate`; done: called with 1 after each pass.
    """
    device = device_of(config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        with allocations(device) as held:
            generator, discriminator = build(config, spec, plan)
            generator, discriminator = generator.to(device), discriminator.to(device)
            average = copy.deepcopy(generator).requires_grad_(False)
            state, real = example(generator, discriminator, batch, class_sets)
            adam = {
                name: torch.optim.Adam(network.parameters(), lr=0.0, fused=True)
                for name, network in (("generator", generator), ("discriminator", discriminator))
            }
            phases = objective(config.training)
            run = [partial(run_phase, phase, state, [real], adam[phase.network]) for phase in phases]
            start, times = time.perf_counter(), []
            for _ in range(2):
                times.append([_timed(step, device) for step in run])
                done(1)
        codes = generator.expand(draw_slots(generator, batch, 0.0).detach()).requires_grad_()
        generator.local.requires_grad_(True)
        present = draw_classes(state, batch)
        with allocations(device) as kept:
            outputs = generator.local(generator.local_codes(codes), present)
        del outputs, average
        for _ in range(PASSES - 2):
            if time.perf_counter() - start < PATIENCE:
                times.append([_timed(step, device) for step in run])
            done(1)
    fastest = [min(found) for found in zip(*times, strict=True)]
    seconds = sum(duration / phase.every for duration, phase in zip(fastest, phases, strict=True))
    parameters = parameters_of(generator), parameters_of(generator.local)
    return Measured(*parameters, saved_local=kept.held // batch, memory=held.most, seconds=seconds)


@dataclass
class Allocations:
    """most: peak bytes above those allocated before; held: bytes still allocated at the end."""

    most: int = 0
    held: int = 0


@contextmanager
def allocations(device: torch.device) -> Iterator[Allocations]:
    """Record what torch's allocator hands out within the block, without what libraries allocate themselves."""
    found = Allocations()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield found
        found.most = torch.cuda.max_memory_allocated(device) - before
        found.held = torch.cuda.memory_allocated(device) - before
        return
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or it warns that there is no GPU
    with profile(profile_memory=True) as profiled:
        yield found
    events = [event for event in profiled.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        found.held += event.nbytes()
        found.most = max(found.most, found.held)


def _timed(run: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
