"""Networks from configuration and domain, by the family that `model.family` names."""

from __future__ import annotations

from typing import Any

import torch

from composegan.config.extensions import extension
from composegan.config.schema import Config
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def generator_settings(config: Config, spec: DomainSpec, plan: GroupingPlan) -> dict[str, Any]:
    """The generator's settings, as plain values for a saved model's config."""
    with extension(config.model, "family").use() as family:
        return dict(family.generator_settings(config, spec, plan))


def build(config: Config, spec: DomainSpec, plan: GroupingPlan) -> tuple[Generator, Discriminator]:
    """Both networks with weights drawn from `config.seed`, in channels-last memory order.

    Raises UserError for a family that is not installed or fails.
    """
    with torch.random.fork_rng(devices=[]), extension(config.model, "family").use() as family:
        torch.manual_seed(config.seed)
        generator = family.generator(family.generator_settings(config, spec, plan))
        discriminator = family.discriminator(config, spec)
    # Convolutions and the fixed filter are several times faster in this order, on CPU and on GPU.
    order = torch.channels_last
    return generator.to(memory_format=order), discriminator.to(memory_format=order)
