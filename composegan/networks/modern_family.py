"""`model.family=modern`: texture after the last convolution, composition at half size, a joint discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from composegan.networks import paper_family
from composegan.networks.joint_discriminator import JointDiscriminator
from composegan.networks.modern_generator import ModernGenerator
from composegan.networks.shapes import SHAPES
from composegan.plugin.contracts import Family
from composegan.plugin.domain import DomainSpec
from composegan.plugin.fields import number
from composegan.plugin.grouping_plan import GroupingPlan

if TYPE_CHECKING:
    from composegan.config.schema import Config


OWN = ("texture_layers", "foremost", "sharpness", "shapes")
"""What `ModernGenerator` takes beyond `Generator`, and what only this family sets."""


@dataclass
class Settings:
    shapes: int = number(SHAPES, least=0, most=SHAPES)  # typical shapes of the data to begin with; 0: none
    texture_layers: int = number(2, least=1, most=16)  # pointwise layers that the texture codes modulate
    foremost: int = number(2, least=1, most=16)  # classes that paint a pixel
    sharpness: float = number(4.0, above=0, most=100)  # of the mask that mixes them; higher: less leakage


def generator_settings(config: Config, spec: DomainSpec, plan: GroupingPlan, settings: Settings) -> dict[str, Any]:
    """Keyword arguments of `ModernGenerator`, as plain values that go into a saved model's config."""
    return {**paper_family.generator_settings(config, spec, plan), **asdict(settings)}


def generator(settings: Mapping[str, Any]) -> ModernGenerator:
    """The generator of those settings, with new weights."""
    return ModernGenerator(**settings)


def discriminator(config: Config, spec: DomainSpec, settings: Settings) -> JointDiscriminator:
    """The discriminator, with new weights."""
    return JointDiscriminator(**paper_family.discriminator_settings(config, spec))


def check(settings: Mapping[str, Any]) -> None:
    """As `paper_family.check`, for keyword arguments of `ModernGenerator`."""
    for name in OWN:
        if name not in settings:
            raise ValueError(f"family modern needs {name}")
    paper_family.check_own({key: value for key, value in settings.items() if key not in OWN})
    for key, most in (("texture_layers", 16), ("foremost", 16), ("shapes", SHAPES)):
        least = 0 if key == "shapes" else 1
        if not (type(settings[key]) is int and least <= settings[key] <= most):
            raise ValueError(f"{key} is {str(settings[key])[:40]}; a whole number from {least} to {most} is needed")
    if type(settings["sharpness"]) not in (int, float) or not 0 < settings["sharpness"] <= 100:
        raise ValueError(f"sharpness is {str(settings['sharpness'])[:40]}; a number above 0, at most 100, is needed")


family = Family(
    generator_settings=generator_settings,
    generator=generator,
    discriminator=discriminator,
    check=check,
    settings=Settings,
)
