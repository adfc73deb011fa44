"""The public names for plug-in authors: domains, the contracts of extensions, and their settings.

Importing this package loads the standard library only; `read_domain_file` loads its YAML reader when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from composegan.errors import UserError, nearest
from composegan.plugin.contracts import (
    HIGHER,
    LOWER,
    Budget,
    DataSource,
    Family,
    GroupingPolicy,
    LossRecipe,
    Metric,
    Splitting,
    Verb,
)
from composegan.plugin.domain import DomainPlugin, DomainSpec, Recipe, SemanticClass, Source
from composegan.plugin.fields import choice, number
from composegan.plugin.grouping_plan import GroupingPlan, Split

if TYPE_CHECKING:
    from composegan.plugin.domain_file import read_domain_file

__all__ = [
    "HIGHER",
    "LOWER",
    "Budget",
    "DataSource",
    "DomainPlugin",
    "DomainSpec",
    "Family",
    "GroupingPlan",
    "GroupingPolicy",
    "LossRecipe",
    "Metric",
    "Recipe",
    "SemanticClass",
    "Source",
    "Split",
    "Splitting",
    "UserError",
    "Verb",
    "choice",
    "nearest",
    "number",
    "read_domain_file",
]


def __getattr__(name: str) -> Any:
    if name == "read_domain_file":
        from composegan.plugin.domain_file import read_domain_file

        return read_domain_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
