"""`composegan fit`: start a run or resume one, and train it to its last image."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import lightning
from lightning import Callback
from lightning.pytorch.loggers import Logger

from composegan.config.compose import Composed, compose_for_run, load_config, settings_of_run, write_config
from composegan.config.run_folder import CONFIG, require_run
from composegan.config.schema import Config
from composegan.data.loader import dead_reader
from composegan.data.look import warnings_at_hand
from composegan.data.warnings import data_warnings
from composegan.errors import UserError
from composegan.grouping.propose import splitting_of
from composegan.io.atomic import atomic_file
from composegan.io.lock import exclusive_lock
from composegan.networks.discriminator import deviation_group
from composegan.plugin.domain import Source
from composegan.runs import checkpoint
from composegan.runs.graceful_stop import GracefulStop
from composegan.runs.group_splitter import GroupSplitter
from composegan.runs.launch import launch
from composegan.runs.loggers import make_loggers
from composegan.runs.module import CompositionModule
from composegan.runs.new_run import new_run
from composegan.runs.prepare import (
    absent_classes,
    data_class_sets,
    first_step,
    held_out_source,
    make_loader,
    open_data,
    restored_step,
    settle,
    settle_grouping,
)
from composegan.runs.progress import ProgressLine
from composegan.runs.recorder import RunRecorder
from composegan.runs.trainer import make_trainer, needs_launch, world_size
from composegan.runtime.console import print_line
from composegan.runtime.ranks import is_first_process, lost_process
from composegan.training.divergence import DivergedError
from composegan.training.step import TrainingStep


def fit(composed: Composed, callbacks: Sequence[Callback] = (), loggers: Sequence[Logger] = ()) -> Path:
    """Train a new run. Returns its folder.

    callbacks, loggers: of Lightning's, besides those of the run; the module they get is a `CompositionModule`. With
    several devices the script itself must be started once per device, with torchrun.
    Raises UserError for devices, data or a disk that cannot be used; KeyboardInterrupt, after saving, when stopped.
    """
    config = composed.config
    ranks = world_size(config)
    source = open_data(composed)
    composed = settle(composed, source)
    _say(composed.notes)  # not before an error about the data
    composed = settle_grouping(composed, source, ranks * config.trainer.accumulate)
    if needs_launch(ranks):
        _require_none(callbacks, loggers)
        run = new_run(composed)
        launch(run, [], ranks, new=True)
        return run
    trainer = make_trainer(config)
    step, notes = first_step(composed, source, trainer.strategy.root_device)
    step.class_sets = step.class_sets or data_class_sets(composed, source)
    run = new_run(composed)  # last, so that a mistake leaves no folder
    with _sole_writer(run):
        _say(notes)
        return _train(trainer, run, composed, source, step, {}, callbacks, loggers)


def resume(
    run: Path,
    arguments: Sequence[str],
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
    *,
    new: bool = False,
) -> Path:
    """Continue a run from its newest readable checkpoint. Returns the run folder.

    arguments: settings that may change. new: it was just made, and has no checkpoint yet.
    Raises UserError when `run` is not a run, is in use, finished, or has only damaged checkpoints; otherwise as `fit`.
    """
    composed = compose_for_run(require_run(run), arguments)
    with settings_of_run(run, arguments):
        ranks = world_size(composed.config)
        if needs_launch(ranks):
            _require_none(callbacks, loggers)
            launch(run, arguments, ranks, new=new)
            return run
        trainer = make_trainer(composed.config)
    with _sole_writer(run):
        source = open_data(composed)
        step, state, notes = _continued(run, composed, source, trainer, new)
        if (had := state.get("data")) not in (None, len(source)):
            notes += [f"there were {had:,} images and are now {len(source):,}: they come in a different order"]
        step.class_sets = step.class_sets or data_class_sets(composed, source)
        was, now = load_config(run / CONFIG).training.augment, composed.config.training.augment
        notes += [f"training.augment: {now} from here on, after {was}"] * (now != was)
        _say(notes)
        if is_first_process():
            with atomic_file(run / CONFIG) as file:
                write_config(file, composed.config)
        return _train(trainer, run, composed, source, step, state, callbacks, loggers)


def _continued(
    run: Path, composed: Composed, source: Source, trainer: lightning.Trainer, new: bool
) -> tuple[TrainingStep, Mapping[str, Any], list[str]]:
    """The step to continue with, its checkpoint ({}: there is none) and what to say about it."""
    device = trainer.strategy.root_device
    newest = checkpoint.read_newest(run / "checkpoints")
    if newest is None:
        step, notes = first_step(composed, source, device)
        if not new:
            notes.insert(0, f"{run} stopped before its first checkpoint; starting again in the same folder")
        return step, {}, notes
    state, path, damaged = newest
    if (seen := state["images_seen"]) >= composed.config.training.images:
        more = f"composegan fit run={run} training.images={2 * seen}"
        raise UserError(f"run={run}: is finished ({seen} images); to train longer: {more}")
    step = restored_step(composed, state, path, device)
    notes = [damaged] if damaged else []
    notes += [f"resuming {run} at {seen:,} images"]
    then = state.get("parts", state.get("world", 1))
    now = trainer.world_size * composed.config.trainer.accumulate
    if then != now:  # random draws are seeded by part
        notes += [
            f"batches were split into {then} parts (devices x trainer.accumulate), and are now into {now}: the images "
            "come in the same order, but generated pictures are drawn from other codes"
        ]
    return step, state, notes


def _train(
    trainer: lightning.Trainer,
    run: Path,
    composed: Composed,
    source: Source,
    step: TrainingStep,
    before: Mapping[str, Any],
    callbacks: Iterable[Callback],
    loggers: Iterable[Logger],
) -> Path:
    """Train to the last image, or until a callback sets `trainer.should_stop`.

    before: the checkpoint that `step` continues from; {}: it starts.
    """
    config, spec = composed.config, composed.plugin.spec
    loader = make_loader(composed, source, step, trainer.global_rank, trainer.world_size)
    stop = GracefulStop(loader)
    splitter = [GroupSplitter(run, spec.names)] if splitting_of(config) else []
    recorder = RunRecorder(run, composed, source, before, stop, held_out_source(composed))
    callbacks = [*splitter, recorder, ProgressLine(config.training.images), *callbacks]
    cast(Any, trainer).callbacks += callbacks  # documented, but not declared
    trainer.loggers = [*make_loggers(config.trainer.logger, run, f"composegan-{spec.name}"), *loggers]
    flip = bool(config.data.flip) and not config.adapt.source  # an adaptation ignores labels
    warnings = [f"warning: {line}" for line in data_warnings(source, spec, flip=flip)]
    if is_first_process() and not config.adapt.source:
        absent, augment = absent_classes(composed, source), config.training.augment
        lines = warnings_at_hand(composed.plugin, config.data, source, augment, absent)
        warnings += [f"warning: {line}" for line in lines]
    if not config.data.root:
        warnings.insert(0, "data.root is empty: training on the drawn demo")
    groups = _about_groups(config, trainer.world_size)
    _say([_summary(trainer, composed, source, step), f"run: {run}", *groups, *warnings])
    with stop:
        _run_lightning(trainer, CompositionModule(step), loader, stop, run)
    if not trainer.is_global_zero:
        return run
    seen, early = f"{step.images_seen:,} images", step.images_seen < config.training.images
    if stop.failure and early:
        raise UserError(f"{stop.failure}; saved at {seen}; {_how_to_resume(run)}")
    if loader.skipped:
        print_line(f"skipped {len(loader.skipped)} images that could not be read")
    if stop.interrupted and early:
        print_line(f"stopped at {seen}; to resume: composegan fit run={run}")
        raise KeyboardInterrupt
    if early:
        print_line(f"stopped at {seen} by a callback; to resume: composegan fit run={run}")
        return run
    print_line(f"done: {seen}. Pictures are in {run / 'samples'}; next: composegan sample run={run}")
    return run


def _run_lightning(
    trainer: lightning.Trainer, module: CompositionModule, loader: Any, stop: GracefulStop, run: Path
) -> None:
    """Lightning's loop. Errors that end it say how to resume."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, loader)
    except SystemExit as end:  # Lightning's translation of KeyboardInterrupt
        signal.signal(signal.SIGINT, on_interrupt)
        raise KeyboardInterrupt from end
    except DivergedError:
        raise  # has its own remedy
    except UserError as error:
        if not (run / CONFIG).is_file():
            raise  # there is nothing to resume
        raise UserError(f"{error}; {_how_to_resume(run)}") from error
    except RuntimeError as error:
        reason = dead_reader(error)
        if trainer.world_size > 1 and lost_process(error):
            if stop.signalled or stop.interrupted:  # the other rank has stopped already
                raise KeyboardInterrupt from error
            reason = f"another of the {trainer.world_size} processes has ended"
        if reason is None:
            raise
        raise UserError(f"{reason}; {_how_to_resume(run)}") from error


