"""Measure what each optimization of memory traffic contributes to a training step of the quick recipe.

    python -m benchmarks.quick_step            # writes benchmarks/results/quick_step.json

Each variant disables one optimization (or adds compilation). The steps of all variants are interleaved in one process
and reported relative to the default. A step is Dmain and Gmain, plus Dreg and Greg at their frequency. Keeping freed
memory is a property of the process, so that ratio compares two processes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.measure import machine
from benchmarks.networks import TimedStep
from benchmarks.script import RESULTS, command_line, output, read_settings, run_study, write_json
from composegan.config.compose import compose
from composegan.networks.layers import GAIN, SLOPE
from composegan.networks.resample import _depthwise
from composegan.plugin.fields import number
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.runtime.memory import keep_freed_memory
from composegan.training.build import build
from composegan.training.compiled import compiled

NETWORKS = "composegan.networks"
DEFAULT, COMPILED = "as shipped", "compiled main phases"


def unfused(x: Tensor) -> Tensor:
    """The activation in three passes: the bias is in x already; then leaky ReLU out of place, then its gain."""
    return F.leaky_relu(x / GAIN, SLOPE) * GAIN


def plain_filter(x: Tensor, pad: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """The low-pass filter, differentiated by autograd."""
    return _depthwise(x, pad, stride, gain)


VARIANTS: dict[str, list[tuple[str, object]]] = {
    DEFAULT: [],
    "contiguous instead of channels-last": [("torch.channels_last", torch.contiguous_format)],
    "activation gain not folded": [(f"{NETWORKS}.{part}.activate", unfused) for part in ("layers", "local_bank")],
    "filter left to autograd": [(f"{NETWORKS}.layers.low_pass", plain_filter)],
    COMPILED: [],
}


@dataclass
class QuickConfig:
    repeats: int = number(15, least=1)  # timed steps of each variant
    compile: bool = True  # include the compiled variant, which needs a C++ compiler
    keep_memory: bool = True  # keep freed memory in the process; see only_default
    only_default: bool = False  # print the seconds of a default step and write nothing
    out: str = ""  # file to write; empty: benchmarks/results/quick_step.json


def patched(name: str) -> ExitStack:
    """Within the block, a variant's replacements are in place."""
    stack = ExitStack()
    for target, value in VARIANTS[name]:
        stack.enter_context(mock.patch(target, value))
    return stack


def make_step(name: str) -> Callable[[], float]:
    """A function that runs an average step of a variant and returns its seconds."""
    composed = compose(["domain=faces", "recipe=quick_paper"])
    config, spec = composed.config, composed.plugin.spec
    config.training.path_every = config.training.path_every or 4  # off in the recipe; here second derivatives count
    with patched(name):
        generator, discriminator = build(config, spec, GroupingPlan.per_class(len(spec.classes)))
        networks = [compiled(network) for network in (generator, discriminator)] if name == COMPILED else []
        step = TimedStep(generator, discriminator, config.training, compiled=networks)

    def run() -> float:
        with patched(name):
            return step.seconds()

    return run


def measure(repeats: int, names: Sequence[str]) -> dict[str, float]:
    """Median seconds of a step of each variant, interleaved, after two untimed steps."""
    steps = {name: make_step(name) for name in names}
    turns = [{name: step() for name, step in steps.items()} for _ in range(repeats + 2)][2:]
    return {name: statistics.median(turn[name] for turn in turns) for name in names}


def default_in_new_process(repeats: int, keep_memory: bool) -> float:
    """Seconds of a default step in a process of its own, with or without keeping freed memory."""
    settings = [f"repeats={repeats}", f"keep_memory={'on' if keep_memory else 'off'}", "only_default=on"]
    command = [sys.executable, "-m", "benchmarks.quick_step", *settings]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main(arguments: Sequence[str]) -> None:
    config = read_settings(QuickConfig, arguments, "quick_step")
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    if config.keep_memory:
        keep_freed_memory()
    if config.only_default:
        print(measure(config.repeats, [DEFAULT])[DEFAULT])
        return
    seconds = measure(config.repeats, [name for name in VARIANTS if config.compile or name != COMPILED])
    ratios = {name: round(value / seconds[DEFAULT], 3) for name, value in seconds.items()}
    kept, returned = map(partial(default_in_new_process, config.repeats), (True, False))
    ratios["freed memory returned to the system"] = round(returned / kept, 3)
    out = output(config.out, RESULTS / "quick_step.json")
    write_json(out, {
        "command": command_line("quick_step", arguments),
        "machine": machine(),
        "load average": os.getloadavg()[0],
        "repeats": config.repeats,
        "seconds as shipped": round(seconds[DEFAULT], 4),
        "time relative to as shipped": ratios,
    })  # fmt: skip
    print("\n".join(f"{ratio:6.2f}  {name}" for name, ratio in ratios.items()))
    print(f"wrote {out}")


if __name__ == "__main__":
    run_study(main)
