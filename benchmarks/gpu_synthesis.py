"""Stage `synthesis` of `benchmarks.gpu`: pictures a second of the paper's generator, and how long one takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from benchmarks.measure import peak_cuda_bytes
from benchmarks.paper_mode import SMALL, draw_codes, make_generator
from benchmarks.stage import Budget, Job, Row, Table
from composegan.networks.generator import Generator

if TYPE_CHECKING:
    from benchmarks.gpu import GpuConfig

SIZES, BATCHES, COMPILED_BATCHES = (256, 512), (1, 2, 4, 8, 16, 32, 64), (1, 8, 64)
MODES = ("fp32", "tf32", "bf16")
COMPILING = 120.0
"""Seconds that compiling for one batch size may take."""


def run(config: GpuConfig, budget: Budget, command: str) -> list[Path]:
    """Fill the table as far as the time goes. Returns what was written to `config.out`."""
    device = torch.device(config.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    plans = [("", MODES, BATCHES, 20.0), (" compiled", ("bf16", "tf32"), COMPILED_BATCHES, COMPILING)]
    if config.tiny:
        plans = [("", MODES, (1, 2), 0.0), (" compiled", ("bf16",), (2,), 0.0)]
    widths = SMALL if config.tiny else {}
    table = Table(Path(config.work) / "synthesis.json", command, {"device": str(device), "tiny": config.tiny})
    networks: dict[int, Generator] = {}

    def generator(size: int) -> Generator:
        if size not in networks:
            torch.manual_seed(0)
            networks[size] = make_generator(size, device, widths).eval().requires_grad_(False)
        return networks[size]

    def jobs() -> Iterator[Job]:
        for how, modes, batches, seconds in plans:
            for size, mode, batch in product((32,) if config.tiny else SIZES, modes, batches):

                def one(size: int = size, mode: str = mode, batch: int = batch, how: str = how) -> Row:
                    return measured(generator(size), batch, mode, bool(how), config.tiny)

                series = f"{size} {mode}{how}"
                yield Job(f"{series} batch {batch}", one, series, seconds)

    table.fill(jobs(), budget)
    return table.publish(
        Path(config.out) / "synthesis.json", "Synthesis, images a second: size, arithmetic, pictures at a time"
    )


def measured(generator: Generator, batch: int, mode: str, compiled: bool, tiny: bool) -> Row:
    """Latency (waiting for each call), throughput (not waiting in between), memory, and what the arithmetic changes."""
    torch.manual_seed(1)
    codes = draw_codes(generator, batch)
    network: Callable[[Tensor], Any] = generator
    if compiled:
        torch.compiler.reset()
        # On the way through the compiler a small machine would spend the whole time of a test.
        network = torch.compile(generator, dynamic=False, backend="eager" if tiny else "inductor")
    with torch.no_grad():
        with arithmetic("fp32", codes.device):
            exact = generator(codes[:2]).image
        with arithmetic(mode, codes.device):
            start = time.perf_counter()
            image = network(codes).image
            wait(codes.device)
            first = time.perf_counter() - start
            error = ((image[:2].float() - exact).norm() / exact.norm()).item()
            calls = 2 if tiny else 1000
            latencies = timed(lambda: network(codes), codes.device, calls, seconds=1.5)
            many = max(2, min(calls, round(1.5 / statistics.median(latencies))))
            start = time.perf_counter()
            for _ in range(many):
                network(codes)
            wait(codes.device)
            rate = many * batch / (time.perf_counter() - start)
            peak = peak_cuda_bytes(lambda: network(codes))
    return {
        "latency, ms": round(1000 * statistics.median(latencies), 3),
        "images a second": round(rate, 2),
        "calls timed": len(latencies),
        "first call, s": round(first, 2),
        "relative difference to fp32": float(f"{error:.2g}"),
        "peak GPU memory, MB": peak and round(peak / 1e6),
    }


def timed(call: Callable[[], object], device: torch.device, most: int, seconds: float) -> list[float]:
    """Seconds of each call, after one that does not count, until `seconds` have passed or `most` calls are made."""
    call()
    wait(device)
    found: list[float] = []
    while len(found) < most and sum(found) < seconds:
        start = time.perf_counter()
        call()
        wait(device)
        found.append(time.perf_counter() - start)
    return found


@contextmanager
def arithmetic(mode: str, device: torch.device) -> Iterator[None]:
    """fp32: all of it; tf32: products and convolutions in TF32 on a GPU that has it; bf16: autocast."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = mode != "fp32"
    torch.backends.cudnn.benchmark = True
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=mode == "bf16"):
            yield
    finally:
        tf32 = torch.backends.cuda.matmul, torch.backends.cudnn
        tf32[0].allow_tf32, tf32[1].allow_tf32, tf32[1].benchmark = before


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
