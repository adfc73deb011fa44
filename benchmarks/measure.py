"""What every study needs: fair timings, counted operations, saved bytes, and the machine they were taken on."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Run = Callable[[], object]


def interleaved(runs: dict[str, Run], repeats: int) -> dict[str, float]:
    """Median seconds of each, after one run of each that does not count.

    They take turns, so that whatever else the machine does meets all alike.
    """
    seconds = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            _wait()
            start = time.perf_counter()
            run()
            _wait()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def launched_operations(run: Run) -> int:
    """How many operations PyTorch runs; views, which only describe memory anew, do not count."""
    with _Counter() as counter:
        run()
    return counter.count


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def bytes_of(tensors: Iterable[Tensor], known: Iterable[Tensor] = ()) -> int:
    """Bytes of memory behind the tensors, each piece counted once, and pieces behind `known` not at all."""
    pieces = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    for tensor in known:
        pieces.pop(tensor.untyped_storage().data_ptr(), None)
    return sum(pieces.values())


def saved_activations(run: Run, known: Iterable[Tensor]) -> list[Tensor]:
    """What autograd keeps for the backward pass of `run`, without the tensors `known` (parameters, inputs).

    `run` returns its outputs, and they live while this counts: no piece of memory is used twice.
    """
    saved = []

    def keep(tensor: Tensor) -> Tensor:
        saved.append(tensor.detach())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = run()
    apart = {tensor.untyped_storage().data_ptr() for tensor in known}
    found = [tensor for tensor in saved if tensor.untyped_storage().data_ptr() not in apart]
    del outputs
    return found


def peak_cuda_bytes(run: Run) -> int | None:
    """Most GPU memory in use during `run`; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    run()
    _wait()
    return torch.cuda.max_memory_allocated()


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
