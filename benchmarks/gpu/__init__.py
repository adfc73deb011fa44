"""Measure synthesis, training steps and a training run on a GPU, in stages of limited time.

    python -m benchmarks.gpu all minutes=10 keep_model=on   # or one of: synthesis, step, train; both families
    python -m benchmarks.gpu train minutes=10 keep_model=on model.family=modern training.loss=modern
    python -m benchmarks.gpu step sizes=128 model.family=stylegan2 training.class_sets=all training.presence=0

synthesis: latency, throughput and memory of the generator at 64 to 512, in batches of 1 to 64, in fp32, TF32, bf16,
compiled, and with CUDA graphs (torch.compile, mode reduce-overhead). step: time by phase and peak memory of a training
step, fp32 and bf16-mixed, with and without recomputing, compiled, and with CUDA graphs. train: a training run on
avatars at 128, stopped and resumed with `composegan fit`, with the metrics of `composegan evaluate` and a grid.

Settings with a dot are those of `composegan fit` and apply to the networks. Without model.family, the stages run for
the families paper and modern. `out` and `work` of a family other than paper are subfolders of its name.

Each stage takes at most `minutes` and writes JSON and pictures to `out`, with the device, the versions and the command.
The next call does what was left over; it finds the state it needs in `work`. `train` of modern ends in figures, a grid
and a model after a single call of ten minutes. None of this has been run on a GPU yet.

For a machine with PyTorch but without a network: run `benchmarks/gpu_wheels.sh` here, and there, in the repository
root,

    python3 -m pip install -q --no-index --no-deps .wheels/*.whl && \
        python3 -m pip install -q --no-index --no-deps --no-build-isolation -e . && \
        python3 -m benchmarks.gpu synthesis minutes=4 out=FOLDER && python3 -m benchmarks.gpu step minutes=4 out=FOLDER

then, as often as you like on the same machine: `python3 -m benchmarks.gpu train minutes=8 out=FOLDER`.
"""

from __future__ import annotations

from dataclasses import dataclass

from composegan.plugin.fields import number


@dataclass
class GpuConfig:
    out: str = ""  # folder for results and pictures; empty: benchmarks/results/gpu
    work: str = "runs/gpu"  # folder of state for the next call: rows so far, the run, drawn avatars
    minutes: float = number(7.0, least=0)  # for each stage
    sizes: str = "64,128,256,512"  # synthesis, step: height and width of the pictures
    device: str = ""  # cuda or cpu; empty: cuda if there is one
    images: int = number(4_000_000, least=1)  # train: images to train on at most
    tiny: bool = False  # small networks and few repetitions, to try the study on any machine
    keep_model: bool = False  # train: also copy the trained model, 15 MB, to `out`
