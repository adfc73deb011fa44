"""Stage `step` of `benchmarks.gpu`: a training step of the paper's networks by phase, in time and memory."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.gpu_synthesis import timed
from benchmarks.measure import peak_cuda_bytes
from benchmarks.paper_mode import CLASSES, SMALL, make_generator, random_real
from benchmarks.stage import OUT_OF_MEMORY, Budget, Job, Row, Table
from composegan.config.schema import TrainingConfig
from composegan.networks.discriminator import Discriminator
from composegan.runtime.memory import keep_freed_memory
from composegan.training.phases import Phase, State, phases

if TYPE_CHECKING:
    from benchmarks.gpu import GpuConfig

SIZES, BATCHES = (256, 512), (32, 16, 8, 4)
"""32 is the paper's batch, over 8 GPUs: 4 each."""
ALWAYS = 4


def run(config: GpuConfig, budget: Budget, command: str) -> list[Path]:
    """For each size and way to train, the largest batch that fits, and 4. Returns what was written to `config.out`."""
    device = torch.device(config.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    sizes, batches, always = ((32,), (1,), 1) if config.tiny else (SIZES, BATCHES, ALWAYS)
    settings = {
        "device": str(device),
        "tiny": config.tiny,
        "convolutions": "TF32, torch's default",
        "cudnn": "benchmark",
    }
    table = Table(Path(config.work) / "step.json", command, settings)
    keep_freed_memory()
    torch.backends.cudnn.benchmark = True

    def jobs() -> Iterator[Job]:
        for size in sizes:
            for precision in ("fp32", "bf16-mixed"):
                for recompute in (True, False):
                    name = f"{size} {precision} {'recomputed' if recompute else 'kept'}"
                    fits = False
                    for batch in batches:
                        if fits and batch != always:
                            continue

                        def one(args: tuple = (size, device, batch, precision, recompute, config.tiny)) -> Row:
                            return measured(*args)

                        job = Job(f"{name} batch {batch}", one, seconds=0.0 if config.tiny else 45.0)
                        yield job
                        fits = fits or table.rows.get(job.name) not in (None, OUT_OF_MEMORY)

    table.fill(jobs(), budget)
    return table.publish(
        Path(config.out) / "step.json", "Training, images a second: size, precision, local stage, batch"
    )


def measured(size: int, device: torch.device, batch: int, precision: str, recompute: bool, tiny: bool) -> Row:
    """Milliseconds and peak memory of each phase with its optimizer step, and of a step with all at their share.

    The rate is 0, so that the weights stay what they are.
    """
    torch.manual_seed(0)
    generator = make_generator(size, device, SMALL if tiny else {}).requires_grad_(True)
    generator.local.recompute = recompute
    narrow = {"multiplier": 0.05, "max_channels": 16} if tiny else {}
    discriminator = Discriminator(classes=CLASSES, height=size, width=size, **narrow)
    discriminator = discriminator.to(device, memory_format=torch.channels_last)
    networks = {"generator": generator, "discriminator": discriminator}
    adam = {
        name: torch.optim.Adam(n.parameters(), lr=0.0, betas=(0.0, 0.99), fused=True) for name, n in networks.items()
    }
    state = State(generator, discriminator, torch.zeros((), device=device))
    real = random_real(generator, batch)

    def step(phase: Phase) -> None:
        for name, network in networks.items():
            network.requires_grad_(name == phase.network)
        adam[phase.network].zero_grad(set_to_none=True)
        mixed = precision == "bf16-mixed" and not phase.full_precision
        with torch.autocast(device.type, torch.bfloat16) if mixed else nullcontext():
            loss, _ = phase.loss(state, real)
        loss.backward()
        adam[phase.network].step()

    found, seconds = {}, 0.0
    for phase in phases(TrainingConfig(batch=batch)):
        turns = timed(lambda p=phase: step(p), device, most=1 if tiny else 5, seconds=4.0)
        peak = peak_cuda_bytes(lambda p=phase: step(p))
        found[phase.name] = {"ms": round(1000 * statistics.median(turns), 2), "every": phase.every}
        found[phase.name] |= {"peak GPU memory, MB": peak and round(peak / 1e6)}
        seconds += statistics.median(turns) / phase.every
    peaks = [phase["peak GPU memory, MB"] for phase in found.values()]
    return {
        "step, ms": round(1000 * seconds, 2),
        "images a second": round(batch / seconds, 2),
        "peak GPU memory, MB": max(peaks) if None not in peaks else None,
        "phases": found,
    }
