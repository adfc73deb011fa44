"""Kill training again and again, wherever it is, and see whether it ends with the same weights, bit for bit.

    python -m benchmarks.chaos kills=30            # writes benchmarks/results/chaos.json

A small run is trained once without disturbance, and then again and again with `kill -9` to all of its processes: at
random moments, and every other time while a checkpoint is being written. After each kill `composegan fit run=...` goes
on. When it has come to its end, networks, averages and Adam's moments are compared with the undisturbed run's. For
readers of data in the training process and in two of their own, on one device and on two (gloo).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.measure import machine
from composegan import cli
from composegan.config.compose import read_arguments

SETTINGS = """
domain=faces recipe=quick data.height=16 data.width=16 data.demo_count=64 data.flip=true
trainer.accelerator=cpu trainer.threads=1 model.latent_channels=16 model.mapping_layers=2 model.local_layers=3
model.base_layers=1 model.depth_layers=2 model.local_channels=8 model.coarse_channels=8 model.coarse_size=8
model.min_feat_size=4 model.max_channels=8 model.discriminator_max_channels=8 model.noise=true
training.batch=2 training.images=240 training.r1_every=2 training.path_every=2 training.mixing=0.5 training.augment=0.3
output.samples=2 output.log_every=8 output.samples_every=80 output.checkpoint_every=8 output.score_every=0
"""
"""Every phase within two steps, every kind of draw there is, and a checkpoint every fourth step."""


@dataclass
class ChaosConfig:
    kills: int = 30  # of each kind of run
    chain: int = 6  # kills of one run, after which it may come to its end
    seed: int = 0  # of the moments
    kinds: str = "1x0,1x2,2x0"  # devices x workers
    out: str = "benchmarks/results/chaos.json"  # file to write


def main(arguments: Sequence[str]) -> None:
    config = read_arguments(ChaosConfig, arguments, see="the head of benchmarks/chaos.py")
    draws, rows = random.Random(config.seed), []
    with TemporaryDirectory() as folder:
        for kind in config.kinds.split(","):
            devices, workers = map(int, kind.split("x"))
            settings = [f"trainer.devices={devices}", f"data.workers={workers}"]
            rows.append(torment(Path(folder) / kind, settings, config, draws))
            print(json.dumps(rows[-1]), flush=True)
            content = {"command": " ".join(["python -m benchmarks.chaos", *arguments]), "machine": machine()}
            Path(config.out).write_text(json.dumps({**content, "rows": rows}, indent=2) + "\n")
    print(f"wrote {config.out}")


def torment(folder: Path, settings: list[str], config: ChaosConfig, draws: random.Random) -> dict[str, Any]:
    """Runs of one kind until they have been killed `kills` times; how many ended as the undisturbed one."""
    start = [*SETTINGS.split(), *settings, f"data.cache={folder.parent / 'cache'}"]
    began = time.monotonic()
    train([*start, f"output.root={folder / 'whole'}"])
    seconds = time.monotonic() - began
    expected = final_state(only_run(folder / "whole"))
    kills = inside = same = runs = 0
    while kills < config.kills:
        root, left = folder / str(runs), min(config.chain, config.kills - kills)
        while left:
            run = only_run(root)
            if run and is_finished(run):
                break  # killed when all was done but the leaving
            again = [f"run={run}", *settings] if run else [*start, f"output.root={root}"]
            saving = kills % 2 == 1
            if train(again, kill_after=draws.uniform(0.3, 0.9) * seconds, folder=root, saving=saving) is None:
                break  # it was faster than its killer
            kills, left, inside = kills + 1, left - 1, inside + saving
        run = only_run(root)
        if run is None or not is_finished(run):
            train([f"run={run}", *settings] if run else [*start, f"output.root={root}"])
        runs += 1
        same += same_state(final_state(only_run(root)), expected)
    return {"settings": settings, "kills": kills, "while_saving": inside, "runs": runs, "bitwise_the_same": same}


def train(
    arguments: list[str], kill_after: float | None = None, folder: Path | None = None, saving: bool = False
) -> int | None:
    """One `composegan fit`. kill_after: seconds until all of its processes are killed; saving: then wait, besides, for
    a checkpoint that is being written. Returns the signal; None when it ended by itself.
    Raises RuntimeError on failure.
    """
    process = multiprocessing.get_context("fork").Process(target=fit, args=(arguments,))
    process.start()
    deadline = time.monotonic() + (kill_after if kill_after is not None else 1e9)
    while process.is_alive():
        late = time.monotonic() > deadline
        if late and (not saving or any(folder.glob("*/*/checkpoints/.partial.*"))):
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
            return signal.SIGKILL
        time.sleep(0.0005 if late else 0.01)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"composegan fit {' '.join(arguments)}: exit status {process.exitcode}")
    return None


def fit(arguments: list[str]) -> None:
    """In a process group of its own, and quiet. Forked, so that it need not load torch again; two devices are started
    by Lightning as commands."""
    os.setpgid(0, 0)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    if "trainer.devices=1" in arguments:
        sys.exit(cli.main(["fit", *arguments]))
    sys.exit(subprocess.run([sys.executable, "-m", "composegan.cli", "fit", *arguments]).returncode)


def only_run(root: Path) -> Path | None:
    """The run under ROOT/faces that is there, if it has come so far as to have a configuration."""
    found = sorted(root.glob("*/*/config.yaml"))
    return found[-1].parent if found else None


def is_finished(run: Path) -> bool:
    """Whether its last checkpoint is of the last image."""
    last = run / "checkpoints" / "last.pt"
    return last.exists() and torch.load(last, weights_only=True)["images_seen"] >= 240


def final_state(run: Path) -> dict[str, Any]:
    state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    return {key: state[key] for key in ("images_seen", "networks", "optimizers")}


def same_state(one: Any, other: Any) -> bool:
    """Equal in every tensor, bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_state(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same_state, one, other))
    return one == other


if __name__ == "__main__":
    main(sys.argv[1:])
