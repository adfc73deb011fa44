"""A run's progress on the screen."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import Any

from lightning import Callback, LightningModule, Trainer

from composegan.runs.module import step_of
from composegan.runtime.console import print_line, rich_console


class ProgressLine(Callback):
    """A progress bar on a terminal; elsewhere a line every `seconds`. images: of the whole run."""

    def __init__(self, images: int, seconds: float = 30.0) -> None:
        self.images, self.seconds = images, seconds
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start the clock, and the bar."""
        self.start = self.shown = time.monotonic()
        self.first = self.before = step_of(module).images_seen
        if trainer.is_global_zero and sys.stderr.isatty():
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = TextColumn("{task.completed:,}/{task.total:,} images"), BarColumn(), TimeRemainingColumn()
            self.bar = Progress(*columns, TextColumn("{task.fields[text]}"), console=rich_console())
            self.task = self.bar.add_task("", total=self.images, completed=self.first, text="")
            with suppress(OSError):  # a closed terminal does not end the run
                self.bar.start()

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Show progress if it is time, and at the end."""
        now, step = time.monotonic(), step_of(module)
        waits = now - self.shown < (1.0 if self.bar else self.seconds) and not trainer.should_stop
        if waits or not trainer.is_global_zero:
            return
        since, self.shown, seen = now - self.shown, now, step.images_seen
        if seen < self.first:  # rolled back to before the start
            self.start, self.first = now, seen
        rate = (seen - self.first) / max(now - self.start, 1e-9)
        text = f"{rate:.1f} images/s  " + "  ".join(
            f"{name.partition('/')[2]} {step.figures[name].item():.3f}"
            for name in ("loss/discriminator", "loss/generator", "loss/mask")
            if name in step.figures
        )
        if (overfit := trainer.callback_metrics.get("score/overfit")) is not None:
            text += f"  overfit {float(overfit):.2f}"
        if self.bar:
            with suppress(OSError):
                self.bar.update(self.task, completed=seen, text=text)
        else:
            lately = (seen - self.before) / max(since, 1e-9)  # images/s; in some recipes, later steps take longer
            left = (self.images - seen) / max(lately or rate, 1e-9)
            minutes = f"about {left / 60:.0f} min" if left >= 60 else "less than 1 min"
            text += f"  {minutes} left" if seen < self.images else ""
            print_line(f"{seen:,}/{self.images:,} images  {text}")
        self.before = seen

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Remove the bar."""
        self._stop()

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        """Remove the bar."""
        self._stop()

    def _stop(self) -> None:
        if self.bar:
            with suppress(OSError):
                self.bar.stop()
            self.bar = None
