"""Stage `synthesis`: throughput and latency of the generator."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu import GpuConfig
from benchmarks.gpu.networks import COMPILING, generator_of, prepared
from benchmarks.jobs import Budget, Job, Row, Table
from benchmarks.measure import device_of, megabytes, peak_cuda_bytes, seconds_of
from benchmarks.networks import draw_codes
from composegan.config.lists import numbers_in
from composegan.networks.generator import Generator

BATCHES, COMPILED_BATCHES = (1, 2, 4, 8, 16, 32, 64), (1, 8, 64)
MODES = ("fp32", "tf32", "bf16")


def sizes_of(config: GpuConfig) -> tuple[int, ...]:
    """The heights and widths to measure at."""
    return (32,) if config.tiny else tuple(numbers_in(config.sizes, "sizes"))


def run(config: GpuConfig, budget: Budget, command: str, networks: Sequence[str]) -> list[Path]:
    """Fill the table while there is time. Returns the files written to `config.out`.

    networks: settings of `composegan fit`.
    """
    device = device_of(config.device)
    plans: list[tuple[str, tuple[str, ...], tuple[int, ...], float]]
    plans = [
        ("", MODES, BATCHES, 20.0),
        ("compiled", ("bf16", "tf32"), COMPILED_BATCHES, COMPILING),
        ("graphs", ("bf16",), COMPILED_BATCHES, COMPILING),
    ]
    if config.tiny:
        plans = [("", MODES, (1, 2), 0.0), *((way, ("bf16",), (2,), 0.0) for way in ("compiled", "graphs"))]

    @cache
    def generator(size: int) -> Generator:
        return generator_of(size, device, config.tiny, networks)

    def measured(size: int, batch: int, mode: str, way: str) -> Row:
        return measure(generator(size), batch, mode, way, config.tiny)

    jobs = []
    for way, modes, batches, seconds in plans:
        for size, mode, batch in product(sizes_of(config), modes, batches):
            series = " ".join(filter(None, (str(size), mode, way)))
            jobs.append(Job(f"{series} batch {batch}", partial(measured, size, batch, mode, way), series, seconds))
    settings = {"device": str(device), "tiny": config.tiny, "networks": list(networks)}
    table = Table(Path(config.work) / "synthesis.json", command, settings)
    table.fill(jobs, budget)
    return table.publish(Path(config.out) / "synthesis.json", "Synthesis, images per second: size, arithmetic, batch")


def measure(generator: Generator, batch: int, mode: str, way: str, tiny: bool) -> Row:
    """Latency (waiting for each call), throughput (not waiting in between), memory, and the error of the arithmetic."""
    torch.manual_seed(1)
    codes = draw_codes(generator, batch)
    device = codes.device
    network: Callable[[Tensor], Any] = prepared(generator, way, tiny)

    def images() -> Tensor:
        return network(codes).image

    with torch.no_grad():
        with arithmetic("fp32", device):
            exact = generator(codes[:2]).image
        with arithmetic(mode, device):
            first = seconds_of(images, device)
            error = ((images()[:2].float() - exact).norm() / exact.norm()).item()
            calls = 2 if tiny else 1000
            latencies = timed(images, device, calls, seconds=1.5)
            many = max(2, min(calls, round(1.5 / statistics.median(latencies))))
            total = seconds_of(lambda: [images() for _ in range(many)][-1], device)
            peak = peak_cuda_bytes(images)
    return {
        "latency, ms": round(1000 * statistics.median(latencies), 3),
        "images a second": round(many * batch / total, 2),
        "calls timed": len(latencies),
        "first call, s": round(first, 2),
        "relative difference to fp32": float(f"{error:.2g}"),
        "peak GPU memory, MB": megabytes(peak),
    }


def timed(call: Callable[[], object], device: torch.device, most: int, seconds: float) -> list[float]:
    """Seconds of each call, after an untimed first one, until `seconds` have passed or `most` calls are made."""
    call()
    found: list[float] = []
    while len(found) < most and sum(found) < seconds:
        found.append(seconds_of(call, device))
    return found


@contextmanager
def arithmetic(mode: str, device: torch.device) -> Iterator[None]:
    """fp32: full precision; tf32: matrix products and convolutions in TF32 on GPUs that have it; bf16: autocast."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32, convolutions.benchmark
    products.allow_tf32 = convolutions.allow_tf32 = mode != "fp32"
    convolutions.benchmark = True
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=mode == "bf16"):
            yield
    finally:
        products.allow_tf32, convolutions.allow_tf32, convolutions.benchmark = before
