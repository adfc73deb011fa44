"""What the values of a configuration may be, beyond the type and bounds of each. Standard library only."""

from __future__ import annotations

import re

from composegan.config.extensions import extension
from composegan.config.lists import names_in
from composegan.config.schema import Config, DataConfig, ModelConfig
from composegan.config.settings import check_bounds
from composegan.config.sizes import check_picture, check_sizes
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import LOWER, METRIC, Metric
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def validate(config: Config, spec: DomainSpec) -> None:
    """Raise UserError, naming the key and the remedy, for the first value that cannot work."""
    check_bounds(config)
    check_sizes(config)
    validate_data(config.data)
    if not config.output.root.strip():
        raise UserError("output.root=: must be a folder; leave it out for runs")
    devices = config.trainer.devices
    if not re.fullmatch(r"auto|-1|[1-9][0-9]{0,4}|[0-9]{1,5}(,[0-9]{1,5})+", devices):
        raise UserError(f"trainer.devices={devices}: auto, a number, or device numbers such as 0,2 needed")
    if config.training.presence and config.training.class_sets != "data":
        raise UserError(f"training.presence={config.training.presence}: needs training.class_sets=data")
    _check_scores(config)
    _check_layers(config.model)
    _check_grouping(config, spec)
    with extension(config.model, "family").use() as family:
        family.check_config(config, spec)


def score_names(config: Config) -> list[str]:
    """The metrics that `output.metrics` names. Raises UserError for an unknown one, or none."""
    known = registry.names(METRIC)
    names = names_in(config.output.metrics, known, "output.metrics")
    if not names:
        raise UserError(f"output.metrics=: which? some of: {', '.join(known)}; without scores: output.score_every=0")
    return names


def deciding_scores(config: Config) -> list[str]:
    """The metrics that select the best checkpoint: the first of `output.metrics`, and those by class after it."""
    first, *more = score_names(config)
    return [first, *(name for name in more if registry.require(name, METRIC).plugin.by_class)]


def validate_data(data: DataConfig) -> None:
    """The part of `validate` that concerns `data` alone."""
    check_bounds(data, "data.")
    if data.root and data.demo:
        raise UserError(f"give data.root={data.root} or data.demo={data.demo}, not both")
    check_picture(data)


def _check_scores(config: Config) -> None:
    """Raise UserError for metrics that cannot be computed in this run, or cannot select its best checkpoint."""
    metrics: dict[str, Metric] = {name: registry.require(name, METRIC).plugin for name in score_names(config)}
    for name, metric in metrics.items():
        if not metric.in_training:
            raise UserError(f"output.metrics: {name} is for `composegan evaluate` only; choose another metric")
        if metric.needs_masks and config.adapt.source:
            raise UserError(f"output.metrics: {name} may look at masks, and the images have none")
        if config.output.score_every and config.output.score_samples < metric.least:
            raise UserError(f"output.score_samples={config.output.score_samples}: {name} needs {metric.least}")
    first = next(iter(metrics))
    if metrics[first].better != LOWER:
        raise UserError(
            f"output.metrics: the first metric selects the checkpoint with its lowest value, and higher is better for "
            f"{first}; name another one first"
        )


def _check_grouping(config: Config, spec: DomainSpec) -> None:
    if not isinstance(config.grouping, str):
        GroupingPlan.from_names(config.grouping, spec.names)
        return
    with extension(config, "grouping").use() as policy:
        policy.check(spec, config.grouping.partition(":")[2])


def _check_layers(model: ModelConfig) -> None:
    """A local generator's layers: those of the base codes, then up to the depth head, then texture."""
    base, depth, local = model.base_layers, model.depth_layers, model.local_layers
    if base > depth:
        raise UserError(f"model.base_layers={base}: must be at most model.depth_layers={depth}")
    if depth > local:
        raise UserError(f"model.depth_layers={depth}: must be at most model.local_layers={local}")
