"""The contracts of everything that a package can add besides domains.

An extension is an object of one of these classes, registered under the entry-point group of its kind; what composegan
ships is registered the same way (pyproject.toml). docs/extensions.md has an example of each. Standard library only, so
that extensions can be defined and listed without loading torch.

Settings of an extension: `settings` is a dataclass whose fields have defaults (`composegan.plugin.number` and `choice`
add bounds) and whose comments are the help text, as in `composegan/config/schema.py`. They are set with
`SETTING.NAME.key=value`, for example `training.loss.relativistic.margin=0.5`. The functions listed in a contract's
`CONFIGURED` then receive an instance as the keyword argument `settings`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from composegan.errors import UserError
from composegan.plugin import domain
from composegan.plugin.domain import DomainPlugin, DomainSpec, Source
from composegan.plugin.grouping_plan import GroupingPlan, Split

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from composegan.config.schema import Config
    from composegan.evaluation.evaluate import Evaluation
    from composegan.evaluation.generated import Generated
    from composegan.metrics.figure import Figure
    from composegan.metrics.rows import Rows
    from composegan.training.phases import Phase

LOWER, HIGHER = "lower", "higher"
"""Which values of a metric are better."""

API_VERSION = 1
"""The version of the contracts in this file. An extension made for another version is listed with an error."""


class Budget(Protocol):
    """What a grouping plan may cost: `budget(plan)` is whether a plan is within it."""

    @property
    def given(self) -> bool:
        """Whether anything is limited; if not, every plan is within the budget."""

    def __call__(self, plan: GroupingPlan, /) -> bool: ...

    def excess(self, plan: GroupingPlan, /) -> Mapping[str, str]:
        """What a plan exceeds: `budget.KEY=VALUE` -> the amount it needs, in words; empty within the budget."""

    def refusal(self, plans: Sequence[GroupingPlan], /) -> UserError:
        """The error for a budget that none of `plans` meets: says what the smallest needs."""


@dataclass(frozen=True)
class Splitting:
    """How a policy's groups are split while a run trains, every `training.split_every` images.

    settle: (config, spec, budget_of) -> the configuration with everything decided that the policy leaves open, at the
        start of a run, so that a longer or resumed run splits the same way; `budget_of(config)` is a `Budget`.
    last_groups: (argument, number of classes) -> the number of groups at which splitting stops.
    next_split: (plan, alike) -> the next split, or None if no group should be split. alike: (K, K), how much the
        gradients of two classes agree, -1 to 1; see `composegan.grouping.conflict.cosines`.
    describe: (settled config) -> what the policy will do, in words.
    """

    settle: Callable[[Config, DomainSpec, Callable[[Config], Budget]], Config]
    last_groups: Callable[[str, int], int]
    next_split: Callable[[GroupingPlan, np.ndarray], Split | None]
    describe: Callable[[Config], str]


def _accept(spec: DomainSpec, argument: str, **settings: Any) -> None:
    """Accept any argument."""


def _accept_config(config: Config, spec: DomainSpec, **settings: Any) -> None:
    """Accept any configuration."""


@dataclass(frozen=True)
class GroupingPolicy:
    """Which classes share generator weights: `grouping=NAME`, or `grouping=NAME:ARGUMENT`.

    propose: (spec, argument, statistics, budget) -> GroupingPlan of the domain's classes. argument: the text after the
        colon, "" without one; statistics: () -> `composegan.data.statistics.ClassStatistics` of the training images,
        measured on the first call; budget: a `Budget`. Must be deterministic: every rank calls it. May raise UserError.
    check: (spec, argument) -> None. Called before any data is read; raises UserError for an argument that cannot work.
    keeps_name: the plan follows from the number of classes alone, so that a run's config.yaml keeps the policy's name
        instead of the plan.
    splitting: for a policy whose plan changes during training. `propose` returns the first plan, without statistics.
    """

    CONFIGURED: ClassVar = ("propose", "check")

    propose: Callable[..., GroupingPlan]
    check: Callable[..., None] = _accept
    keeps_name: bool = False
    splitting: Splitting | None = None
    settings: type | None = None
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class DataSource:
    """Labelled images that are not in a folder: `data.root=NAME://ADDRESS`.

    open: (address, spec, split) -> Source. address: the text after `NAME://`, unchanged; split: "train" or
        "validation". `source[i]` is a `composegan.data.Sample`, the same for the same i in any process and order. The
        source is pickled into worker processes; a forked process must not use connections or threads of its parent.
        Raises UserError for whatever cannot be opened or read.
    """

    CONFIGURED: ClassVar = ("open",)

    open: Callable[..., Source]
    settings: type | None = None
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class Metric:
    """How far generated images are from real ones: `composegan evaluate metrics=NAME`, `fit output.metrics=NAME`.

    describe: (images uint8 (B, 3, H, W), labels uint8 (B, H, W), number of classes) -> (B, D), a row per image, all on
        the CPU. Called batch by batch; only the rows are kept, so that a set may be larger than memory.
    compare: (rows of real images (N, D), rows of generated ones (M, D)) -> float.
    better: LOWER or HIGHER. During training the first of `output.metrics` selects the best checkpoint; lower must be
        better for that one.

    The rest is optional.
    rows: instead of `describe`, rows that several metrics share, for example
        `composegan.metrics.backbone.EFFICIENTNET`; those of the real set are cached.
    summarize: (rows) -> what `compare` receives in place of the rows, for example their mean and covariance.
    least: images that each set needs.
    in_training: whether `output.metrics` may name it. needs_masks: whether it looks at labels, which adaptation to
        images without masks does not have.
    by_class: while a model trains, instead of `compare`: (real images uint8 (N, 3, H, W), their labels (N, H, W), K,
        device) -> a function of `composegan.evaluation.generated.Generated`, which returns columns by name, each (K,),
        NaN where undefined. The score is the mean of the first, 0..1, and higher is better. Listed after the first of
        `output.metrics`, such a metric takes part in selecting the best checkpoint; see `evaluation.scores.selection`.
    measure: (`composegan.evaluation.evaluate.Evaluation`) -> the figures of `composegan evaluate`, instead of the one
        of `compare`. May raise `composegan.metrics.figure.NotMeasuredError`. Without `compare`, this is all there is.
    on_every_rank: call `measure` in every process, because it shares work (`composegan.evaluation.shares`) among them.
    position: place in reports, lowest first.
    """

    CONFIGURED: ClassVar = ("describe", "summarize", "compare", "measure", "by_class")

    describe: Callable[..., Tensor] | None = None
    compare: Callable[..., float] | None = None
    better: str = LOWER
    settings: type | None = None
    api: int = API_VERSION
    rows: Rows | None = None
    summarize: Callable[[Tensor], Any] | None = None
    least: int = 1
    in_training: bool = True
    needs_masks: bool = True
    by_class: Callable[..., Callable[[Generated], Mapping[str, Tensor]]] | None = None
    measure: Callable[[Evaluation], Iterable[Figure]] | None = None
    on_every_rank: bool = False
    position: int = 100

    def __post_init__(self) -> None:
        _check(self)
        if self.measure is None and not (self.compare and (self.describe or self.rows)):
            raise UserError("a metric needs describe (or rows) and compare, or measure")
        if self.in_training and not (self.compare or self.by_class):
            raise UserError("a metric without compare needs in_training=False")
        if self.by_class and self.better != HIGHER:
            raise UserError("a metric with by_class needs better=HIGHER")
        if self.better not in (LOWER, HIGHER):
            raise UserError(f"better is {self.better!r}; {LOWER!r} or {HIGHER!r} is needed")


@dataclass(frozen=True)
class LossRecipe:
    """The training objective: `training.loss=NAME`.

    phases: (config.training) -> the phases of a step, in order; see `composegan.training.phases`. "Dmain" and "Gmain"
        train the networks at every step (grouping=progressive observes Gmain); a regularizer's name ends in "reg", and
        Adam is corrected for its interval. The progress line shows "loss/discriminator" and "loss/generator", which
        `trainer.spike` watches.
    image_phases: (config.training, keep) -> the same for adaptation to images without masks (keep: `adapt.keep`); None
        if the recipe has no such form.
    """

    CONFIGURED: ClassVar = ("phases", "image_phases")

    phases: Callable[..., Sequence[Phase]]
    image_phases: Callable[..., Sequence[Phase]] | None = None
    settings: type | None = None
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class Family:
    """A generator and a discriminator: `model.family=NAME`.

    generator_settings: (config, spec, plan) -> a mapping of plain values (numbers, texts, lists), which is saved with a
        model as "generator" in its config.json.
    generator: (generator settings) -> the generator. It has the attributes and methods of
        `composegan.networks.generator.Generator`, for example by being a subclass. One without codes of classes has a
        layout with `class_codes = False`, such as `composegan.networks.layer_slots.LayerLayout`.
    discriminator: (config, spec) -> the discriminator, like `composegan.networks.discriminator.Discriminator`. Of both
        networks, `trainer.compile` compiles the methods listed in `COMPILED`; without it, `forward`.
    check: (generator settings) -> None. Raises ValueError for settings, read from a file, that no such generator has;
        called before one is built.
    check_config: (config, spec) -> None. Called before any data is read; raises UserError for settings of a run that
        such networks cannot follow.
    """

    CONFIGURED: ClassVar = ("generator_settings", "discriminator", "check_config")

    generator_settings: Callable[..., Mapping[str, Any]]
    generator: Callable[[Mapping[str, Any]], nn.Module]
    discriminator: Callable[..., nn.Module]
    check: Callable[[Mapping[str, Any]], None]
    settings: type | None = None
    api: int = API_VERSION
    check_config: Callable[..., None] = _accept_config

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class Verb:
    """A command: `composegan NAME key=value ...`.

    summary: one line for `composegan --help`.
    run: (arguments) -> the exit status, or None for 0; arguments: the texts after the name. With `settings`, run
        receives an instance of it instead, filled in from the arguments. Raises UserError for a mistake of the user's.
    help: (arguments) -> the text of `composegan NAME --help`; None: the summary and the settings.
    """

    CONFIGURED: ClassVar = ()

    summary: str
    run: Callable[[Any], int | None]
    help: Callable[[Sequence[str]], str] | None = None
    settings: type | None = None
    api: int = API_VERSION

    def __post_init__(self) -> None:
        _check(self)


NAME = r"[A-Za-z][\w.+-]*"
"""What an extension may be called, so that it can be written in every setting."""


def source_address(root: str | None) -> tuple[str, str] | None:
    """`NAME://ADDRESS` -> (name, address); None for a folder or no root."""
    found = re.fullmatch(rf"({NAME})://(.*)", root or "", re.DOTALL)
    return (found[1], found[2]) if found else None


def _policy(value: Any) -> list[str]:
    named = isinstance(value, str) and not value.lstrip().startswith("[")  # a plan written as lists names none
    return [value.partition(":")[0]] if named else []


def _address(value: str | None) -> list[str]:
    return [found[0]] if (found := source_address(value)) else []


def _listed(value: str) -> list[str]:
    return [name for name in dict.fromkeys(map(str.strip, value.split(","))) if name not in ("", *METRIC.reserved)]


@dataclass(frozen=True)
class Kind:
    """What is registered under one entry-point group.

    word: what it is called in a sentence; setting: the setting that names one ("" for a verb); contract, api: the class
    that an entry point must be an instance of, and its version; named: (value of the setting) -> the names in it;
    reserved: words that have another meaning in the setting.
    """

    group: str
    word: str
    setting: str
    contract: type
    api: int = API_VERSION
    named: Callable[[Any], list[str]] = lambda value: [value]
    reserved: tuple[str, ...] = ()


DOMAIN = Kind("composegan.domains", "domain", "domain", DomainPlugin, domain.API_VERSION)
GROUPING = Kind("composegan.grouping", "grouping policy", "grouping", GroupingPolicy, named=_policy)
SOURCE = Kind("composegan.sources", "data source", "data.root", DataSource, named=_address)
METRIC = Kind("composegan.metrics", "metric", "metrics", Metric, named=_listed, reserved=("all",))
LOSS = Kind("composegan.losses", "loss recipe", "training.loss", LossRecipe)
FAMILY = Kind("composegan.families", "network family", "model.family", Family)
VERB = Kind("composegan.verbs", "verb", "", Verb)
EXTENSIONS = (GROUPING, SOURCE, METRIC, LOSS, FAMILY, VERB)
KINDS = (DOMAIN, *EXTENSIONS)


def _check(extension: Any) -> None:
    """Raise UserError unless the functions of an extension are callable and its settings are a dataclass."""
    for name, item in type(extension).__dataclass_fields__.items():
        value = getattr(extension, name)
        if "Callable" in str(item.type) and not callable(value) and not (value is None and item.default is None):
            raise UserError(f"{name} is a {type(value).__name__}; a function is needed")
    settings = extension.settings
    if settings is not None and not (isinstance(settings, type) and is_dataclass(settings)):
        raise UserError(f"settings is {settings!r}; a dataclass is needed")
