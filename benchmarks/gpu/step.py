"""Stage `step`: time and memory of a training step, by phase."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import torch

from benchmarks.gpu import GpuConfig
from benchmarks.gpu.networks import COMPILING, WAYS, configuration, has_local_generators, prepared
from benchmarks.gpu.synthesis import sizes_of, timed
from benchmarks.jobs import OUT_OF_MEMORY, Budget, Job, Row, Table
from benchmarks.measure import device_of, megabytes, peak_cuda_bytes
from benchmarks.networks import TimedStep
from composegan.runtime.memory import keep_freed_memory
from composegan.training.phases import Phase

BATCHES = (64, 32, 16, 8, 4)
ALWAYS = 8


def run(config: GpuConfig, budget: Budget, command: str, networks: Sequence[str]) -> list[Path]:
    """Measure each size and way to train with the largest batch that fits, and with 8. Returns the files written.

    networks: settings of `composegan fit`.
    """
    device = device_of(config.device)
    sizes, (batches, always) = sizes_of(config), ((1,), 1) if config.tiny else (BATCHES, ALWAYS)
    stages = (True, False) if has_local_generators(config.tiny, networks) else (False,)
    plans = [*product(("fp32", "bf16-mixed"), stages, WAYS[:1]), *product(("bf16-mixed",), (False,), WAYS[1:])]
    settings = {
        "device": str(device),
        "tiny": config.tiny,
        "networks": list(networks),
        "convolutions": "TF32, torch's default",
        "cudnn": "benchmark",
    }
    table = Table(Path(config.work) / "step.json", command, settings)
    keep_freed_memory()
    torch.backends.cudnn.benchmark = True

    def jobs() -> Iterator[Job]:
        for (precision, recompute, way), size in product(plans, sizes):
            fits = False
            for batch in batches:
                if not fits or batch == always:
                    name = f"{size} {precision} {way or ('recomputed' if recompute else 'kept')} batch {batch}"
                    row = partial(measure, size, device, batch, precision, recompute, way, config.tiny, networks)
                    yield Job(name, row, seconds=0.0 if config.tiny else COMPILING if way else 45.0)
                    fits = fits or table.rows.get(name) not in (None, OUT_OF_MEMORY)

    table.fill(jobs(), budget)
    return table.publish(
        Path(config.out) / "step.json", "Training, images per second: size, precision, local stage, batch"
    )


def measure(
    size: int, device: torch.device, batch: int, precision: str, recompute: bool, way: str, tiny: bool,
    networks: Sequence[str],
) -> Row:  # fmt: skip
    """Milliseconds and peak memory of each phase with its optimizer step, and of an average step.

    All classes are in every picture, so that all shapes are constant.
    """
    settings = [*networks, f"model.recompute={'on' if recompute else 'off'}", f"training.batch={batch}"]
    config, generator, discriminator = configuration(size, tiny, settings)
    generator, discriminator = generator.to(device), discriminator.to(device)
    fast = [prepared(generator, way, tiny), prepared(discriminator, way, tiny)] if way else []
    step = TimedStep(generator, discriminator, config.training, compiled=fast, fused=True)

    def run_phase(phase: Phase) -> None:
        if way == "graphs":
            torch.compiler.cudagraph_mark_step_begin()  # outputs of earlier phases may be overwritten
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            step.run(phase)

    found: dict[str, Row] = {}
    seconds = 0.0
    for phase in step.phases:
        run_this = partial(run_phase, phase)
        median = statistics.median(timed(run_this, device, most=1 if tiny else 5, seconds=4.0))
        peak = megabytes(peak_cuda_bytes(run_this))
        found[phase.name] = {"ms": round(1000 * median, 2), "every": phase.every, "peak GPU memory, MB": peak}
        seconds += median / phase.every
    peaks = [phase["peak GPU memory, MB"] for phase in found.values()]
    return {
        "step, ms": round(1000 * seconds, 2),
        "images a second": round(batch / seconds, 2),
        "peak GPU memory, MB": None if None in peaks else max(peaks),
        "phases": found,
    }
