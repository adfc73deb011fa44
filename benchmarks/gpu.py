"""Everything that is worth measuring on a GPU, in stages that each end in time.

    python -m benchmarks.gpu all                 # or one of: synthesis, step, train
    python -m benchmarks.gpu train minutes=7     # trains on where the call before stopped

synthesis: latency, throughput and memory of the paper's generator at 256 and 512, from one picture to 64 at a time, in
fp32, TF32, bf16 and compiled. step: time by phase and peak memory of a training step, fp32 and bf16-mixed, with and
without recomputing. train: a training run on avatars at 128, which `composegan fit` stops and continues, with
`composegan evaluate`'s figures and a grid.

Each takes at most `minutes` and writes JSON and pictures to `out`, with the device, the versions and the command; what
is not done by then is done by the next call, which finds what it needs in `work`. `train` is sized for about twenty
minutes in all on an H200. None of it has been run on a GPU yet.

On a machine without a network but with PyTorch: `benchmarks/gpu_wheels.sh` here, and there, in the repository's root,

    python3 -m pip install -q --no-index --no-deps .wheels/*.whl && \
        python3 -m pip install -q --no-index --no-deps --no-build-isolation -e . && \
        python3 -m benchmarks.gpu synthesis minutes=4 out=FOLDER && python3 -m benchmarks.gpu step minutes=4 out=FOLDER

and then, as often as wanted, while the machine is the same: `python3 -m benchmarks.gpu train minutes=8 out=FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import gpu_step, gpu_synthesis, gpu_train
from benchmarks.stage import Budget
from composegan.config.compose import read_arguments
from composegan.errors import UserError, nearest

STAGES = {"synthesis": gpu_synthesis.run, "step": gpu_step.run, "train": gpu_train.run}


@dataclass
class GpuConfig:
    out: str = "benchmarks/results/gpu"  # folder to write figures and pictures to
    work: str = "runs/gpu"  # folder of what the next call needs: rows so far, the run, drawn avatars
    minutes: float = 7.0  # for each stage
    device: str = ""  # cuda or cpu; empty: cuda where there is one
    images: int = 4_000_000  # train: at most so many
    tiny: bool = False  # small networks and few turns, to see on any machine that it runs
    keep_model: bool = False  # train: copy the trained model to `out` as well, 15 MB


def main(arguments: Sequence[str]) -> None:
    stage, *settings = arguments or ["none"]
    if stage not in (*STAGES, "all"):
        raise UserError(f"which stage? {nearest(stage, [*STAGES, 'all'])}")
    config = read_arguments(GpuConfig, settings, see="the head of benchmarks/gpu.py")
    command = " ".join(["python -m benchmarks.gpu", *arguments])
    for name in STAGES if stage == "all" else [stage]:
        print(f"== {name}", flush=True)
        for path in STAGES[name](config, Budget(config.minutes), command):
            print(f"wrote {path}", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"benchmarks.gpu: {error}")
