"""What happens between steps: figures, pictures, scores, checkpoints, and the end. Lightning callbacks."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer

from composegan.config.schema import Config
from composegan.config.validate import score_names
from composegan.data.loader import TrainingLoader
from composegan.domain import DomainSpec, Source
from composegan.evaluation.scores import Scores
from composegan.interop import saved_model
from composegan.pictures import contact_sheet, to_uint8
from composegan.saving import whole_file
from composegan.training import checkpoint
from composegan.training.distributed import first_said, largest
from composegan.training.going_back import go_back
from composegan.training.module import CompositionModule, derive_seed
from composegan.training.run_log import RunLog

SCORE = "score/"
AGAIN = 1.0
"""Seconds until a second signal is a second wish: `timeout` and job systems send each to the process and its group."""


def is_due(module: CompositionModule, every: int) -> bool:
    """Whether the last step crossed a multiple of `every` images (0: never)."""
    seen = module.images_seen
    return every > 0 and seen // every > (seen - module.config.training.batch) // every


@torch.inference_mode()
def average_pictures(
    module: CompositionModule, count: int, seed: int, batch: int = 16
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the averaged generator, from fixed codes and stored noise: images (N, 3, H, W), labels (N, H, W), on CPU."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(count, module.average.latent_channels, generator=draws)
    images, labels = [], []
    classes = [None] * count if module.class_sets is None else module.class_sets.draw(count, draws).split(batch)
    for part, present in zip(z.split(batch), classes, strict=False):
        result = module.average(module.average.map(part.to(module.device)), classes=present)
        images.append(result.image.float().clamp(-1, 1).cpu())
        labels.append(result.mask.labels().cpu())
    return torch.cat(images), torch.cat(labels)


class Keeper(Callback):
    """Writes what a run leaves: metrics, sample grids, scores, checkpoints and, in the end, the model."""

    def __init__(
        self, run: Path, config: Config, spec: DomainSpec, source: Source, settings: dict[str, Any], best: float
    ) -> None:
        self.run, self.config, self.spec, self.source, self.settings = run, config, spec, source, settings
        self.best = best
        self.best_of = score_names(config)[0]
        self.tries = 0  # how often the run went back to its last checkpoint
        self.scores: Scores | None = None
        self.run_log: RunLog | None = None  # not `log`, which Lightning replaces by a function of its own

    def on_train_start(self, trainer: Trainer, module: CompositionModule) -> None:
        self.run = Path(trainer.strategy.broadcast(str(self.run)))  # the others have looked at another clock
        if trainer.is_global_zero:
            self._begin_log(module)
            if module.images_seen == 0:
                self._draw(module)

    def on_train_batch_end(self, trainer: Trainer, module: CompositionModule, *_: Any) -> None:
        output, early = self.config.output, trainer.should_stop and module.images_seen < self.config.training.images
        interval, saving = is_due(module, output.log_every), is_due(module, output.checkpoint_every)
        if interval or saving or trainer.should_stop:
            if trouble := module.trouble(complete=interval):
                trainer.should_stop = early  # somebody asked, or it was the last step and now is not
                self._go_back(trainer, module, trouble)
                return
            self.tries = 0 if saving else self.tries
        if not trainer.is_global_zero:
            return
        final = trainer.should_stop and not early
        improved = False
        if early:  # first of all, as job systems kill soon after they ask
            self.save(module)
        if is_due(module, output.samples_every) or final:
            self._draw(module)
        if is_due(module, output.score_every) or (final and output.score_every > 0):
            scores = self._score(module)
            score = scores[self.best_of]
            improved, self.best = score < self.best, min(score, self.best)
            module.logs.update({SCORE + name: torch.tensor(value) for name, value in scores.items()})
        if interval or SCORE + self.best_of in module.logs:
            self._write_figures(module)
        if saving or final or (early and improved):
            self.save(module, improved)

    def on_train_end(self, trainer: Trainer, module: CompositionModule) -> None:
        if self.run_log:
            self.run_log.close()

    def on_exception(self, trainer: Trainer, module: CompositionModule, exception: BaseException) -> None:
        with suppress(Exception):  # what happened first is what should be told
            self.on_train_end(trainer, module)

    def save(self, module: CompositionModule, improved: bool = False) -> None:
        """A checkpoint, and the averaged generator as a model that can be used at once."""
        facts = {"domain": self.spec.name, "classes": list(self.spec.names), "best": self.best, "best_of": self.best_of}
        checkpoint.save(self.run / "checkpoints", {**module.checkpoint(), **facts}, best=improved)
        settings = {**self.settings, "group_of": list(module.plan.group_of)}
        model = saved_model.Model(
            module.average, settings, self.spec.name, self.spec.names, self.spec.colors,
            saved_model.mean_code(module.average), class_sets=module.class_sets,
        )  # fmt: skip
        about = {"images_seen": module.images_seen, "recipe": self.config.recipe}
        if self.config.adapt.source:
            about["adapted_from"] = self.config.adapt.source
        saved_model.save(self.run / "model", model, about)

    def _begin_log(self, module: CompositionModule) -> None:
        self.run_log = RunLog(self.run, module.images_seen)
        self.clock, self.since = time.monotonic(), module.images_seen

    def _go_back(self, trainer: Trainer, module: CompositionModule, trouble: str) -> None:
        self.tries += 1
        line = go_back(trainer, module, self.run, trouble, self.tries)
        if trainer.is_global_zero:
            self.run_log.close()
            self._begin_log(module)
            print(line, flush=True)

    def _draw(self, module: CompositionModule) -> None:
        images, labels = average_pictures(module, self.config.output.samples, derive_seed(self.config.seed, "samples"))
        sheet = contact_sheet(to_uint8(images), labels.numpy(), self.spec.colors)
        with whole_file(self.run / "samples" / f"{module.images_seen:06d}.png") as path:
            sheet.save(path)
        self.run_log.picture(module.images_seen, sheet)

    def _score(self, module: CompositionModule) -> dict[str, float]:
        count, seed = self.config.output.score_samples, derive_seed(self.config.seed, "score")
        if self.scores is None:
            self.scores = Scores(
                score_names(self.config), self.source, self.config.data, len(self.spec.classes), count, seed,
                module.device,
            )  # fmt: skip
        return self.scores(*average_pictures(module, count, seed))

    def _write_figures(self, module: CompositionModule) -> None:
        figures = {name: value.item() for name, value in module.logs.items()}
        now = time.monotonic()
        figures["images_per_second"] = (module.images_seen - self.since) / max(now - self.clock, 1e-9)
        self.clock, self.since = now, module.images_seen
        self.run_log.write(module.images_seen, figures)
        module.logs = {name: value for name, value in module.logs.items() if not name.startswith(SCORE)}


class Ending(Callback):
    """Stops after the last image, after the step in which somebody asked to stop (Ctrl-C, SIGTERM), or after the last
    for which there are data.

    interrupted: whether somebody asked; failure: what is wrong with the data. The same in all processes.
    """

    def __init__(self, images: int, loader: TrainingLoader) -> None:
        self.images, self.loader = images, loader
        self.interrupted = False
        self.failure: str | None = None
        self._before: dict[int, Any] = {}

    def setup(self, trainer: Trainer, module: CompositionModule, stage: str) -> None:
        # From here to `teardown` a signal is only noted. Lightning's own handler of SIGTERM would wait, wherever this
        # process is, for another that may be elsewhere.
        trainer._signal_connector.register_signal_handlers = lambda: None
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)

    def on_train_batch_end(self, trainer: Trainer, module: CompositionModule, *_: Any) -> None:
        reason = 2 if self.loader.failure else int(self.interrupted)
        reason = largest(reason, module.device)  # any process may be the one that was told
        self.interrupted = False
        if module.images_seen < self.images:
            self.interrupted = reason == 1
            self.failure = first_said(self.loader.failure) if reason == 2 else None
        trainer.should_stop = bool(reason) or module.images_seen >= self.images

    def teardown(self, trainer: Trainer, module: CompositionModule, stage: str) -> None:
        self._leave()

    def on_exception(self, trainer: Trainer, module: CompositionModule, exception: BaseException) -> None:
        self._leave()

    def _leave(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if not self.interrupted:
            self.interrupted, self._asked = True, time.monotonic()
            print("\nstopping after this step; again to stop at once", file=sys.stderr)
        elif time.monotonic() - self._asked >= AGAIN:
            raise KeyboardInterrupt


class Progress(Callback):
    """One line that moves on a terminal; elsewhere a line now and then."""

    def __init__(self, images: int, say: Callable[[str], None] = print, seconds: float = 30.0) -> None:
        self.images, self.say, self.seconds = images, say, seconds
        self.bar: Any = None

    def on_train_start(self, trainer: Trainer, module: CompositionModule) -> None:
        if not trainer.is_global_zero:
            return
        self.start = self.shown = time.monotonic()
        self.first = module.images_seen
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.completed:,}/{task.total:,} images"), BarColumn(), TimeRemainingColumn(),
                TextColumn("{task.fields[text]}"), console=Console(stderr=True),
            )  # fmt: skip
            self.task = self.bar.add_task("", total=self.images, completed=module.images_seen, text="")
            self.bar.start()

    def on_train_batch_end(self, trainer: Trainer, module: CompositionModule, *_: Any) -> None:
        if not trainer.is_global_zero:
            return
        now = time.monotonic()
        if now - self.shown < (1.0 if self.bar else self.seconds) and not trainer.should_stop:
            return
        self.shown = now
        rate = (module.images_seen - self.first) / max(now - self.start, 1e-9)
        text = f"{rate:.1f} images/s  " + "  ".join(
            f"{name.partition('/')[2]} {module.logs[name].item():.3f}"
            for name in ("loss/discriminator", "loss/generator", "loss/mask")
            if name in module.logs
        )
        if self.bar:
            self.bar.update(self.task, completed=module.images_seen, text=text)
        else:
            left = (self.images - module.images_seen) / max(rate, 1e-9)
            self.say(f"{module.images_seen:,}/{self.images:,} images  {text}  about {left / 60:.0f} min left")

    def on_train_end(self, trainer: Trainer, module: CompositionModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, module: CompositionModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.bar:
            self.bar.stop()
            self.bar = None
