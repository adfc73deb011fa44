"""Runs of `composegan fit` that a study starts, and resumes when it is started again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning import Callback

from benchmarks.script import newest_run
from composegan.config.compose import compose
from composegan.config.schema import Config
from composegan.errors import UserError
from composegan.runs import checkpoint
from composegan.runs.fit import fit, resume

MAY_CHANGE = ("training.images=", "trainer.", "output.", "data.cache=", "data.workers=")
"""Settings that do not change what a run computes."""


def check_same(run: Path, settings: Sequence[str]) -> None:
    """Raises UserError if the run was started with settings that make it a different one."""

    def lasting(lines: Sequence[str]) -> set[str]:
        return {line for line in lines if line and not line.startswith(MAY_CHANGE)}

    before = lasting((run / "overrides.txt").read_text().splitlines())
    if differ := sorted(before ^ lasting(settings)):
        raise UserError(f"{run}: was started with other settings ({', '.join(differ)}); set another folder, out=PATH")


def train(
    root: Path, settings: Sequence[str], images: int, callbacks: Sequence[Callback] = (), *, done: bool = False
) -> Path:
    """Start a run under `root`, or resume the one that is there, to `images`. Returns its folder.

    settings: of `composegan fit`, training.images among them.
    done: the run that is there is finished, however many images it has seen.
    """
    run = newest_run(root)
    if run is None:
        return fit(compose([*settings, f"output.root={root}"]), callbacks)
    check_same(run, settings)
    if done:
        return run
    newest = checkpoint.read_newest(run / "checkpoints")
    if not newest or newest[0]["images_seen"] < images:
        resume(run, [f"training.images={images}"], callbacks)
    return run


def setup_device(config: Config) -> torch.device:
    """The device to measure on, of those that a run may use. Sets the number of CPU threads."""
    if config.trainer.threads:
        torch.set_num_threads(config.trainer.threads)
    return torch.device("cuda" if torch.cuda.is_available() and config.trainer.accelerator != "cpu" else "cpu")