def _summary(trainer: lightning.Trainer, composed: Composed, source: Source, step: TrainingStep) -> str:
    config, spec = composed.config, composed.plugin.spec
    millions = [
        f"{sum(weight.numel() for weight in network.parameters()) / 1e6:.2f} M"
        for network in (step.generator, step.discriminator)
    ]
    return (
        f"{spec.name}: {len(source):,} images at {config.data.height}x{config.data.width}, {len(spec.classes)} "
        f"classes; generator {millions[0]}, discriminator {millions[1]} parameters; "
        f"{trainer.world_size} x {trainer.strategy.root_device.type}, {trainer.precision}"
    )


def _about_groups(config: Config, devices: int) -> list[str]:
    """A line where the discriminator compares samples in other groups than those of at most four."""
    share = config.training.batch // (devices * config.trainer.accumulate)
    if (group := deviation_group(share)) in (2, 3, 4):
        return []
    given = f"training.batch={config.training.batch}: the discriminator sees {share} images at a time"
    if group == 1:
        return [f"{given} and cannot compare them (minibatch deviation); it can with a larger batch"]
    return [f"{given}, which 4, 3 and 2 do not divide; it compares them in groups of {group} (minibatch deviation)"]


def _how_to_resume(run: Path) -> str:
    return f"fix this, then resume with: composegan fit run={run}"


def _sole_writer(run: Path) -> AbstractContextManager[None]:
    """A lock on the run folder, which rank 0 alone writes to."""
    return exclusive_lock(run) if is_first_process() else nullcontext()


def _say(lines: Iterable[str]) -> None:
    if is_first_process() and (lines := list(lines)):
        print_line(*lines)


def _require_none(callbacks: Sequence[Callback], loggers: Sequence[Logger]) -> None:
    if callbacks or loggers:
        raise UserError("callbacks and loggers with several devices: start the script with torchrun, once per device")
