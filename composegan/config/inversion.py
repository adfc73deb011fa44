"""Settings of an inversion: from a photo to codes. Standard library only.

The comment after a field is its help text: `composegan invert --help` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from composegan.config.settings import check_bounds
from composegan.errors import UserError
from composegan.plugin.fields import choice, number

SMALL = 128
"""Models with a shorter side of at most so many pixels use the recipe "small"."""


@dataclass(frozen=True)
class Inversion:
    """How codes are found. The defaults are the paper's (recipe "paper")."""

    steps: int = 400
    rate: float = 0.1
    perceptual: float = 1.0
    mse: float = 0.1
    mask: float = 1.0
    prior: float = 1.0
    tune_steps: int = 300
    tune_rate: float = 1e-4
    keep: float = 0.0
    size: int = 256


RECIPES = {
    "paper": Inversion(),
    "small": Inversion(steps=200, mse=5.0, mask=3.0, prior=0.1, tune_steps=100, tune_rate=1e-3, size=128),
}
REFINE_STEPS, REFINE_RATE = 12, 0.05
"""Steps and learning rate of the search where it begins with the codes of an encoder. Weights are then not tuned."""


@dataclass
class InversionConfig:
    recipe: str = choice("auto", *RECIPES)  # small is for models up to 128 pixels; auto: by the model's size
    encoder: str = ""  # a file or folder of `composegan encoder`; empty: the model's, if it has one; off: none
    steps: int | None = number(None, least=0)  # steps of the search for codes; empty, here and below: the recipe's
    rate: float | None = number(None, least=0)  # learning rate of the codes
    perceptual: float | None = number(None, least=0)  # weight of the perceptual distance between picture and photo
    mse: float | None = number(None, least=0)  # weight of the mean squared difference
    mask: float | None = number(None, least=0)  # weight of the difference between masks, if there is one
    prior: float | None = number(None, least=0)  # weight of the codes' distance to the mean, in standard deviations
    tune_steps: int | None = number(None, least=0)  # steps of pivotal tuning of the weights to each photo; 0: none
    tune_rate: float | None = number(None, least=0)  # learning rate of pivotal tuning
    keep: float | None = number(None, least=0)  # weight of the tuning loss that keeps other pictures unchanged
    size: int | None = number(None, least=32)  # shorter side at which the perceptual distance sees pictures, pixels
    lpips: str = ""  # VGG-16 weights for LPIPS; empty: torch hub's cached ones if there; off: EfficientNet-Lite0

    def resolve(self, short: int, encoded: bool = False) -> Inversion:
        """The recipe for a model with that shorter side, in pixels, overridden by the values that are set.

        encoded: whether the search begins with the codes of an encoder. Raises UserError for an unknown recipe and a
        value out of bounds.
        """
        check_bounds(self)
        name = ("small" if short <= SMALL else "paper") if self.recipe == "auto" else self.recipe
        given = {item.name: getattr(self, item.name) for item in fields(Inversion)}
        if self.steps == 0 and not encoded:
            raise UserError("steps=0: needs an encoder, which the model lacks; see `composegan encoder --help`")
        recipe = RECIPES[name]
        if encoded:
            recipe = replace(recipe, steps=REFINE_STEPS, rate=REFINE_RATE, tune_steps=0)
        return replace(recipe, **{key: value for key, value in given.items() if value is not None})
