"""What a package can add besides domains: a grouping policy, a data source, a metric, a loss recipe.

Each is registered under an entry-point group of its own and found as domains are; docs/extensions.md has an example of
each. Standard library only, so that one can be defined and listed without loading torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from composegan.errors import UserError
from composegan.grouping.taxonomy import POLICIES
from composegan.plugin import domain
from composegan.plugin.domain import DomainPlugin, DomainSpec, Source

if TYPE_CHECKING:
    from torch import Tensor

    from composegan.config.schema import TrainingConfig
    from composegan.data.statistics import ClassStatistics
    from composegan.grouping.plan import GroupingPlan
    from composegan.training.phases import Phase

LOWER, HIGHER = "lower", "higher"
"""Which values of a metric are better."""

API_VERSION = 1
"""The version of the contracts in this file. What is made for another one is listed with its reason, not used."""


@dataclass(frozen=True)
class GroupingPolicy:
    """Which classes share generator weights: `grouping=NAME`, or `grouping=NAME:ARGUMENT`.

    propose: (spec, argument, statistics, fits) -> GroupingPlan of the domain's classes. argument: the text after the
        colon, "" without one; statistics: () -> `composegan.data.statistics.ClassStatistics` of the training images,
        measured when it is first called; fits: (plan) -> whether it is within the `budget` that was given, always
        True without one. A function of these alone: every process of a run asks for itself. May raise UserError.
    """

    propose: Callable[[DomainSpec, str, Callable[[], ClassStatistics], Callable[[GroupingPlan], bool]], GroupingPlan]
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _callable(self, "propose")


@dataclass(frozen=True)
class DataSource:
    """Labelled images that are in no folder: `data.root=NAME://ADDRESS`.

    open: (address, spec, split) -> Source. address: the text after `NAME://`, as it was given; split: "train" or
        "validation". `source[i]` is a `composegan.data.Sample`, the same one for the same i, whoever asks and in
        whatever order; the source is copied into worker processes, so it must pickle, and a process that was forked
        must not use connections or threads of its parent. What cannot be opened or read is a UserError.
    """

    open: Callable[[str, DomainSpec, str], Source]
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _callable(self, "open")


@dataclass(frozen=True)
class Metric:
    """How far generated pictures are from real ones: `composegan evaluate metrics=NAME`, `fit output.metrics=NAME`.

    describe: (images uint8 (B, 3, H, W), labels uint8 (B, H, W), number of classes) -> (B, D), a row a picture, all
        on the CPU. Pictures come in batches and only the rows are kept, so that a set may be larger than memory.
    compare: (rows of real pictures (N, D), rows of generated ones (M, D)) -> a number.
    better: "lower" or "higher". While a model trains, the best is kept by the first of `output.metrics`: a lower one.
    """

    describe: Callable[[Tensor, Tensor, int], Tensor]
    compare: Callable[[Tensor, Tensor], float]
    better: str = LOWER
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _callable(self, "describe", "compare")
        if self.better not in (LOWER, HIGHER):
            raise UserError(f"better is {self.better!r}; {LOWER!r} or {HIGHER!r} is needed")


@dataclass(frozen=True)
class LossRecipe:
    """What is trained on: `training.loss=NAME`.

    phases: (settings) -> the phases of a step, in order; see `composegan.training.phases` for what a phase is, and for
        the parts of which the built-in ones are made. "Dmain" and "Gmain" are the networks' own, at every step, and
        grouping=progressive watches the latter; a regularizer's name ends in "reg": Adam is corrected for its steps.
        The figures "loss/discriminator" and "loss/generator" are those that progress shows and `trainer.spike` watches.
    image_phases: (settings, keep) -> the same for adaptation to images without masks (`adapt.keep`); None: there is
        no such form.
    """

    phases: Callable[[TrainingConfig], Sequence[Phase]]
    image_phases: Callable[[TrainingConfig, float], Sequence[Phase]] | None = None
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _callable(self, "phases", *["image_phases"] * (self.image_phases is not None))


@dataclass(frozen=True)
class Kind:
    """What is registered under one entry-point group.

    word: what a person calls it; setting: where one is named; contract, api: what an entry point must be, and of which
    version; own: names that composegan has itself, and nobody else may register.
    """

    group: str
    word: str
    setting: str
    contract: type
    api: int
    own: tuple[str, ...] = ()


DOMAIN = Kind("composegan.domains", "domain", "domain", DomainPlugin, domain.API_VERSION)
GROUPING = Kind("composegan.grouping", "grouping policy", "grouping", GroupingPolicy, API_VERSION, POLICIES)
SOURCE = Kind("composegan.sources", "data source", "data.root", DataSource, API_VERSION)
METRIC = Kind("composegan.metrics", "metric", "metrics", Metric, API_VERSION)
LOSS = Kind("composegan.losses", "loss recipe", "training.loss", LossRecipe, API_VERSION, ("paper",))
EXTENSIONS = (GROUPING, SOURCE, METRIC, LOSS)
KINDS = (DOMAIN, *EXTENSIONS)

NAME = r"[A-Za-z][\w.+-]*"
"""What an extension may be called, so that it can be written in each of the settings."""


def source_address(root: str | None) -> tuple[str, str] | None:
    """`NAME://ADDRESS` -> (name, address); None for a folder, or nothing."""
    found = re.fullmatch(rf"({NAME})://(.*)", root or "", re.DOTALL)
    return (found[1], found[2]) if found else None


def _callable(extension: object, *names: str) -> None:
    for name in names:
        if not callable(value := getattr(extension, name)):
            raise UserError(f"{name} is a {type(value).__name__}; a function is needed")
