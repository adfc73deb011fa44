"""Networks from configuration and domain."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from composegan.config.schema import Config
from composegan.networks.discriminator import Discriminator
from composegan.networks.generator import Generator
from composegan.plugin.domain import DomainSpec
from composegan.plugin.grouping_plan import GroupingPlan


def generator_settings(config: Config, spec: DomainSpec, plan: GroupingPlan) -> dict[str, Any]:
    """Keyword arguments of `Generator`, as plain values for a saved model's config."""
    settings = {key: value for key, value in asdict(config.model).items() if not key.startswith("discriminator_")}
    return {
        "classes": len(spec.classes),
        "height": config.data.height,
        "width": config.data.width,
        "group_of": list(plan.group_of),
        "transparent": list(spec.transparent),
        **settings,
    }


def build(config: Config, spec: DomainSpec, plan: GroupingPlan) -> tuple[Generator, Discriminator]:
    """Both networks with weights drawn from `config.seed`, in channels-last memory order."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = Generator(**generator_settings(config, spec, plan))
        discriminator = Discriminator(
            classes=len(spec.classes),
            height=config.data.height,
            width=config.data.width,
            multiplier=config.model.discriminator_multiplier,
            max_channels=config.model.discriminator_max_channels,
        )
    # Convolutions and the fixed filter are several times faster in this order, on CPU and on GPU.
    order = torch.channels_last
    return generator.to(memory_format=order), discriminator.to(memory_format=order)
