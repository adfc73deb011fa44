"""What happens between steps: figures, pictures, scores, checkpoints, and the end. Lightning callbacks."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer

from composegan.config.schema import Config
from composegan.config.validate import score_names
from composegan.data.loader import TrainingLoader
from composegan.evaluation.scores import Scores
from composegan.io.atomic import atomic_file
from composegan.model import saved_model
from composegan.plugin.domain import DomainSpec, Source
from composegan.runs import checkpoint
from composegan.runs.rollback import rollback
from composegan.runs.run_log import RunLog
from composegan.runtime.console import print_line
from composegan.runtime.distributed import all_reduce_max, first_message
from composegan.training.module import CompositionModule, derive_seed
from composegan.viz.pictures import contact_sheet, to_uint8

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


class RunRecorder(Callback):
    """Writes what a run leaves: metrics, sample grids, scores, checkpoints and, in the end, the model.

    before: the checkpoint that the run goes on from; {}: it begins. best: the lowest score so far.
    """

    def __init__(
        self, run: Path, config: Config, spec: DomainSpec, source: Source, settings: dict[str, Any],
        before: Mapping[str, Any], best: float, ending: GracefulStop,
    ) -> None:  # fmt: skip
        self.ending = ending
        self.run, self.config, self.spec, self.source, self.settings = run, config, spec, source, settings
        self.best = best
        self.best_of = score_names(config)[0]
        self.early, self.shown = before.get("early", False), before.get("shown", True)  # what last.pt is, see `save`
        self.scores: Scores | None = None
        self.run_log: RunLog | None = None  # not `log`, which Lightning replaces by a function of its own

    def on_train_start(self, trainer: Trainer, module: CompositionModule) -> None:
        self.run = Path(trainer.strategy.broadcast(str(self.run)))  # the others have looked at another clock
        if not trainer.is_global_zero:
            return
        self._begin_log(module)
        if module.images_seen == 0:
            self._draw(module)
        elif not self.shown:  # it was killed while it did
            self._show_and_save(module, saving=not self.early)

    def on_train_batch_end(self, trainer: Trainer, module: CompositionModule, *_: Any) -> None:
        output, stopping = self.config.output, trainer.should_stop
        early = stopping and module.images_seen < self.config.training.images
        interval, saving = is_due(module, output.log_every), is_due(module, output.checkpoint_every)
        due = interval or saving or is_due(module, output.score_every)
        if (due or stopping) and (trouble := module.trouble(complete=interval, spikes=due)):
            # Somebody asked, or it was the last step and now is not, unless there are no more data.
            trainer.should_stop = early or self.ending.failure is not None
            if due or not early:
                self._go_back(trainer, module, trouble)
            elif trainer.is_global_zero:  # the run goes on from before it, and finds it where it would have
                print_line(f"at {module.images_seen:,} images {trouble}: this is not saved")
            return
        if not trainer.is_global_zero:
            return
        final = stopping and not early
        to_show = self._to_show(module, final)
        if interval or "scores" in to_show:
            self._write_figures(module)
        if early:  # before anything that takes time, as job systems kill soon after they ask
            self.save(module, early=not saving, shown=not to_show)
        if to_show or not early:
            self._show_and_save(module, saving, early, final)

    def on_train_end(self, trainer: Trainer, module: CompositionModule) -> None:
        if self.run_log:
            self.run_log.close()

    def on_exception(self, trainer: Trainer, module: CompositionModule, exception: BaseException) -> None:
        with suppress(Exception):  # what happened first is what should be told
            self.on_train_end(trainer, module)

    def save(
        self, module: CompositionModule, improved: bool = False, early: bool = False, shown: bool = True,
        final: bool = False,
    ) -> None:  # fmt: skip
        """A checkpoint, and the averaged generator as a model that can be used at once.

        early: a run that nobody asks to stop would not have saved here; what goes wrong later leads back farther.
        shown: whether the pictures and scores that are due are there.
        """
        facts = {
            "domain": self.spec.name, "classes": list(self.spec.names), "best": self.best, "best_of": self.best_of,
            "early": early, "shown": shown, "data": len(self.source),
        }  # fmt: skip
        if final:  # a run whose last checkpoint is there is finished, and has its model
            self._save_model(module)
        instead = self.early or not self.shown
        checkpoint.save(self.run / "checkpoints", {**module.checkpoint(), **facts}, best=improved, instead=instead)
        self.early, self.shown = early, shown
        if not final:
            self._save_model(module)

    def _save_model(self, module: CompositionModule) -> None:
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
        line = rollback(trainer, module, self.run, trouble, self.early)
        self.early, self.shown = False, True
        if trainer.is_global_zero:
            self.run_log.close()
            self._begin_log(module)
            print_line(line)

    def _to_show(self, module: CompositionModule, final: bool = False) -> tuple[str, ...]:
        """Whether pictures are due, and scores."""
        output = self.config.output
        drawing = is_due(module, output.samples_every) or final
        scoring = is_due(module, output.score_every) or (final and output.score_every > 0)
        return ("pictures",) * drawing + ("scores",) * scoring

    def _show_and_save(self, module: CompositionModule, saving: bool, early: bool = False, final: bool = False) -> None:
        """Pictures and scores that are due, and a checkpoint that is due or now is the best."""
        due, improved = self._to_show(module, final), False
        try:
            if "pictures" in due:
                self._draw(module)
            if "scores" in due:
                improved = self._score(module)
        except Exception:  # the images that generated ones are compared with are gone, say
            if not early and not final:  # a run that is saved at its end is finished
                with suppress(Exception):  # what happened first is what should be told
                    self.save(module, early=not saving, shown=False)
            raise
        if saving or improved or early or final or not self.shown:
            regular = saving or (improved and is_due(module, self.config.output.score_every))
            self.save(module, improved, early=not regular, final=final)

    def _draw(self, module: CompositionModule) -> None:
        images, labels = average_pictures(module, self.config.output.samples, derive_seed(self.config.seed, "samples"))
        sheet = contact_sheet(to_uint8(images), labels.numpy(), self.spec.colors)
        with atomic_file(self.run / "samples" / f"{module.images_seen:06d}.png") as path:
            sheet.save(path)
        self.run_log.picture(module.images_seen, sheet)

    def _score(self, module: CompositionModule) -> bool:
        """Measure, write it down, and tell whether it has never been better."""
        scores = self._measure(module)
        self.run_log.write(module.images_seen, {f"score/{name}": value for name, value in scores.items()})
        improved = scores[self.best_of] < self.best
        if improved:
            self.best = scores[self.best_of]
        return improved

    def _measure(self, module: CompositionModule) -> dict[str, float]:
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


class GracefulStop(Callback):
    """Stops after the last image, after the step in which somebody asked to stop (Ctrl-C, SIGTERM), or after the last
    for which there are data.

    interrupted: whether it stops because somebody asked; failure: what is wrong with the data. The same in all
    processes.
    """

    def __init__(self, images: int, loader: TrainingLoader) -> None:
        self.images, self.loader = images, loader
        self.interrupted = False
        self.failure: str | None = None
        self._asked: float | None = None  # when this process was told; only ever set by a signal
        self._before: dict[int, Any] = {}

    @property
    def told(self) -> bool:
        """Whether somebody asked this very process, which others need not know yet."""
        return self._asked is not None

    def setup(self, trainer: Trainer, module: CompositionModule, stage: str) -> None:
        # From here to `teardown` a signal is only noted. Lightning's own handler of SIGTERM would wait, wherever this
        # process is, for another that may be elsewhere.
        trainer._signal_connector.register_signal_handlers = lambda: None
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)

    def on_train_batch_end(self, trainer: Trainer, module: CompositionModule, *_: Any) -> None:
        reason = 2 if self.loader.failure else int(self.told)
        reason = all_reduce_max(reason, module.device)  # any process may be the one that was told
        self.interrupted = reason == 1 and module.images_seen < self.images
        self.failure = first_message(self.loader.failure) if reason == 2 else None
        trainer.should_stop = bool(reason) or module.images_seen >= self.images

    def teardown(self, trainer: Trainer, module: CompositionModule, stage: str) -> None:
        self._leave()

    def on_exception(self, trainer: Trainer, module: CompositionModule, exception: BaseException) -> None:
        self._leave()

    def _leave(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self._asked is None:
            self._asked = time.monotonic()
            print_line("\nstopping after this step; again to stop at once", error=True)
        elif time.monotonic() - self._asked >= AGAIN:
            raise KeyboardInterrupt
