"""What a run needs before its first step: data, groups, class sets, and networks with their first weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from composegan.config.compose import Composed
from composegan.data import open_pictures, open_source, training_loader
from composegan.data.cache import cache_folder
from composegan.data.loader import TrainingLoader
from composegan.data.look import other_split
from composegan.data.statistics import ClassStatistics, class_statistics
from composegan.errors import UserError
from composegan.grouping.propose import policy_of, propose, settled_plan
from composegan.networks.class_sets import ClassSets
from composegan.planning.budget import Limits, is_set
from composegan.plugin.domain import DomainSpec, Source
from composegan.runs import checkpoint
from composegan.runs.adapt import start_from_model
from composegan.runtime.console import print_line
from composegan.runtime.ranks import is_first_process
from composegan.training.build import build
from composegan.training.class_sets import class_sets_of, settle_class_sets
from composegan.training.mirroring import settle_flip
from composegan.training.start import begin_with_data
from composegan.training.step import TrainingStep


def open_data(composed: Composed) -> Source:
    """The labelled images, or the images for an adaptation. Raises UserError when they cannot be used."""
    config = composed.config
    return (open_pictures if config.adapt.source else open_source)(composed.plugin, config.data)


def settle(composed: Composed, source: Source) -> Composed:
    """Decide the settings that depend on the data alone, with a line for each in `notes`."""
    spec = composed.plugin.spec
    config, chosen = settle_flip(composed.config, spec, len(source))
    config, lines = settle_class_sets(config, spec, source)
    return replace(composed, config=config, notes=[*composed.notes, *chosen, *lines])


def settle_grouping(composed: Composed, source: Source, parts: int) -> Composed:
    """Replace a grouping policy by the groups it proposes for this data, so that a resumed run has the same.

    parts: into how many a step's batch is split, over ranks and `trainer.accumulate`; for the budget.
    """
    config, spec = composed.config, composed.plugin.spec
    policy = policy_of(config)
    settled = policy is None or policy.keeps_name
    if settled and (config.adapt.source or not is_set(config.budget)):
        return composed
    batch, class_sets = config.training.batch // parts, data_class_sets(composed, source)
    if policy and policy.splitting:
        config = policy.splitting.settle(config, spec, lambda config: Limits(config, spec, batch, class_sets))
        _announce(config.grouping, policy.splitting.describe(config))
        return replace(composed, config=config)
    budget = Limits(config, spec, batch, class_sets)
    plan = propose(config, spec, lambda: _statistics(composed, source), budget)
    if settled:
        return composed
    names = plan.to_names(spec.names)
    _announce(config.grouping, "; ".join(", ".join(group) for group in names))
    return replace(composed, config=replace(config, grouping=names))


def _announce(grouping: Any, meaning: str) -> None:
    if is_first_process():
        print_line(f"grouping={grouping}: {meaning}")


def _statistics(composed: Composed, source: Source) -> ClassStatistics:
    data = composed.config.data
    return class_statistics(source, len(composed.plugin.spec.classes), cache=cache_folder(data), on_error=data.on_error)


def data_class_sets(composed: Composed, source: Source) -> ClassSets | None:
    """The class sets of the data, if generated pictures are to have them; None: all classes in each."""
    config = composed.config
    if config.training.class_sets != "data" or config.adapt.source:
        return None
    return class_sets_of(config, composed.plugin.spec, _statistics(composed, source))


def absent_classes(composed: Composed, source: Source) -> list[str]:
    """The classes that are in none of the pictures, as far as class sets need the statistics that show it."""
    if data_class_sets(composed, source) is None:
        return []
    area = _statistics(composed, source).area
    return [name for name, share in zip(composed.plugin.spec.names, area, strict=True) if share == 0]


def held_out_source(composed: Composed) -> Source | None:
    """The other split of the data, whose pictures the discriminator is not trained on; None: there is none."""
    config = composed.config
    found = None if config.adapt.source else other_split(composed.plugin, config.data)
    return found and found[1]


def new_step(composed: Composed, device: torch.device) -> TrainingStep:
    """Networks with new weights, on `device`."""
    config, spec = composed.config, composed.plugin.spec
    return TrainingStep(config, *build(config, spec, settled_plan(config, spec))).to(device)


def first_step(composed: Composed, source: Source, device: torch.device) -> tuple[TrainingStep, list[str]]:
    """What a run starts with: new weights, or those of the model that is adapted; and lines that say so."""
    step, adapted = new_step(composed, device), composed.config.adapt.source
    if adapted:
        return step, [start_from_model(step, Path(adapted))]
    generators = (step.generator, step.average)
    begin_with_data(generators, composed.config, composed.plugin.spec, lambda: _statistics(composed, source))
    return step, []


def restored_step(composed: Composed, state: Mapping[str, Any], path: Path, device: torch.device) -> TrainingStep:
    """Networks as the checkpoint `state`, read from `path`, has them.

    Raises UserError when it has other classes, another model, or all images of the run.
    """
    _check_origin(state, path, composed.plugin.spec)
    step = new_step(composed, device)
    with checkpoint.restoring(path):
        step.restore(state)
    return step


def _check_origin(state: Mapping[str, Any], path: Path, spec: DomainSpec) -> None:
    if state["domain"] != spec.name:
        raise UserError(f"{path}: has domain {state['domain']!r}, the run has {spec.name!r}")
    if state["classes"] != list(spec.names):
        raise UserError(
            f"{path}: was trained on other classes ({', '.join(state['classes'])}); "
            f"the domain has {', '.join(spec.names)}"
        )


def make_loader(composed: Composed, source: Source, step: TrainingStep, rank: int, world: int) -> TrainingLoader:
    """This rank's batches from the step's position on. Data that becomes unreadable ends them, see `GracefulStop`."""
    config, spec = composed.config, composed.plugin.spec
    loader = training_loader(
        source,
        classes=len(spec.classes),
        batch=config.training.batch // world,
        height=config.data.height,
        width=config.data.width,
        seed=config.seed,
        rank=rank,
        world=world,
        start=step.position,
        workers=config.data.workers,
        flip=bool(config.data.flip),
        mirrored=spec.mirrored,
        on_error=config.data.on_error,
    )
    loader.patient = True
    return loader
