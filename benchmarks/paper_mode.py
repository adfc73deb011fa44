"""What the bank of local generators brings over a plain loop over classes, at the paper's sizes.

    python -m benchmarks.paper_mode            # writes benchmarks/results/paper_mode.json

The face generator, 13 classes, the paper's widths, at 256 and 512. Ours against the same networks with
`benchmarks.class_loop` for the local stage, on the same weights; first their answers are compared. Timings are medians
of turns taken in one process. `--quick` does all of it with small networks, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.class_loop import ClassLoop, looped
from benchmarks.measure import (
    bytes_of,
    interleaved,
    launched_operations,
    machine,
    peak_cuda_bytes,
    saved_activations,
)
from composegan.config.schema import TrainingConfig
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.runtime.memory import keep_freed_memory
from composegan.training.phases import Phase, Real, State, phases

RESULT = Path(__file__).parent / "results" / "paper_mode.json"
CLASSES, TRANSPARENT = 13, (10, 12)
SMALL = {
    "latent_channels": 32, "mapping_layers": 2, "local_layers": 4, "base_layers": 1, "depth_layers": 3,
    "local_channels": 16, "coarse_channels": 32, "coarse_size": 16, "min_feat_size": 8, "channel_multiplier": 0.05,
    "max_channels": 16,
}  # fmt: skip
AGREE = 1e-5
"""Largest relative difference of two answers that still are the same in float32."""
KINKS = 1e-2
"""The same for gradients: where a pre-activation is about 0, rounding decides which slope of the leaky ReLU is taken.
In float64 they agree to 1e-14."""


def make_generator(size: int, device: torch.device, widths: dict[str, Any], classes: int = CLASSES) -> Generator:
    transparent = tuple(k for k in TRANSPARENT if k < classes)
    generator = Generator(classes=classes, height=size, width=size, transparent=transparent, **widths)
    return generator.to(device, memory_format=torch.channels_last)


def draw_codes(generator: Generator, batch: int) -> Tensor:
    """The codes of `batch` random latents, a copy each, as if every slot were its own."""
    z = torch.randn(batch, generator.latent_channels, device=generator.slot_of_code.device)
    with torch.no_grad():
        return generator.expand(generator.map(z)).clone()


def difference(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...], most: float = AGREE) -> float:
    """The largest relative difference, norm over norm. Raises where it is more than rounding."""
    found = max(((a - b).norm() / b.norm()).item() for a, b in zip(ours, theirs, strict=True))
    if not found < most:
        raise SystemExit(f"ours and the loop do not agree: relative difference {found:.1e}")
    return found


def compare(seconds: dict[str, float]) -> dict[str, Any]:
    """Milliseconds of each, and how many times faster than the loop."""
    loop = seconds["loop"]
    return {
        "milliseconds": {name: round(1000 * value, 1) for name, value in seconds.items()},
        "times faster": {name: round(loop / value, 2) for name, value in seconds.items() if name != "loop"},
    }


def local_stage(generator: Generator, batch: int, repeats: int) -> dict[str, Any]:
    """Forward, forward and backward, and what is kept in between; ours with recomputing (as trained) and without."""
    bank, loop, codes = generator.local, ClassLoop(generator.local), draw_codes(generator, batch)
    with torch.no_grad():
        ours = bank(codes)
        agreement = difference(ours, loop(codes))
    toward = [torch.randn_like(ours[0]), torch.randn_like(ours[1])]  # gradients at features and class weights
    parameters = list(bank.parameters())

    def forward(stage: Callable) -> None:
        with torch.no_grad():
            stage(codes)

    def both(stage: Callable, recompute: bool) -> tuple[Tensor, ...]:
        bank.recompute = recompute
        at = codes.requires_grad_()
        return torch.autograd.grad(stage(at)[:2], [at, *parameters], toward)

    gradients = difference(both(bank, True), both(loop, True), KINKS)
    known = [codes, *parameters, *bank.buffers()]

    def kept(stage: Callable, recompute: bool) -> int:
        bank.recompute = recompute
        saved = saved_activations(lambda: stage(codes.requires_grad_()), known)
        return bytes_of(saved)

    megabytes = {
        name: round(kept(stage, recompute) / 1e6, 2)
        for name, stage, recompute in (("ours", bank, True), ("not recomputed", bank, False), ("loop", loop, True))
    }
    outputs = sum(output.nbytes for output in ours) / 1e6
    timed_forward = interleaved({"ours": lambda: forward(bank), "loop": lambda: forward(loop)}, repeats)
    timed_both = interleaved(
        {
            "ours": lambda: both(bank, True),
            "not recomputed": lambda: both(bank, False),
            "loop": lambda: both(loop, True),
        },
        repeats,
    )
    bank.recompute = True
    return {
        "relative difference": {"answers": agreement, "gradients": gradients},
        "forward": compare(timed_forward),
        "forward and backward": compare(timed_both),
        "saved activations, MB": megabytes,
        "outputs, MB": round(outputs, 2),
        "part of the loop's, outputs counted to both": round(
            (megabytes["ours"] + outputs) / (megabytes["loop"] + outputs), 4
        ),
    }


def whole_generator(generator: Generator, batch: int, repeats: int) -> dict[str, Any]:
    """Codes to picture and mask, without gradients."""
    codes = draw_codes(generator, batch)

    def run() -> tuple[Tensor, ...]:
        made = generator(codes)
        return made.image, made.mask.logits(), made.coarse, made.depth

    def run_looped() -> tuple[Tensor, ...]:
        with looped(generator):
            return run()

    with torch.no_grad():
        agreement = difference(run(), run_looped())
        return {"relative difference": agreement, **compare(interleaved({"ours": run, "loop": run_looped}, repeats))}


def random_real(generator: Generator, batch: int) -> Real:
    """Pictures of noise with masks of squares."""
    device, height, width = generator.slot_of_code.device, generator.height, generator.width
    labels = torch.randint(0, CLASSES, (batch, height // 8, width // 8), dtype=torch.uint8, device=device)
    labels = labels.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)  # (B, H, W): squares of one class
    image = torch.rand(batch, 3, height, width, device=device) * 2 - 1  # (B, 3, H, W)
    return Real(image.contiguous(memory_format=torch.channels_last), labels)


def training_step(generator: Generator, discriminator: Discriminator, batch: int, repeats: int) -> dict[str, Any]:
    """Each phase with its optimizer step, and all of them at their share. The rate is 0: the weights stay."""
    settings = TrainingConfig(batch=batch)
    state = State(generator, discriminator, torch.zeros((), device=generator.slot_of_code.device))
    real = random_real(generator, batch)
    networks = {"generator": generator, "discriminator": discriminator}
    adam = {name: torch.optim.Adam(n.parameters(), lr=0.0, betas=(0.0, 0.99)) for name, n in networks.items()}

    def run(phase: Phase, plain: bool) -> Tensor:
        with looped(generator) if plain else nullcontext():
            for name, network in networks.items():
                network.requires_grad_(name == phase.network)
            adam[phase.network].zero_grad(set_to_none=True)
            torch.manual_seed(0)
            state.path_mean.zero_()
            loss, _ = phase.loss(state, real)
            loss.backward()
            adam[phase.network].step()
            return loss.detach()

    found, amortized = {}, {"ours": 0.0, "loop": 0.0}
    for phase in phases(settings):
        agreement = difference((run(phase, False),), (run(phase, True),)) if phase.name != "Greg" else None
        seconds = interleaved({"ours": lambda p=phase: run(p, False), "loop": lambda p=phase: run(p, True)}, repeats)
        peaks = {name: peak_cuda_bytes(lambda p=phase, n=name: run(p, n == "loop")) for name in seconds}
        found[phase.name] = {"every": phase.every, "loss, relative difference": agreement, **compare(seconds)}
        if None not in peaks.values():
            found[phase.name]["peak GPU memory, MB"] = {name: round(peak / 1e6) for name, peak in peaks.items()}
        amortized = {name: amortized[name] + seconds[name] / phase.every for name in amortized}
    return {"phases": found, "amortized": compare(amortized)}


def operations(size: int, device: torch.device, widths: dict[str, Any]) -> dict[str, dict[str, int]]:
    """How many operations the local stage launches for 13 classes and for 30."""
    counts: dict[str, dict[str, int]] = {"ours": {}, "loop": {}}
    for classes in (CLASSES, 30):
        generator = make_generator(size, device, widths, classes)
        codes = draw_codes(generator, 1)
        for name, stage in (("ours", generator.local), ("loop", ClassLoop(generator.local))):
            with torch.no_grad():
                counts[name][f"K={classes}"] = launched_operations(partial(stage, codes))
    return counts


def show(result: dict[str, Any]) -> None:
    """The figures as a table: ours and the loop in milliseconds, and the ratio."""
    print(f"{'':40}{'ours ms':>10}{'loop ms':>10}{'faster':>8}")
    for size, found in result["sizes"].items():
        stage = found["local stage"]
        rows = {
            "local stage, forward": stage["forward"],
            "local stage, forward and backward": stage["forward and backward"],
            "generator, forward": found["generator"],
            **{f"step: {name} / {p['every']}": p for name, p in found.get("step", {"phases": {}})["phases"].items()},
        }
        if "step" in found:
            rows["step, amortized"] = found["step"]["amortized"]
        print(size)
        for name, row in rows.items():
            ms = row["milliseconds"]
            print(f"  {name:38}{ms['ours']:10.1f}{ms['loop']:10.1f}{row['times faster']['ours']:8.2f}")
        again = stage["forward and backward"]
        print(f"  {'  the same, not recomputed':38}{again['milliseconds']['not recomputed']:10.1f}"
              f"{'':10}{again['times faster']['not recomputed']:8.2f}")  # fmt: skip
        print(f"  saved activations, MB: {stage['saved activations, MB']}, outputs {stage['outputs, MB']}")
    print(f"operations of the local stage: {result['operations of the local stage, forward']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="pictures' sides, pixels")
    parser.add_argument("--batch", type=int, default=1, help="pictures at a time")
    parser.add_argument("--repeats", type=int, default=9, help="turns of the stage and the generator")
    parser.add_argument("--step-repeats", type=int, default=3, help="turns of each phase of a step; 0: no step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--quick", action="store_true", help="small networks at 64, to see that it runs")
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    widths: dict[str, Any] = SMALL if arguments.quick else {}
    sizes = [64] if arguments.quick else arguments.sizes
    device = torch.device(arguments.device)
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.manual_seed(0)

    result = {
        "command": " ".join(["python -m benchmarks.paper_mode", *sys.argv[1:]]),
        "settings": {key: value for key, value in vars(arguments).items() if key != "out"} | {"sizes": sizes},
        "machine": machine(),
        "sizes": {},
    }
    for size in sizes:
        generator = make_generator(size, device, widths)
        found = {
            "local stage": local_stage(generator, arguments.batch, arguments.repeats),
            "generator": whole_generator(generator, arguments.batch, arguments.repeats),
        }
        if arguments.step_repeats:
            narrow = {"multiplier": 0.05, "max_channels": 16} if arguments.quick else {}
            discriminator = Discriminator(classes=CLASSES, height=size, width=size, **narrow)
            discriminator = discriminator.to(device, memory_format=torch.channels_last)
            found["step"] = training_step(generator, discriminator, arguments.batch, arguments.step_repeats)
        result["sizes"][str(size)] = found
    result["operations of the local stage, forward"] = operations(sizes[0], device, widths)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
