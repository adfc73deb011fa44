"""A run's progress on the screen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lightning import Callback, LightningModule, Trainer

from composegan.runtime.console import print_line


class ProgressLine(Callback):
    """A progress bar on a terminal; elsewhere a line every `seconds`. images: of the whole run."""

    def __init__(self, images: int, print_line: Callable[[str], None] = print_line, seconds: float = 30.0) -> None:
        self.images, self.say, self.seconds = images, print_line, seconds
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        self.start = self.shown = time.monotonic()
        self.first = module.step.images_seen
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.completed:,}/{task.total:,} images"), BarColumn(), TimeRemainingColumn(),
                TextColumn("{task.fields[text]}"), console=Console(stderr=True),
            )  # fmt: skip
            self.task = self.bar.add_task("", total=self.images, completed=module.step.images_seen, text="")
            with suppress(OSError):  # as in `print_line`
                self.bar.start()

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        if not trainer.is_global_zero:
            return
        now = time.monotonic()
        if now - self.shown < (1.0 if self.bar else self.seconds) and not trainer.should_stop:
            return
        self.shown = now
        if module.step.images_seen < self.first:  # rolled back to before the start
            self.start, self.first = now, module.step.images_seen
        rate = (module.step.images_seen - self.first) / max(now - self.start, 1e-9)
        text = f"{rate:.1f} images/s  " + "  ".join(
            f"{name.partition('/')[2]} {module.step.figures[name].item():.3f}"
            for name in ("loss/discriminator", "loss/generator", "loss/mask")
            if name in module.step.figures
        )
        if self.bar:
            with suppress(OSError):
                self.bar.update(self.task, completed=module.step.images_seen, text=text)
        else:
            left = (self.images - module.step.images_seen) / max(rate, 1e-9)
            self.say(f"{module.step.images_seen:,}/{self.images:,} images  {text}  about {left / 60:.0f} min left")

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar:
            with suppress(OSError):
                self.bar.stop()
            self.bar = None
