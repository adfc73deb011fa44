"""What a plan takes on this machine: real steps of training, timed, with the memory that the allocator gave out."""

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
from composegan.planning.cost import example, numbers_of
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build
from composegan.training.objective import objective
from composegan.training.phases import draw_classes, draw_slots
from composegan.training.step import run_phase

PASSES = 4
"""Times that every phase is run: to warm up, to look at the memory, and to be timed; the fastest counts."""

PATIENCE = 20.0
"""Seconds after which the passes that only add to the timing are left out."""


@dataclass(frozen=True)
class Measured:
    """generator, local: numbers that are learned; saved_local: bytes that the local stage leaves for the backward pass,
    a sample; memory: bytes at the height of a step, with weights, average and Adam's moments; seconds: of an average
    step, regularizers counted at their rate. In float32, with one device's batch.
    """

    generator: int
    local: int
    saved_local: int
    memory: int
    seconds: float


def device_of(config: Config) -> torch.device:
    """Where `fit` would train, of the devices whose memory can be measured: a GPU, or else the CPU."""
    gpu = config.trainer.accelerator in ("auto", "gpu") and torch.cuda.is_available()
    return torch.device("cuda" if gpu else "cpu")


def free_memory(device: torch.device) -> int | None:
    """Bytes that could be had there; None where nobody says."""
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
    """Run the steps of training with `plan` and `batch` pictures, PASSES times, on the device of `device_of`.

    class_sets: as of `estimate`; done: called with 1 after each pass.
    """
    device = device_of(config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        with allocations(device) as held:
            networks = [network.to(device) for network in build(config, spec, plan)]
            average = copy.deepcopy(networks[0]).requires_grad_(False)
            state, real = example(*networks, batch, class_sets)
            adam = {
                name: torch.optim.Adam(network.parameters(), lr=0.0, fused=True)
                for name, network in zip(("generator", "discriminator"), networks, strict=True)
            }
            phases = objective(config.training)
            run = [partial(run_phase, phase, state, [real], adam[phase.network]) for phase in phases]
            start, times = time.perf_counter(), []
            for _ in range(2):
                times.append([_timed(step, device) for step in run])
                done(1)
        codes = state.generator.expand(draw_slots(state.generator, batch, 0.0).detach()).requires_grad_()
        state.generator.local.requires_grad_(True)
        present = draw_classes(state, batch)
        with allocations(device) as kept:
            outputs = state.generator.local(codes, present)
        del outputs, average
        for _ in range(PASSES - 2):
            if time.perf_counter() - start < PATIENCE:
                times.append([_timed(step, device) for step in run])
            done(1)
    fastest = [min(found) for found in zip(*times, strict=True)]
    seconds = sum(duration / phase.every for duration, phase in zip(fastest, phases, strict=True))
    numbers = numbers_of(networks[0]), numbers_of(networks[0].local)
    return Measured(*numbers, saved_local=kept.held // batch, memory=held.most, seconds=seconds)


@dataclass
class Allocations:
    """most: bytes held at one time, beyond what was before; held: those still held at the end."""

    most: int = 0
    held: int = 0


@contextmanager
def allocations(device: torch.device) -> Iterator[Allocations]:
    """What torch's allocator gives out within the block, known at its end; what libraries use besides is not in it."""
    found = Allocations()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield found
        found.most = torch.cuda.max_memory_allocated(device) - before
        found.held = torch.cuda.memory_allocated(device) - before
        return
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or it tells everybody that there is no GPU
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
