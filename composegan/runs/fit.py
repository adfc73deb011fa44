"""`composegan fit`: a run folder, a trainer, and the training itself."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import lightning

from composegan.config.compose import Composed, compose_for_run, settings_of_run, write_config
from composegan.config.run_folder import CONFIG, require_run
from composegan.config.validate import SCORES, score_names
from composegan.data import open_pictures, open_source, training_loader
from composegan.data.loader import TrainingLoader, dead_reader
from composegan.data.open import cache_folder
from composegan.data.statistics import ClassStatistics, class_statistics
from composegan.errors import UserError
from composegan.grouping.policies import propose
from composegan.grouping.scheduler import in_words, is_progressive
from composegan.io.atomic import atomic_file
from composegan.io.lock import exclusive_lock
from composegan.networks.class_sets import ClassSets
from composegan.planning.budget import is_set, within
from composegan.planning.progressive import settled
from composegan.plugin.domain import DomainSpec, Source
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.runs import checkpoint
from composegan.runs.adapt import begin
from composegan.runs.group_splitter import GroupSplitter
from composegan.runs.new_run import new_run
from composegan.runs.progress import Progress
from composegan.runs.recorder import GracefulStop, RunRecorder
from composegan.runs.trainer import make_trainer
from composegan.runtime.console import print_line
from composegan.runtime.ranks import is_first_process, lost_process
from composegan.training.build import build, generator_settings
from composegan.training.class_sets import class_sets_of
from composegan.training.divergence import DivergedError
from composegan.training.module import CompositionModule, parameters_of


def fit(composed: Composed) -> Path:
    """Train from the beginning. Returns the run folder.

    Raises UserError for devices, data or a disk that cannot be used; KeyboardInterrupt, after saving, when stopped.
    """
    trainer = make_trainer(composed.config)
    source = _open_data(composed)
    composed = _settle_grouping(composed, source, trainer.world_size * composed.config.trainer.accumulate)
    module, notes = _first_module(composed)
    if is_first_process() and notes:
        print_line(*notes)
    module.class_sets = module.class_sets or _class_sets(composed, source)
    run = new_run(composed)  # last, so that a mistake leaves no folder
    with exclusive_lock(run) if is_first_process() else nullcontext():
        return _train(trainer, run, composed, source, module, {})


def resume(run: Path, arguments: list[str]) -> Path:
    """Continue a run where its newest whole checkpoint left it. Returns the run folder.

    Raises UserError when `run` is not a run, another process goes on with it, its checkpoints are damaged or of another
    model, or it is finished; otherwise as `fit`.
    """
    require_run(run)
    with exclusive_lock(run) if is_first_process() else nullcontext():
        return _resume(run, arguments)


def _resume(run: Path, arguments: list[str]) -> Path:
    composed = compose_for_run(require_run(run), arguments)
    with settings_of_run(run, arguments):
        trainer = make_trainer(composed.config)
    newest = checkpoint.read_newest(run / "checkpoints")
    if newest:
        module = _module(composed)
        state, path, damaged = newest
        _check_origin(state, path, composed.plugin.spec)
        _check_unfinished(run, state["images_seen"], composed.config.training.images)
        _restore(module, state, path)
        notes = [damaged] if damaged else []
        notes += [f"continuing {run} from {module.images_seen:,} images"]
        then = state.get("parts", state.get("world", 1))
        now = trainer.world_size * composed.config.trainer.accumulate
        if then != now:  # what is drawn for a picture hangs on its part of the batch
            notes += [
                f"a step was done in {then} parts (devices x trainer.accumulate) and now is in {now}: "
                "the images come in the same order, and the codes drawn for generated pictures are others"
            ]
    else:
        module, notes = _first_module(composed)
        notes = [f"{run} stopped before its first checkpoint; starting anew in the same folder", *notes]
    source = _open_data(composed)
    if newest and (had := state.get("data")) not in (None, len(source)):
        notes += [f"there were {had:,} images and now are {len(source):,}: they come in another order"]
    module.class_sets = module.class_sets or _class_sets(composed, source)
    if is_first_process():
        print_line(*notes)
        with atomic_file(run / CONFIG) as file:
            write_config(file, composed.config)
    return _train(trainer, run, composed, source, module, state if newest else {})


def _module(composed: Composed) -> CompositionModule:
    config, spec = composed.config, composed.plugin.spec
    return CompositionModule(config, *build(config, spec, GroupingPlan.parse(config.grouping, spec.names)))


def _first_module(composed: Composed) -> tuple[CompositionModule, list[str]]:
    """What a run begins with: new weights, or those of the model that is adapted; and what to say about it."""
    module, adapted = _module(composed), composed.config.adapt.source
    return module, [begin(module, Path(adapted))] if adapted else []


def _open_data(composed: Composed) -> Source:
    """Labelled images, or just images for an adaptation."""
    config = composed.config
    return (open_pictures if config.adapt.source else open_source)(composed.plugin, config.data)


def _settle_grouping(composed: Composed, source: Source, world: int) -> Composed:
    """What `grouping` means on this data, as lists of names: so that a run that goes on has the same groups."""
    config, spec = composed.config, composed.plugin.spec
    settle = isinstance(config.grouping, str) and config.grouping not in ("per_class", "single")
    if not settle and (config.adapt.source or not is_set(config.budget)):
        return composed
    batch, class_sets = config.training.batch // world, _class_sets(composed, source)
    if is_progressive(config.grouping):
        config = settled(config, spec, batch, class_sets)
        if is_first_process():
            print_line(f"grouping={config.grouping}: {in_words(config)}")
        return replace(composed, config=config)
    limits = within(config, spec, batch, class_sets)
    plan = propose(config.grouping, spec, lambda: _statistics(composed, source), limits)
    if not settle:
        return composed
    if is_first_process():
        print_line(f"grouping={config.grouping}: " + "; ".join(", ".join(group) for group in plan.to_names(spec.names)))
    return replace(composed, config=replace(config, grouping=plan.to_names(spec.names)))


def _statistics(composed: Composed, source: Source) -> ClassStatistics:
    data = composed.config.data
    return class_statistics(source, len(composed.plugin.spec.classes), cache=cache_folder(data), on_error=data.on_error)


def _class_sets(composed: Composed, source: Source) -> ClassSets | None:
    """The data's, where generated pictures are to have them; a checkpoint keeps them for the runs that go on."""
    config = composed.config
    if config.training.class_sets == "all" or config.adapt.source:
        return None
    return class_sets_of(config, composed.plugin.spec, _statistics(composed, source))


