"""Which installed extensions the settings of a run name."""

from __future__ import annotations

from composegan.config.schema import Config
from composegan.config.validate import SCORES, score_names
from composegan.errors import UserError
from composegan.plugin import registry
from composegan.plugin.contracts import GROUPING, LOSS, METRIC, SOURCE, Kind, source_address
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
    scores = score_names(config)
    named += [(METRIC, name) for name in scores if name not in SCORES]
    named.append((LOSS, config.training.loss))
    used = [registry.require(name, kind) for kind, name in named if name not in kind.own]
    for found in used:
        if found.kind is METRIC and config.adapt.source:
            raise UserError(f"output.metrics: {found.name} may look at masks, and the images have none")
        if found.kind is METRIC and found.name == scores[0] and found.plugin.better != "lower":
            raise UserError(f"output.metrics: by the first the best is kept, and of {found.name} more is better")
    return used
