"""The time that a run has taken, over all calls that resumed it, and its limit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from benchmarks.measure import now
from benchmarks.script import write_json
from composegan.runs.module import step_of
from composegan.runs.schedule import is_due


class Clock(Callback):
    """Writes the time of every checkpoint to a file, and stops the run at the first one after `minutes` (0: never).

    Time that is lost with steps after the last checkpoint is not counted. On several devices each process keeps its
    own time, so that only one is supported.
    """

    def __init__(self, file: Path, minutes: float = 0.0) -> None:
        self.file, self.minutes = file, minutes
        self.times = read_times(file)

    @property
    def is_over(self) -> bool:
        """Whether the run has had its time."""
        return 0 < self.minutes <= minutes_of(self.times)

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Continue from the checkpoint that the run resumes from."""
        seen = step_of(module).images_seen
        self.times = [row for row in self.times if row[0] <= seen]
        self.before, self.start = 60 * minutes_of(self.times), now(module.device)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Comes after the recorder's, which saves the checkpoints."""
        step = step_of(module)
        training = step.config.training
        saved = is_due(step.images_seen, training.batch, step.config.output.checkpoint_every)
        if not saved and step.images_seen < training.images:
            return
        self.times = [row for row in self.times if row[0] < step.images_seen]  # after a rollback, the same again
        self.times.append([step.images_seen, round(self.before + now(module.device) - self.start, 3)])
        write_json(self.file, self.times)
        if self.is_over:
            trainer.should_stop = True


def read_times(file: Path) -> list[list[float]]:
    """(images seen, seconds) of each checkpoint, as `Clock` writes them; empty before the first."""
    return json.loads(file.read_text()) if file.exists() else []


def minutes_of(times: Sequence[Sequence[float]]) -> float:
    """Minutes at the last checkpoint; 0 before the first."""
    return times[-1][1] / 60 if times else 0.0
