"""Compare the bank of local generators with a plain loop over classes, at the paper's sizes.

    python -m benchmarks.paper_mode            # writes benchmarks/results/paper_mode.json

The face generator with 13 classes and the paper's widths, at 256 and 512, against the same networks with
`benchmarks.class_loop` as the local stage, on the same weights, after checking that both give the same results. Times
are medians, measured in turns within one process. `tiny=on` runs all of it with small networks, to try it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.class_loop import ClassLoop, looped
from benchmarks.measure import (
    OperationCounter,
    device_of,
    interleaved,
    machine,
    medians,
    megabytes,
    peak_cuda_bytes,
)
from benchmarks.networks import CLASSES, TimedStep, draw_codes, make_discriminator, make_generator
from benchmarks.script import RESULTS, command_line, markdown_table, output, read_settings, run_study, write_json
from composegan.config.lists import numbers_in
from composegan.config.schema import TrainingConfig
from composegan.networks.generator import Generator
from composegan.planning.cost import saved_local
from composegan.plugin.fields import number
from composegan.runtime.memory import keep_freed_memory
from composegan.training.phases import Phase

TOLERANCE = 1e-5
"""Largest relative difference between two results that count as the same in float32."""
GRADIENT_TOLERANCE = 1e-2
"""The same for gradients: where a pre-activation is about 0, rounding decides which slope of the leaky ReLU applies.
In float64 they agree to 1e-14."""


@dataclass
class PaperConfig:
    sizes: str = "256,512"  # image sizes, pixels
    batch: int = number(1, least=1)  # images at a time
    repeats: int = number(9, least=1)  # timed repetitions of the local stage and the generator
    step_repeats: int = number(3, least=0)  # timed repetitions of each phase of a training step; 0: no training step
    device: str = ""  # cuda or cpu; empty: cuda if there is one
    tiny: bool = False  # small networks at 64, to try it out
    out: str = ""  # file to write; empty: benchmarks/results/paper_mode.json


def difference(ours: Sequence[Tensor], theirs: Sequence[Tensor], most: float = TOLERANCE) -> float:
    """The largest relative difference, norm over norm. Raises SystemExit if it exceeds `most`."""
    found = max(((a - b).norm() / b.norm()).item() for a, b in zip(ours, theirs, strict=True))
    if not found < most:
        raise SystemExit(f"bank and loop do not agree: relative difference {found:.1e}")
    return found


def compare(runs: dict[str, Callable[[], object]], repeats: int, device: torch.device) -> dict[str, Any]:
    """Milliseconds of each run, and its speedup over the loop."""
    return speedups(medians(interleaved(runs, repeats, device)))


def speedups(seconds: dict[str, float]) -> dict[str, Any]:
    loop = seconds["loop"]
    return {
        "milliseconds": {name: round(1000 * value, 1) for name, value in seconds.items()},
        "times faster": {name: round(loop / value, 2) for name, value in seconds.items() if name != "loop"},
    }


def local_stage(generator: Generator, batch: int, repeats: int) -> dict[str, Any]:
    """Forward, forward and backward, and activations saved in between; ours with recomputing (the default) and
    without."""
    bank, loop, codes = generator.local, ClassLoop(generator.local), draw_codes(generator, batch)
    with torch.no_grad():
        outputs = bank(codes)
        agreement = difference(outputs, loop(codes))
    upstream = [torch.randn_like(outputs[0]), torch.randn_like(outputs[1])]  # gradients of features and class weights
    parameters = list(bank.parameters())

    def forward(stage: Callable) -> None:
        with torch.no_grad():
            stage(codes)

    def backward(stage: Callable, recompute: bool) -> tuple[Tensor, ...]:
        bank.recompute = recompute
        inputs = codes.requires_grad_()
        return torch.autograd.grad(stage(inputs)[:2], [inputs, *parameters], upstream)

    gradients = difference(backward(bank, True), backward(loop, True), GRADIENT_TOLERANCE)
    stages = {"ours": (bank, True), "not recomputed": (bank, False), "loop": (loop, True)}
    saved = {}
    for name, (_, recompute) in stages.items():
        bank.recompute = recompute
        with looped(generator) if name == "loop" else nullcontext():
            saved[name] = batch * saved_local(generator, batch)
    size = sum(output.nbytes for output in outputs)
    device = codes.device
    found = {
        "relative difference": {"answers": agreement, "gradients": gradients},
        "forward": compare({"ours": partial(forward, bank), "loop": partial(forward, loop)}, repeats, device),
        "forward and backward": compare({n: partial(backward, *stage) for n, stage in stages.items()}, repeats, device),
        "saved activations, MB": {name: round((count - size) / 1e6, 2) for name, count in saved.items()},
        "outputs, MB": round(size / 1e6, 2),
        "part of the loop's, outputs counted to both": round(saved["ours"] / saved["loop"], 4),
    }
    bank.recompute = True
    return found


def whole_generator(generator: Generator, batch: int, repeats: int) -> dict[str, Any]:
    """Codes to image and mask, without gradients."""
    codes = draw_codes(generator, batch)

    def ours() -> tuple[Tensor, ...]:
        made = generator(codes)
        return made.image, made.mask.logits(), made.coarse, made.depth

    def loop() -> tuple[Tensor, ...]:
        with looped(generator):
            return ours()

    with torch.no_grad():
        agreement = difference(ours(), loop())
        return {"relative difference": agreement, **compare({"ours": ours, "loop": loop}, repeats, codes.device)}


def training_step(generator: Generator, step: TimedStep, repeats: int) -> dict[str, Any]:
    """Each phase with its optimizer step, and an average step."""

    def run(phase: Phase, loop: bool) -> tuple[Tensor]:
        with looped(generator) if loop else nullcontext():
            return (next(iter(step.run(phase).values())),)

    found: dict[str, Any] = {}
    average = {"ours": 0.0, "loop": 0.0}
    for phase in step.phases:
        # Greg's path lengths are second derivatives, where rounding weighs more.
        agreement = difference(run(phase, False), run(phase, True)) if phase.name != "Greg" else None
        runs = {"ours": partial(run, phase, False), "loop": partial(run, phase, True)}
        seconds = medians(interleaved(runs, repeats, step.device))
        peaks = {name: megabytes(peak_cuda_bytes(one)) for name, one in runs.items()}
        found[phase.name] = {"every": phase.every, "loss, relative difference": agreement, **speedups(seconds)}
        if None not in peaks.values():
            found[phase.name]["peak GPU memory, MB"] = peaks
        average = {name: average[name] + seconds[name] / phase.every for name in average}
    return {"phases": found, "amortized": speedups(average)}


def operations(size: int, device: torch.device, tiny: bool) -> dict[str, dict[str, int]]:
    """Number of operations that the local stage launches for 13 classes and for 30."""
    counts: dict[str, dict[str, int]] = {"ours": {}, "loop": {}}
    for classes in (CLASSES, 30):
        generator = make_generator(size, device, tiny, classes)
        codes = draw_codes(generator, 1)
        for name, stage in (("ours", generator.local), ("loop", ClassLoop(generator.local))):
            with torch.no_grad(), OperationCounter() as counter:
                stage(codes)
            counts[name][f"K={classes}"] = counter.count
    return counts


def show(result: dict[str, Any]) -> None:
    """Print the times of ours and the loop, and the speedups."""
    for size, found in result["sizes"].items():
        stage, step = found["local stage"], found.get("step", {"phases": {}})
        rows = {f"local stage, {name}": stage[name] for name in ("forward", "forward and backward")}
        rows["generator, forward"] = found["generator"]
        rows |= {f"step: {name} / {phase['every']}": phase for name, phase in step["phases"].items()}
        rows |= {"step, amortized": step["amortized"]} if "amortized" in step else {}
        lines = [
            [f"{name} ({variant})", row["milliseconds"][variant], row["milliseconds"]["loop"], factor]
            for name, row in rows.items() for variant, factor in row["times faster"].items()
        ]  # fmt: skip
        print("\n".join(markdown_table([f"size {size}", "ms", "loop, ms", "times faster"], lines)))
        print(f"saved activations, MB: {stage['saved activations, MB']}, outputs {stage['outputs, MB']}")
    print(f"operations of the local stage: {result['operations of the local stage, forward']}")


def main(arguments: Sequence[str]) -> None:
    config = read_settings(PaperConfig, arguments, "paper_mode")
    sizes = [64] if config.tiny else numbers_in(config.sizes, "sizes")
    device = device_of(config.device)
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    found: dict[str, dict[str, Any]] = {}
    for size in sizes:
        generator = make_generator(size, device, config.tiny)
        found[str(size)] = {
            "local stage": local_stage(generator, config.batch, config.repeats),
            "generator": whole_generator(generator, config.batch, config.repeats),
        }
        if config.step_repeats:
            discriminator = make_discriminator(size, device, config.tiny)
            step = TimedStep(generator, discriminator, TrainingConfig(batch=config.batch))
            found[str(size)]["step"] = training_step(generator, step, config.step_repeats)
    result = {
        "command": command_line("paper_mode", arguments),
        "settings": {**asdict(config), "sizes": sizes},
        "machine": machine(),
        "sizes": found,
        "operations of the local stage, forward": operations(sizes[0], device, config.tiny),
    }
    out = output(config.out, RESULTS / "paper_mode.json")
    write_json(out, result)
    show(result)
    print(f"wrote {out}")


if __name__ == "__main__":
    run_study(main)
