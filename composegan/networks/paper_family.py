"""`model.family=paper`: the generator and discriminator of SemanticStyleGAN (arXiv 2112.02236)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from composegan.errors import UserError
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin.contracts import Family
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.config.schema import Config

LARGEST = 4096
"""The largest number in a generator's settings."""

SIZES = (
    "classes", "height", "width", "latent_channels", "mapping_layers", "local_layers", "base_layers", "depth_layers",
    "local_channels", "coarse_channels", "coarse_size", "min_feat_size", "max_channels",
)  # fmt: skip
KNOWN = frozenset(inspect.signature(Generator).parameters)
LISTS = ("group_of", "transparent")


def generator_settings(config: Config, spec: DomainSpec, plan: GroupingPlan) -> dict[str, Any]:
    """Keyword arguments of `Generator`, as plain values that go into a saved model's config."""
    elsewhere = ("family", "extensions")
    return {
        "classes": len(spec.classes),
        "height": config.data.height,
        "width": config.data.width,
        "group_of": list(plan.group_of),
        "transparent": list(spec.transparent),
        **{
            key: value
            for key, value in asdict(config.model).items()
            if key not in elsewhere and not key.startswith("discriminator_")
        },
    }


def generator(settings: Mapping[str, Any]) -> Generator:
    """The generator of those settings, with new weights."""
    return Generator(**settings)


def discriminator(config: Config, spec: DomainSpec) -> Discriminator:
    """The discriminator, with new weights."""
    return Discriminator(**discriminator_settings(config, spec))


def discriminator_settings(config: Config, spec: DomainSpec) -> dict[str, Any]:
    """Keyword arguments of `Discriminator`."""
    return {
        "classes": len(spec.classes),
        "height": config.data.height,
        "width": config.data.width,
        "multiplier": config.model.discriminator_multiplier,
        "max_channels": config.model.discriminator_max_channels,
    }


def check_config(config: Config, spec: DomainSpec) -> None:
    """Raise UserError for a loss that redraws real pictures from their label maps, which this generator cannot."""
    if config.training.loss == "modern" and config.training.extensions.get("loss.modern.repaint") != 0:
        raise UserError(
            f"training.loss=modern: repaints real pictures, which model.family={config.model.family} cannot; set "
            "training.loss=paper, or training.loss.modern.repaint=0"
        )


def check(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for sizes out of range, and for lists that are not of classes.

    A generator with wrong sizes might take forever to build. settings: keyword arguments of `Generator`; those left out
    have their defaults, and unknown ones are not checked.
    """
    classes = settings["classes"]
    for key, value in settings.items():
        if key in SIZES and not (type(value) is int and 1 <= value <= LARGEST):
            raise ValueError(f"{key} is {_shown(value)}; a whole number from 1 to {LARGEST} is needed")
        if key in LISTS and value is not None and not _are_below(value, classes):
            raise ValueError(f"{key} is {_shown(value)}; a list of numbers below {_shown(classes)} is needed")
        if isinstance(value, (int, float)) and not 0 <= value <= LARGEST:  # refuses NaN as well
            raise ValueError(f"{key} is {_shown(value)}; a number from 0 to {LARGEST} is needed")
    for key in ("height", "width", "coarse_size", "min_feat_size"):
        if settings.get(key, LARGEST) < 4:
            raise ValueError(f"{key} is {settings[key]}; at least 4 is needed")
    if settings.get("group_of") and len(settings["group_of"]) != classes:
        raise ValueError(f"group_of has {len(settings['group_of'])} numbers for {classes} classes")


def check_own(settings: Mapping[str, Any]) -> None:
    """As `check`; also raises ValueError for settings that `Generator` does not have."""
    for key in sorted(map(str, settings.keys() - KNOWN)):
        raise ValueError(f"family paper has no setting {key[:40]}")
    check(settings)


def _are_below(value: Any, most: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        type(k) is int and type(most) is int and 0 <= k < most for k in value
    )


def _shown(value: Any) -> str:
    return repr(value)[:40]


family = Family(
    generator_settings=generator_settings,
    generator=generator,
    discriminator=discriminator,
    check=check_own,
    check_config=check_config,
)