def _train(
    trainer: lightning.Trainer,
    run: Path,
    composed: Composed,
    source: Source,
    module: CompositionModule,
    before: Mapping[str, Any],
) -> Path:
    """From where `module` is to the last image. before: the checkpoint that it was taken from; {}: it begins."""
    config, spec = composed.config, composed.plugin.spec
    same = before.get("best_of", SCORES[0]) == score_names(config)[0]  # older checkpoints do not say
    best = before.get("best", inf) if same else inf
    settings = generator_settings(config, spec, GroupingPlan.parse(config.grouping, spec.names))
    splitting = [GroupSplitter(run, config, spec)] if is_progressive(config.grouping) else []
    loader = training_loader(
        source,
        classes=len(spec.classes),
        batch=config.training.batch // trainer.world_size,
        height=config.data.height,
        width=config.data.width,
        seed=config.seed,
        rank=trainer.global_rank,
        world=trainer.world_size,
        start=module.position,
        workers=config.data.workers,
        flip=config.data.flip,
        mirrored=spec.mirrored,
        on_error=config.data.on_error,
    )
    loader.patient = True  # so that a run whose data is gone is saved as it is
    ending = GracefulStop(config.training.images, loader)
    keeper = RunRecorder(run, config, spec, source, settings, before, best, ending)
    trainer.callbacks += [ending, *splitting, keeper, Progress(config.training.images)]
    if trainer.is_global_zero:
        size = f"{config.data.height}x{config.data.width}"
        millions = [f"{parameters_of([network]) / 1e6:.2f} M" for network in (module.generator, module.discriminator)]
        print_line(
            f"{spec.name}: {len(source):,} images at {size}, {len(spec.classes)} classes; "
            f"generator {millions[0]}, discriminator {millions[1]} parameters; "
            f"{trainer.world_size} x {trainer.strategy.root_device.type}, {trainer.precision}",
            f"run: {run}",
        )
    _loop(trainer, module, loader, keeper, ending)
    if trainer.is_global_zero:
        if ending.failure and module.images_seen < config.training.images:
            raise UserError(f"{ending.failure}; saved at {module.images_seen:,} images; {_afterwards(run)}")
        if loader.skipped:
            print_line(f"skipped {len(loader.skipped)} images that could not be read")
        if ending.interrupted:
            print_line(f"stopped at {module.images_seen:,} images; to continue: composegan fit run={run}")
            raise KeyboardInterrupt
        print_line(
            f"done: {module.images_seen:,} images. Pictures in {run / 'samples'}; next: composegan sample run={run}"
        )
    return run


def _loop(
    trainer: lightning.Trainer,
    module: CompositionModule,
    loader: TrainingLoader,
    keeper: RunRecorder,
    ending: GracefulStop,
) -> None:
    """Lightning's loop. What ends it early is told with how to continue."""
    on_interrupt, whole = signal.getsignal(signal.SIGINT), False
    try:
        trainer.fit(module, loader)
        whole = True
    except SystemExit as end:  # what Lightning makes of KeyboardInterrupt
        signal.signal(signal.SIGINT, on_interrupt)
        raise KeyboardInterrupt from end
    except DivergedError:
        raise  # says itself what to do
    except UserError as error:
        raise UserError(f"{error}; {_afterwards(keeper.run)}") from error
    except RuntimeError as error:
        reason = dead_reader(error)
        if trainer.world_size > 1 and lost_process(error):
            if ending.told:  # and the other, too, which has obeyed already
                raise KeyboardInterrupt from error
            reason = f"another of the {trainer.world_size} processes has ended"
        if reason is None:
            raise
        raise UserError(f"{reason}; {_afterwards(keeper.run)}") from error
    finally:
        if not whole and (launcher := trainer.strategy.launcher):
            launcher.kill(signal.SIGKILL)  # processes that Lightning has started, which would wait for this one


def _afterwards(run: Path) -> str:
    return f"once that is mended, continue with: composegan fit run={run}"


def _check_unfinished(run: Path, seen: int, images: int) -> None:
    if seen >= images:
        more = f"composegan fit run={run} training.images={2 * seen}"
        raise UserError(f"run={run}: is finished ({seen} images); to train longer: {more}")


def _restore(module: CompositionModule, state: dict[str, Any], path: Path) -> None:
    try:
        module.restore(state)
    except Exception as error:  # in a file that anybody may have written anything can go wrong
        raise UserError(f"{path}: is of another model ({' '.join(str(error).split())[:200]})") from error


def _check_origin(state: dict[str, Any], path: Path, spec: DomainSpec) -> None:
    if state["domain"] != spec.name:
        raise UserError(f"{path}: is of domain {state['domain']!r}, the run's is {spec.name!r}")
    if state["classes"] != list(spec.names):
        raise UserError(
            f"{path}: was trained on other classes ({', '.join(state['classes'])}); "
            f"the domain has {', '.join(spec.names)}"
        )
