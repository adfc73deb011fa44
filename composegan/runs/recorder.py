"""Carries out between steps what `schedule.plan` decides: figures, pictures, scores, checkpoints, and the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from composegan.config.compose import Composed
from composegan.config.extensions import extension
from composegan.config.run_folder import CONFIG
from composegan.config.validate import deciding_scores, score_names
from composegan.errors import UserError
from composegan.evaluation.generated import Generated
from composegan.evaluation.held_out import TOO_MUCH, HeldOut
from composegan.evaluation.scores import Scores, selection
from composegan.io.atomic import atomic_file
from composegan.model import model_files, saved_model
from composegan.networks.fitting import fitted
from composegan.plugin.domain import Source
from composegan.runs import checkpoint
from composegan.runs.graceful_stop import GracefulStop
from composegan.runs.loggers import log_figures, log_sheet, rewind
from composegan.runs.metrics_csv import MetricsCsv
from composegan.runs.module import step_of
from composegan.runs.rollback import rollback
from composegan.runs.schedule import Actions, Progress, plan
from composegan.runtime.console import print_line
from composegan.training.build import generator_settings
from composegan.training.parts import derive_seed
from composegan.training.step import TrainingStep
from composegan.viz.pictures import contact_sheet, to_uint8


class RunRecorder(Callback):
    """Writes into the run folder, on rank 0, and stops the trainer on all ranks.

    before: the checkpoint that the run continues from; {}: it starts. stop: requests to stop.
    held_out: pictures that are not trained on, which the discriminator also judges when the run is scored.
    """

    def __init__(
        self,
        run: Path,
        composed: Composed,
        source: Source,
        before: Mapping[str, Any],
        stop: GracefulStop,
        held_out: Source | None = None,
    ) -> None:
        self.run, self.source, self.stop = run, source, stop
        self.config, self.spec = composed.config, composed.plugin.spec
        self.deciding = deciding_scores(self.config)
        self.best_of = " x ".join(self.deciding)
        comparable = before.get("best_of", self.best_of) == self.best_of
        self.best: float = before.get("best", inf) if comparable else inf
        # About last.pt: whether only a signal caused it; whether the pictures and scores due with it were made.
        self.early: bool = before.get("early", False)
        self.shown: bool = before.get("shown", True)
        self.scores: Scores | None = None
        self.held_out_source = held_out
        self.held_out: HeldOut | None = None
        self.overfit, self.advised = 0.0, False  # the last value, which is noisy; whether augmentation was advised
        self.stopping = False
        self.latest: dict[str, float] = {}

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start the log, and make what a killed run did not come to."""
        self.stop.install()  # Lightning has installed its own handlers by now
        self.run = Path(trainer.strategy.broadcast(str(self.run)))  # named after rank 0's clock
        self.loggers = trainer.loggers
        if not trainer.is_global_zero:
            return
        step = step_of(module)
        self._start_log(step)
        if step.images_seen == 0:
            self._draw(step)
        elif not self.shown:
            due = plan(Progress(step.images_seen), self.config)
            self._show_and_save(step, replace(due, save=True, regular=not self.early))

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """After every step."""
        step = step_of(module)
        actions = plan(Progress(step.images_seen, self.stop.requested(module.device)), self.config)
        trainer.should_stop = self.stopping = bool(actions.stop)
        if actions.check and (problem := step.check(actions.interval, spikes=actions.check == "spikes")):
            self._roll_back(trainer, step, problem, actions)
        elif trainer.is_global_zero:
            self._carry_out(step, actions)
            if actions.interval or actions.score:  # for callbacks that look at `trainer.callback_metrics`
                module.log_dict(dict(self.latest), logger=False, rank_zero_only=True)

    def on_train_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Save a run that another callback stops, as a signal would."""
        step = step_of(module)
        if self.stopping or step.images_seen >= self.config.training.images:
            return
        problem = step.check(complete=False, spikes=False)
        if trainer.is_global_zero and problem:
            print_line(f"at {step.images_seen:,} images {problem}: this is not saved")
        elif trainer.is_global_zero:
            self.save(step, regular=False)

    def _roll_back(self, trainer: Trainer, step: TrainingStep, problem: str, actions: Actions) -> None:
        """Discard the steps since the last checkpoint. A run that stops early now finds the problem when it resumes,
        where it would have without the signal."""
        early = actions.stop == "early"
        trainer.should_stop = early or self.stop.failure is not None  # the last step no longer is the last
        if early and actions.check != "spikes":
            if trainer.is_global_zero:
                print_line(f"at {step.images_seen:,} images {problem}: this is not saved")
            return
        line = rollback(trainer, step, self.run, problem, self.early)
        self.early, self.shown = False, True
        if trainer.is_global_zero:
            self._start_log(step)
            print_line(line)

    def _carry_out(self, step: TrainingStep, actions: Actions) -> None:
        if actions != Actions() and not (self.run / CONFIG).is_file():  # writing would make a part of it again
            raise UserError(f"{self.run}: was deleted or moved; training stops at {step.images_seen:,} images")
        if actions.interval or actions.score:
            self._log_figures(step)
        if actions.stop == "early":  # save first: job systems kill soon after their signal
            to_show = actions.draw or bool(actions.score)
            self.save(step, regular=actions.regular, shown=not to_show)
            if not to_show:
                return
        self._show_and_save(step, actions)

    def _show_and_save(self, step: TrainingStep, actions: Actions) -> None:
        best = False
        try:
            if actions.draw:
                self._draw(step)
            if actions.score:
                best = self._score(step, last=actions.stop == "finished")
        except Exception:  # say, the real images are gone
            if not actions.stop:  # an early stop has saved; a last checkpoint would make the run count as finished
                with suppress(Exception):  # the first error is the one to report
                    self.save(step, regular=actions.regular, shown=False)
            raise
        if actions.save or best:
            regular = actions.regular or (best and actions.score == "due")
            self.save(step, regular=regular, best=best, finished=actions.stop == "finished")

    def save(
        self, step: TrainingStep, *, regular: bool, best: bool = False, shown: bool = True, finished: bool = False
    ) -> None:
        """Save a checkpoint, and the averaged generator as a model for use.

        regular: an uninterrupted run would save here, too; a rollback goes to such a checkpoint. shown: the pictures
        and scores that are due were made. finished: the model comes first, as the last checkpoint ends the run.
        """
        about = {
            "domain": self.spec.name, "classes": list(self.spec.names), "best": self.best, "best_of": self.best_of,
            "early": not regular, "shown": shown, "data": len(self.source),
        }  # fmt: skip
        if finished:
            self._save_model(step)
        provisional = self.early or not self.shown
        checkpoint.save(self.run / "checkpoints", {**step.state(), **about}, best=best, instead=provisional)
        self.early, self.shown = not regular, shown
        if not finished:
            self._save_model(step)

    def _save_model(self, step: TrainingStep) -> None:
        model = saved_model.Model(
            step.average, generator_settings(self.config, self.spec, step.plan), self.spec.name, self.spec.names,
            self.spec.colors, saved_model.mean_code(step.average), class_sets=step.class_sets,
            family=self.config.model.family, categories=tuple(item.category for item in self.spec.classes),
            ids=self.spec.scheme.ids,
        )  # fmt: skip
        about = {"images_seen": step.images_seen, "recipe": self.config.recipe}
        if self.config.adapt.source:
            about["adapted_from"] = self.config.adapt.source
        model_files.save(self.run / "model", model, about)

    def _start_log(self, step: TrainingStep) -> None:
        self.csv = MetricsCsv(self.run, step.images_seen)
        rewind(self.loggers, step.images_seen)
        self.clock, self.since = time.monotonic(), step.images_seen

    def _log(self, step: TrainingStep, figures: Mapping[str, float]) -> None:
        self.latest |= figures
        self.csv.write(step.images_seen, figures)
        log_figures(self.loggers, step.images_seen, figures)

    def _log_figures(self, step: TrainingStep) -> None:
        figures = {name: value.item() for name, value in step.figures.items()}
        now = time.monotonic()
        figures["images_per_second"] = (step.images_seen - self.since) / max(now - self.clock, 1e-9)
        self.clock, self.since = now, step.images_seen
        self._log(step, figures)

    def _draw(self, step: TrainingStep) -> None:
        drawn = average_pictures(step, self.config.output.samples, derive_seed(self.config.seed, "samples"))
        sheet = contact_sheet(to_uint8(drawn.images), drawn.labels.numpy(), self.spec.colors)
        with atomic_file(self.run / "samples" / f"{step.images_seen:06d}.png") as path:
            sheet.save(path)
        log_sheet(self.loggers, step.images_seen, sheet)

    def _score(self, step: TrainingStep, last: bool) -> bool:
        """Score the averaged generator, and report if this is the last time. Returns whether it is the best so far."""
        values = self._measure(step)
        selected = selection(values, self.deciding)
        figures = {f"score/{name}": value for name, value in values.items()}
        self._log(step, figures | ({"score/selection": selected} if len(self.deciding) > 1 else {}))
        self._judge_held_out(step)
        if best := selected < self.best:
            self.best = selected
        if last and self.scores and self.scores.columns:
            print_line(*self.scores.report(self.spec.names, values))
        return best

    def _judge_held_out(self, step: TrainingStep) -> None:
        """Log what the discriminator makes of held-out pictures, if there are any that can be read."""
        if self.held_out_source is None:
            return
        seed, device, classes = derive_seed(self.config.seed, "held out"), step.path_mean.device, len(self.spec.classes)
        if self.held_out is None:
            data = replace(self.config.data, on_error="skip")
            try:
                self.held_out = HeldOut(self.source, self.held_out_source, data, classes, seed, device)
            except UserError as error:
                print_line(f"warning: no score of held-out pictures: {error}")
                self.held_out_source = None
                return
        judged = self.held_out(step.discriminator, step.average, lambda count: average_codes(step, count, seed))
        self._log(step, {f"score/{name}": value for name, value in judged.items()})
        before, self.overfit = self.overfit, judged.get("overfit", 0.0)
        if min(before, self.overfit) >= TOO_MUCH and not self.config.training.augment and not self.advised:
            self.advised = True
            print_line(
                f"warning: training.augment=0: the discriminator has come to know the training pictures (overfit "
                f"{self.overfit:.2f}); stop, and resume with: composegan fit run={self.run} training.augment=adaptive"
            )

    def _measure(self, step: TrainingStep) -> dict[str, float]:
        count, seed = self.config.output.score_samples, derive_seed(self.config.seed, "score")
        if self.scores is None:
            metrics = [extension(self.config.output, "metrics", name) for name in score_names(self.config)]
            classes = len(self.spec.classes)
            device = step.path_mean.device
            self.scores = Scores(metrics, self.source, self.config.data, classes, count, seed, device)
        return self.scores(average_pictures(step, count, seed))


@torch.inference_mode()
def average_pictures(step: TrainingStep, count: int, seed: int, batch: int = 16) -> Generated:
    """`count` pictures of the averaged generator from the codes of `seed` and stored noise."""
    images, labels = [], []
    codes, sets = average_codes(step, count, seed, batch)
    classes = [None] * count if sets is None else sets.split(batch)
    for part, present in zip(codes.split(batch), classes, strict=False):
        result = step.average(part, classes=present)
        images.append(result.image.float().clamp(-1, 1).cpu())
        labels.append(result.mask.labels().cpu())
    return Generated(step.average, codes, sets, torch.cat(images), torch.cat(labels))


@torch.inference_mode()
def average_codes(
    step: TrainingStep, count: int, seed: int, batch: int = 16
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Codes (count, S) of the averaged generator from `seed`, and class sets (count, K) that they fit; None: all."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(count, step.average.latent_channels, generator=draws)
    sets = None if step.class_sets is None else step.class_sets.draw(count, draws)
    classes = [None] * count if sets is None else sets.split(batch)
    codes = [
        step.average.map(fitted(step.average, part.to(step.path_mean.device), present, [draws] * len(part)))
        for part, present in zip(z.split(batch), classes, strict=False)
    ]  # (B, S) each
    return torch.cat(codes), sets
