"""Images within the range that a file can store: `model.family=bounded`.

The paper's generator may produce colours beyond -1..1, which are clipped when an image is saved; this one does not, so
that the discriminator sees what a file will contain. `model.family.bounded.limit=1.2` allows a little more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from composegan.networks import paper_family as paper
from composegan.networks.generator import Generator, Synthesis
from composegan.plugin import DomainSpec, Family, GroupingPlan, number


@dataclass
class Settings:
    limit: float = number(1.0, least=1, most=10)  # largest absolute value of an image


class BoundedGenerator(Generator):
    """The paper's generator with images squashed by `limit * tanh(image / limit)`."""

    def __init__(self, *, limit: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.limit = limit

    def forward(self, *arguments: Any, **options: Any) -> Synthesis:
        """As `Generator.forward`; image: (B, 3, H, W) in -limit..limit."""
        result = super().forward(*arguments, **options)
        return replace(result, image=self.limit * torch.tanh(result.image / self.limit))


def generator_settings(config: Any, spec: DomainSpec, plan: GroupingPlan, settings: Settings) -> dict[str, Any]:
    """Keyword arguments of `BoundedGenerator`."""
    return {**paper.generator_settings(config, spec, plan), "limit": settings.limit}


def generator(settings: Mapping[str, Any]) -> BoundedGenerator:
    """The generator of those settings, with new weights."""
    return BoundedGenerator(**settings)


def discriminator(config: Any, spec: DomainSpec, settings: Settings) -> torch.nn.Module:
    """The paper's discriminator."""
    return paper.discriminator(config, spec)


def check(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for settings, read from a file, that are not a `BoundedGenerator`'s."""
    paper.check(settings)
    if not 1 <= settings["limit"] <= 10:
        raise ValueError(f"limit is {settings['limit']}; a number from 1 to 10 is needed")


family = Family(generator_settings, generator, discriminator, check, settings=Settings, api=1)
