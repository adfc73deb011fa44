"""Kill training again and again, wherever it is, and see whether it ends with the same weights, bit for bit.

    python -m benchmarks.chaos kills=30            # writes benchmarks/results/chaos.json

A small run is trained once without disturbance, and then again and again with `kill -9` to all of its processes: at
random moments, and every other time while a checkpoint is being written. After each kill `composegan fit run=...` goes
on. When it has come to its end, networks, averages and Adam's moments are compared with the undisturbed run's. For
readers of data in the training process and in two of their own, on one device and on two (gloo).

It can be killed, too: the file it writes says how far it came, and the same command goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import composegan.runs.fit  # noqa: F401  what is loaded here need not be loaded by each of the runs
from benchmarks.measure import machine
from composegan import cli
from composegan.config.compose import read_arguments
from composegan.errors import UserError
from composegan.io.atomic import atomic_file

SETTINGS = """
domain=faces recipe=quick data.height=16 data.width=16 data.demo_count=64 data.flip=true
trainer.accelerator=cpu trainer.threads=1 model.latent_channels=16 model.mapping_layers=2 model.local_layers=3
model.base_layers=1 model.depth_layers=2 model.local_channels=8 model.coarse_channels=8 model.coarse_size=8
model.min_feat_size=4 model.max_channels=8 model.discriminator_max_channels=8 model.noise=true
training.batch=2 training.r1_every=2 training.path_every=2 training.mixing=0.5 training.augment=0.3
output.samples=2 output.log_every=8 output.samples_every=80 output.checkpoint_every=8 output.score_every=0
"""
"""Every phase within two steps, every kind of draw there is, and a checkpoint every fourth step."""

SOONEST, LATEST = 0.05, 0.5
"""When it is killed, as a part of the time that a run takes which is not: from before its first step on."""


@dataclass
class ChaosConfig:
    kills: int = 30  # of each kind of run
    chain: int = 6  # kills of one run, after which it may come to its end
    images: int = 240  # of training, two a step
    seed: int = 0  # of the moments
    kinds: str = "1x0,1x2,2x0,2x2"  # devices x workers
    out: str = "benchmarks/results/chaos.json"  # file to write, and to continue


def main(arguments: Sequence[str]) -> None:
    config = read_arguments(ChaosConfig, arguments, see="the head of benchmarks/chaos.py")
    out = Path(config.out)
    rows = {row["kind"]: row for row in json.loads(out.read_text())["rows"]} if out.exists() else {}
    command = " ".join(["python -m benchmarks.chaos", *arguments])
    with TemporaryDirectory() as folder:
        for kind in config.kinds.split(","):
            rows.setdefault(kind, {"kind": kind, "kills": 0, "while_saving": 0, "runs": 0, "bitwise_the_same": 0})
            for _ in torment(Path(folder) / kind, rows[kind], config):
                content = {"command": command, "machine": machine(), "rows": list(rows.values())}
                with atomic_file(out) as file:
                    file.write_text(json.dumps(content, indent=2) + "\n")
                print(json.dumps(rows[kind]), flush=True)
    print(f"wrote {config.out}")


def torment(folder: Path, row: dict[str, Any], config: ChaosConfig) -> Iterator[None]:
    """Runs of one kind until they have been killed `kills` times in all; yields after each that came to its end, when
    `row` counts it.

    Raises UserError when the undisturbed run ends otherwise than that with which the row was begun.
    """
    if row["kills"] >= config.kills:
        return
    devices, workers = map(int, row["kind"].split("x"))
    settings = [f"trainer.devices={devices}", f"data.workers={workers}"]
    start = [*SETTINGS.split(), *settings, f"data.cache={folder.parent / 'cache'}"]
    train([*start, "training.images=2", f"output.root={folder / 'first'}"], devices)  # draws the pictures
    start.append(f"training.images={config.images}")
    began = time.monotonic()
    train([*start, f"output.root={folder / 'whole'}"], devices)
    seconds = time.monotonic() - began
    expected = final_state(only_run(folder / "whole"))
    if row.setdefault("weights", digest(expected)) != digest(expected):
        raise UserError(f"{config.out}: its {row['kind']} is of other code or another machine; give another out=")
    while row["kills"] < config.kills:
        draws = random.Random(f"{config.seed} {row['kind']} {row['runs']}")
        root, kills, inside = folder / str(row["runs"]), 0, 0
        while kills < min(config.chain, config.kills - row["kills"]):
            run = only_run(root)
            if run and is_finished(run, config.images):
                break  # killed when all was done but the leaving
            again = [f"run={run}", *settings] if run else [*start, f"output.root={root}"]
            saving = (row["kills"] + kills) % 2 == 1
            if not train(again, devices, draws.uniform(SOONEST, LATEST) * seconds, root if saving else None):
                break  # it was faster than its killer
            kills, inside = kills + 1, inside + saving
        run = only_run(root)
        if run is None or not is_finished(run, config.images):
            train([f"run={run}", *settings] if run else [*start, f"output.root={root}"], devices)
        row["kills"] += kills
        row["while_saving"] += inside
        row["runs"] += 1
        row["bitwise_the_same"] += same_state(final_state(only_run(root)), expected)
        yield


def train(arguments: list[str], devices: int, kill_after: float = 1e9, saving: Path | None = None) -> bool:
    """One `composegan fit`, and whether it was killed before its end.

    kill_after: seconds until all of its processes are killed. saving: not before a checkpoint is being written under
    this folder. Raises RuntimeError when the training fails.
    """
    process = multiprocessing.get_context("fork").Process(target=fit, args=(arguments, devices))
    process.start()
    deadline = time.monotonic() + kill_after
    while process.is_alive():
        late = time.monotonic() > deadline
        if late and (saving is None or any(saving.glob("*/*/checkpoints/.partial-*"))):
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
            return True
        time.sleep(0.0005 if late else 0.01)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"composegan fit {' '.join(arguments)}: exit status {process.exitcode}")
    return False


def fit(arguments: list[str], devices: int) -> None:
    """In a process group of its own, and quiet. Forked, so that nothing need be loaded again; the second of two
    processes, too, which finds the first as those do that torchrun starts."""
    os.setpgid(0, 0)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    if devices == 1:
        sys.exit(cli.main(["fit", *arguments]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(devices)}
    os.environ.update(place, NODE_RANK="0")
    forked = multiprocessing.get_context("fork")
    ranks = [forked.Process(target=fit_as, args=(arguments, rank)) for rank in range(devices)]
    for process in ranks:
        process.start()
    while any(process.is_alive() for process in ranks):
        if any(process.exitcode for process in ranks):  # as launchers do
            time.sleep(10)
            for process in ranks:
                process.kill()
        time.sleep(0.05)
    sys.exit(max(abs(process.exitcode) for process in ranks))


def fit_as(arguments: list[str], rank: int) -> None:
    os.environ["LOCAL_RANK"] = str(rank)
    sys.exit(cli.main(["fit", *arguments]))


def only_run(root: Path) -> Path | None:
    """The run under ROOT/faces that is there, if it has come so far as to have a configuration."""
    found = sorted(root.glob("*/*/config.yaml"))
    return found[-1].parent if found else None


def is_finished(run: Path, images: int) -> bool:
    """Whether its last checkpoint is of the last image."""
    last = run / "checkpoints" / "last.pt"
    return last.exists() and torch.load(last, weights_only=True)["images_seen"] >= images


def final_state(run: Path) -> dict[str, Any]:
    state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    return {key: state[key] for key in ("images_seen", "networks", "optimizers")}


def digest(state: dict[str, Any]) -> str:
    """A fingerprint of a final state: of every weight of every network, in order."""
    weights = hashlib.sha256()
    for name, tensor in state["networks"].items():
        weights.update(name.encode() + tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return weights.hexdigest()[:16]


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
