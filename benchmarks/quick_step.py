"""What each way of saving memory traffic brings to a whole step of the quick recipe.

    python -m benchmarks.quick_step            # writes benchmarks/results/quick_step.json

Each variant takes one saving away (or adds compiling); steps of all variants are interleaved in one process, and the
figure is the median of their ratio to the step as it ships. A step is Dmain + Gmain, and Dreg and Greg at their share.
Keeping freed memory is a property of the process, so that ratio is between two processes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.measure import machine
from composegan.config.compose import compose
from composegan.data import open_source
from composegan.grouping.plan import GroupingPlan
from composegan.networks.layers import GAIN, SLOPE
from composegan.networks.resample import _depthwise
from composegan.runtime.memory import keep_freed_memory
from composegan.training.build import build
from composegan.training.phases import Phase, Real, State, phases

RESULT = Path(__file__).parent / "results" / "quick_step.json"
MODELS = "composegan.networks"


def unfused(x: Tensor) -> Tensor:
    """The activation as three passes: bias is in x already; then leaky ReLU out of place, then its gain."""
    return F.leaky_relu(x / GAIN, SLOPE) * GAIN


def plain_filter(x: Tensor, pad: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """The low-pass filter left to autograd."""
    return _depthwise(x, pad, stride, gain)


VARIANTS: dict[str, list[tuple[str, object]]] = {
    "as shipped": [],
    "contiguous instead of channels-last": [("torch.channels_last", torch.contiguous_format)],
    "activation gain not folded": [(f"{MODELS}.{part}.activate", unfused) for part in ("layers", "local_bank")],
    "filter left to autograd": [(f"{MODELS}.layers.low_pass", plain_filter)],
    "compiled main phases": [],
}


def make_step(name: str) -> Callable[[], float]:
    """A function that runs one amortised step of a variant and returns its seconds."""
    composed = compose(["domain=faces", "recipe=quick"])
    config, spec = composed.config, composed.plugin.spec
    batch = config.training.batch
    source = open_source(composed.plugin, config.data)
    images, labels = source.read_batch(np.arange(batch))

    def patched() -> ExitStack:
        stack = ExitStack()
        for target, value in VARIANTS[name]:
            stack.enter_context(mock.patch(target, value))
        return stack

    with patched():
        generator, discriminator = build(config, spec, GroupingPlan.per_class(len(spec.classes)))
        fast = [torch.compile(n) for n in (generator, discriminator)] if "compiled" in name else []
        state = State(generator, discriminator, torch.zeros(()), *fast)
        image = torch.from_numpy(images.copy()).float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)
    real = Real(image, torch.from_numpy(labels.copy()))
    # The quick recipe may leave a phase out; here all run, so that second derivatives are measured too.
    config.training.path_every = config.training.path_every or 4
    plan = phases(config.training)

    def run(phase: Phase) -> float:
        moving, still = (generator, discriminator) if phase.network == "generator" else (discriminator, generator)
        still.requires_grad_(False)
        moving.requires_grad_(True)
        moving.zero_grad()
        start = time.perf_counter()
        phase.loss(state, real)[0].backward()
        return (time.perf_counter() - start) / phase.every

    def step() -> float:
        with patched():
            return sum(run(phase) for phase in plan)

    return step


def measure(repeats: int, names: list[str]) -> dict[str, float]:
    """Median seconds of a step of each variant, interleaved."""
    steps = {name: make_step(name) for name in names}
    for step in steps.values():
        step()
        step()
    seconds = {name: [] for name in names}
    for _ in range(repeats):
        for name, step in steps.items():
            seconds[name].append(step())
    return {name: statistics.median(values) for name, values in seconds.items()}


def of_fresh_process(repeats: int, *, keep: bool) -> float:
    """Seconds of the step as shipped in a process of its own, with or without keeping freed memory."""
    how = ["--only-shipped"] if keep else ["--only-shipped", "--return-memory"]
    command = [sys.executable, "-m", "benchmarks.quick_step", f"--repeats={repeats}", *how]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--no-compile", action="store_true", help="leave out compiling, which needs a C++ compiler")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--only-shipped", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--return-memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    if not arguments.return_memory:
        keep_freed_memory()
    if arguments.only_shipped:
        print(measure(arguments.repeats, ["as shipped"])["as shipped"])
        return
    names = [name for name in VARIANTS if not (arguments.no_compile and "compiled" in name)]
    seconds = measure(arguments.repeats, names)
    base = seconds["as shipped"]
    ratios = {name: round(value / base, 3) for name, value in seconds.items()}
    kept, returned = (of_fresh_process(arguments.repeats, keep=keep) for keep in (True, False))
    ratios["freed memory returned to the system"] = round(returned / kept, 3)
    result = {
        "command": "python -m benchmarks.quick_step",
        "machine": machine(),
        "load average": os.getloadavg()[0],
        "repeats": arguments.repeats,
        "seconds as shipped": round(base, 4),
        "time relative to as shipped": ratios,
    }
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print("\n".join(f"{ratio:6.2f}  {name}" for name, ratio in ratios.items()))
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
