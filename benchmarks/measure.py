"""Timing, memory, operation counts and machine facts for the studies."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

Run = Callable[[], object]


def device_of(name: str) -> torch.device:
    """The device that a setting names; empty: a GPU if there is one."""
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def now(device: torch.device) -> float:
    """Seconds on a clock, after waiting for the device: CPU time on a single CPU thread, which other jobs do not
    affect, wall-clock time otherwise."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    single = device.type == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if single else time.perf_counter()


def seconds_of(run: Run, device: torch.device) -> float:
    """Time one call."""
    start = now(device)
    run()
    return now(device) - start


def interleaved(runs: Mapping[str, Run], repeats: int, device: torch.device) -> dict[str, list[float]]:
    """Time all of `runs` in turns, so that other load on the machine affects them alike.

    Returns the seconds of each call, after a first one of each that is not timed.
    """
    for run in runs.values():
        run()
    turns = [{name: seconds_of(run, device) for name, run in runs.items()} for _ in range(repeats)]
    return {name: [turn[name] for turn in turns] for name in runs}


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each list of times."""
    return {name: statistics.median(values) for name, values in seconds.items()}


class OperationCounter(TorchDispatchMode):
    """Counts the operations that PyTorch runs within the block, except views, which launch nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def peak_cuda_bytes(run: Run) -> int | None:
    """Peak GPU memory in use during `run`; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    run()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()


def megabytes(count: int | None) -> int | None:
    """Bytes in whole megabytes."""
    return None if count is None else round(count / 1e6)


def machine() -> dict[str, Any]:
    """The processor, its cores and threads, the GPU if there is one, and the versions that matter."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    description = Path("/proc/cpuinfo")
    if description.exists():
        for line in description.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
