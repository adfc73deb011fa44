"""What a run does between two steps: one pure function of its progress and its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from composegan.config.schema import Config


@dataclass(frozen=True)
class Progress:
    """After a step. images_seen: real images shown so far; stop_requested: by a signal, or by data that is gone."""

    images_seen: int
    stop_requested: bool = False


@dataclass(frozen=True)
class Actions:
    """What to do after a step, in this order.

    check: divergence: "spikes" and values that are not "finite", these alone, or nothing. interval: an interval of
    metrics ends: write the figures. draw: a sample sheet. score: "due", or only because the run is "finished".
    save: a checkpoint, whatever the score; the best score yet is saved in any case. regular: an uninterrupted run would
    save here as well, whatever the score. stop: the run is "finished", or stops "early".
    """

    check: Literal["", "finite", "spikes"] = ""
    interval: bool = False
    draw: bool = False
    score: Literal["", "due", "finished"] = ""
    save: bool = False
    regular: bool = False
    stop: Literal["", "early", "finished"] = ""


def plan(progress: Progress, config: Config) -> Actions:
    """What to do after the step that `progress` describes. The same on all ranks."""
    output, seen = config.output, progress.images_seen

    def due(every: int) -> bool:
        return is_due(seen, config.training.batch, every)

    finished = seen >= config.training.images
    interval, regular, score_due = due(output.log_every), due(output.checkpoint_every), due(output.score_every)
    spikes, stop = interval or regular or score_due, finished or progress.stop_requested
    return Actions(
        check="spikes" if spikes else "finite" if stop else "",
        interval=interval,
        draw=due(output.samples_every) or finished,
        score="due" if score_due else "finished" if finished and output.score_every else "",
        save=regular or stop,
        regular=regular,
        stop="finished" if finished else "early" if stop else "",
    )


def is_due(images_seen: int, batch: int, every: int) -> bool:
    """Whether the last step, of `batch` images, crossed a multiple of `every` images; 0: never."""
    return every > 0 and images_seen // every > (images_seen - batch) // every
