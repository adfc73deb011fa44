"""Which installed extensions the settings of a run name."""

from __future__ import annotations

from collections.abc import Sequence

from composegan.config.schema import Config
from composegan.config.validate import score_names
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import GROUPING, LOSS, LOWER, METRIC, SOURCE, Kind, Metric, source_address
from composegan.plugin.registry import Found


def used_extensions(config: Config) -> list[Found]:
    """The rows of the extensions that settings name, which none of composegan's own are.

    Raises UserError for one that is not installed (offering the nearest), cannot be used, or does not go with the rest.
    """
    named: list[tuple[Kind, str]] = []
    if isinstance(config.grouping, str):
        named.append((GROUPING, config.grouping.partition(":")[0]))
    if address := source_address(config.data.root):
        named.append((SOURCE, address[0]))
    named += [(METRIC, name) for name in score_names(config)]
    named.append((LOSS, config.training.loss))
    used = [registry.require(name, kind) for kind, name in named if name not in kind.own]
    _check_scores(config, [found for found in used if found.kind is METRIC])
    return [found for found in used if found.distribution != "composegan"]


def _check_scores(config: Config, metrics: Sequence[Found]) -> None:
    """Raise UserError for metrics that cannot be computed in this run, or cannot select its best checkpoint."""
    for found in metrics:
        metric: Metric = found.plugin
        if not metric.in_training:
            raise UserError(f"output.metrics: {found.name} is for `composegan evaluate` only; choose another metric")
        if metric.needs_masks and config.adapt.source:
            raise UserError(f"output.metrics: {found.name} may look at masks, and the images have none")
        if config.output.score_every and config.output.score_samples < metric.least:
            raise UserError(f"output.score_samples={config.output.score_samples}: {found.name} needs {metric.least}")
    if metrics[0].plugin.better != LOWER:
        raise UserError(
            f"output.metrics: the first metric selects the checkpoint with its lowest value, and higher is better for "
            f"{metrics[0].name}; name another one first"
        )
