"""Kill training again and again at random points and check that it ends with bit for bit the same weights.

    python -m benchmarks.chaos kills=30            # writes benchmarks/results/chaos.json

A small run is trained once undisturbed, then again and again with `kill -9` to all of its processes: at random moments,
and every other time while a checkpoint is being written. After each kill `composegan fit run=...` resumes it. Once it
has finished, its networks, averages and Adam moments are compared with those of the undisturbed run. The kinds of runs:
data read in the training process or by two workers, on one device or on two (gloo).

The study itself can be interrupted as well: results are saved after each run, and the same command resumes.
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

import composegan.runs.fit  # noqa: F401  loaded once here, not in every forked run
from benchmarks.measure import machine
from benchmarks.networks import TINY_RUN
from benchmarks.script import RESULTS, command_line, newest_run, output, read_settings, run_study, write_json
from composegan import cli
from composegan.errors import UserError
from composegan.plugin.fields import number

SETTINGS = f"""
domain=faces {TINY_RUN} data.demo_count=64 data.flip=true model.noise=true training.mixing=0.5 training.augment=0.3
output.log_every=8 output.samples_every=80 output.checkpoint_every=8
"""
"""Every kind of random draw, and a checkpoint every fourth step."""

EARLIEST, LATEST = 0.05, 0.5
"""When a run is killed, as a fraction of the undisturbed run's time; the earliest kills come before its first step."""


@dataclass
class ChaosConfig:
    kills: int = number(30, least=0)  # of each kind of run
    chain: int = number(6, least=1)  # kills of one run, after which it may finish
    images: int = number(240, least=2)  # to train on, two per step
    seed: int = 0  # of the moments
    kinds: str = "1x0,1x2,2x0,2x2"  # devices x workers
    out: str = ""  # file to write, and to resume from; empty: benchmarks/results/chaos.json


def main(arguments: Sequence[str]) -> None:
    config = read_settings(ChaosConfig, arguments, "chaos")
    out = output(config.out, RESULTS / "chaos.json")
    rows = {row["kind"]: row for row in json.loads(out.read_text())["rows"]} if out.exists() else {}
    command = command_line("chaos", arguments)
    with TemporaryDirectory() as folder:
        for kind in config.kinds.split(","):
            rows.setdefault(kind, {"kind": kind, "kills": 0, "while_saving": 0, "runs": 0, "bitwise_the_same": 0})
            for _ in kill_runs(Path(folder) / kind, rows[kind], config, out):
                write_json(out, {"command": command, "machine": machine(), "rows": list(rows.values())})
                print(json.dumps(rows[kind]), flush=True)
    print(f"wrote {out}")


def kill_runs(folder: Path, row: dict[str, Any], config: ChaosConfig, out: Path) -> Iterator[None]:
    """Train runs of one kind until `kills` kills are reached in all. Yields after each finished run, counted in `row`.

    Raises UserError if the undisturbed run ends with other weights than the one with which the row was begun.
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
    expected = fingerprint(folder / "whole")
    if row.setdefault("weights", expected) != expected:
        raise UserError(
            f"{out}: its {row['kind']} row was measured with other code or on another machine; set another out="
        )
    while row["kills"] < config.kills:
        draws = random.Random(f"{config.seed} {row['kind']} {row['runs']}")
        root, kills, while_saving = folder / str(row["runs"]), 0, 0

        def arguments(root: Path = root) -> list[str]:
            run = newest_run(root)
            return [f"run={run}", *settings] if run else [*start, f"output.root={root}"]

        while kills < min(config.chain, config.kills - row["kills"]) and not is_finished(root, config.images):
            saving = (row["kills"] + kills) % 2 == 1
            if not train(arguments(), devices, draws.uniform(EARLIEST, LATEST) * seconds, root if saving else None):
                break  # finished before it was killed
            kills, while_saving = kills + 1, while_saving + saving
        if not is_finished(root, config.images):
            train(arguments(), devices)
        row["kills"] += kills
        row["while_saving"] += while_saving
        row["runs"] += 1
        row["bitwise_the_same"] += fingerprint(root) == expected
        yield


def train(arguments: list[str], devices: int, kill_after: float = 1e9, saving: Path | None = None) -> bool:
    """Run `composegan fit`. Returns whether it was killed before it finished.

    kill_after: seconds until all of its processes are killed; saving: wait until a checkpoint is being written under
    this folder. Raises RuntimeError if the training fails.
    """
    process = multiprocessing.get_context("fork").Process(target=fit, args=(arguments, devices))
    process.start()
    assert process.pid is not None
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
    """The forked process: silent, in a process group of its own. Two ranks are forked too, with torchrun's
    environment."""
    os.setpgid(0, 0)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    if devices == 1:
        sys.exit(cli.main(["fit", *arguments]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(devices)}
    os.environ.update(address, NODE_RANK="0")
    forked = multiprocessing.get_context("fork")
    ranks = [forked.Process(target=fit_rank, args=(arguments, rank)) for rank in range(devices)]
    for process in ranks:
        process.start()
    while any(process.is_alive() for process in ranks):
        if any(process.exitcode for process in ranks):  # one failed: end the others, as launchers do
            time.sleep(10)
            for process in ranks:
                process.kill()
        time.sleep(0.05)
    sys.exit(max(abs(process.exitcode or 0) for process in ranks))


def fit_rank(arguments: list[str], rank: int) -> None:
    os.environ["LOCAL_RANK"] = str(rank)
    sys.exit(cli.main(["fit", *arguments]))


def is_finished(root: Path, images: int) -> bool:
    """Whether the run under `root` has saved its last checkpoint."""
    run = newest_run(root)
    last = run and run / "checkpoints" / "last.pt"
    return bool(last and last.exists() and torch.load(last, weights_only=True)["images_seen"] >= images)


def fingerprint(root: Path) -> str:
    """A hash of everything learned in the last checkpoint of the run under `root`: networks, averages, Adam's
    moments."""
    run = newest_run(root)
    assert run is not None
    state = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    return digest([state[key] for key in ("images_seen", "networks", "optimizers")])


def digest(state: Any) -> str:
    """A hash of nested dicts and lists, of tensors bit for bit."""
    found = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            found.update(f"{value.dtype} {tuple(value.shape)} ".encode())
            found.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
        elif isinstance(value, (dict, list, tuple)):
            found.update(f"{type(value).__name__} {len(value)} ".encode())
            for item in value.items() if isinstance(value, dict) else value:
                add(item)
        else:
            found.update(f"{value!r} ".encode())

    add(state)
    return found.hexdigest()[:16]


if __name__ == "__main__":
    run_study(main)
