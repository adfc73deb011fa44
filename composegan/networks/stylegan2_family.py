"""`model.family=stylegan2`: one generator for the whole picture, to compare compositional generators with.

SemanticStyleGAN (arXiv 2112.02236) compares itself with StyleGAN2 (arXiv 1912.04958). Here it draws the mask as well,
so that the same discriminator judges it and the same figures measure it: what differs is that no code belongs to a
class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from composegan.errors import UserError
from composegan.networks import paper_family
from composegan.networks.discriminator import halvings
from composegan.networks.global_generator import GlobalGenerator
from composegan.plugin.contracts import Family
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.config.schema import Config

OWN = (
    "classes", "height", "width", "latent_channels", "mapping_layers", "mapping_rate", "channel_multiplier",
    "coarse_size", "mask_rank", "noise",
)  # fmt: skip
"""The settings of the paper's generator that this one has as well. The others only decide its number of parameters."""

NEEDED = {
    "grouping": "per_class", "training.class_sets": "all", "training.presence": 0.0, "model.adapter_rank": 0,
    "model.embedding": None, "model.texture_threshold": 0.0, "model.texture_capacity": 1.0,
}  # fmt: skip
"""The values of settings about classes with which they mean nothing."""


def generator_settings(config: Config, spec: DomainSpec, plan: GroupingPlan) -> dict[str, Any]:
    """Keyword arguments of `GlobalGenerator`, with about as many parameters as the paper's generator would have."""
    paper = paper_family.generator_settings(config, spec, plan)
    own = {key: paper[key] for key in OWN}
    return {**own, "max_channels": widest(own, parameters_of(paper_family.generator, paper))}


def widest(settings: Mapping[str, Any], parameters: int) -> int:
    """`max_channels` with which a generator of these settings comes nearest to a number of parameters from below.

    It widens the layers of low resolution, which hold most of the parameters and take little of the time.
    """
    low, high = 1, paper_family.LARGEST
    while low < high:
        middle = (low + high + 1) // 2
        fits = parameters_of(generator, {**settings, "max_channels": middle}) <= parameters
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def parameters_of(build: Callable[[Mapping[str, Any]], nn.Module], settings: Mapping[str, Any]) -> int:
    """The number of parameters of a generator of these settings, which is not built in memory."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(settings).parameters())


def generator(settings: Mapping[str, Any]) -> nn.Module:
    """The generator of those settings, with new weights."""
    return GlobalGenerator(**settings)


def check(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for settings, read from a file, that no `GlobalGenerator` has."""
    for key in sorted(map(str, settings.keys() - {*OWN, "max_channels"})):
        raise ValueError(f"family stylegan2 has no setting {key[:40]}")
    paper_family.check(settings)


def check_config(config: Config, spec: DomainSpec) -> None:
    """Raise UserError, naming all of them, for settings about classes that a generator without parts cannot follow.

    Also for a longer side that the doublings, which begin at a shorter side of 4 or 3, do not reach.
    """
    sides = (("data.height", config.data.height), ("data.width", config.data.width))
    (_, short), (key, long) = sorted(sides, key=lambda side: side[1])
    step = 1 << halvings(short)
    if long % step:
        near = f"{long // step * step} or {(long // step + 1) * step}"
        raise UserError(f"{key}={long}: must be a multiple of {step} for model.family=stylegan2, such as {near}")
    needed = dict(NEEDED)
    if config.training.loss == "modern":
        needed["training.loss"] = "paper"  # the other edits and redraws classes
    if config.adapt.source:
        needed |= {"adapt.freeze": "none", "adapt.keep": 0.0}
    wrong = {key: value for key, value in needed.items() if attrgetter(key)(config) not in (value, "auto")}
    if wrong:
        given = ", ".join(f"{key}={_shown(attrgetter(key)(config))}" for key in wrong)
        remedy = " ".join(f"{key}={_shown(value)}" for key, value in wrong.items())
        raise UserError(
            f"model.family={config.model.family}: is one generator for the whole picture, to which {given} "
            f"{'does' if len(wrong) == 1 else 'do'} not apply; set {remedy}"
        )


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


family = Family(
    generator_settings=generator_settings,
    generator=generator,
    discriminator=paper_family.discriminator,
    check=check,
    check_config=check_config,
)
