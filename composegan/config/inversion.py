"""Settings of an inversion: a photo to codes. Standard library only.

The comment after a field is its help text: `composegan invert --help` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from composegan.errors import UserError, nearest

SMALL = 128
"""Pictures up to this shorter side, in pixels, take the recipe "small"."""


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


@dataclass
class InversionConfig:
    recipe: str = "auto"  # paper, small (for models up to 128 pixels), or auto: by the model's size
    steps: int | None = None  # of the search for codes; empty, here and below: the recipe's
    rate: float | None = None  # learning rate of the codes
    perceptual: float | None = None  # weight of the perceptual distance between picture and photo
    mse: float | None = None  # weight of the mean squared difference
    mask: float | None = None  # weight of the difference between masks, where one is given
    prior: float | None = None  # weight of the codes' distance to the mean code, in units of their spread
    tune_steps: int | None = None  # of pivotal tuning, which fits the weights to each photo; 0: none
    tune_rate: float | None = None  # its learning rate
    keep: float | None = None  # its weight of other pictures' staying as they are
    size: int | None = None  # shorter side at which the perceptual distance sees pictures, pixels
    lpips: str = ""  # VGG-16 weights for LPIPS; empty: torch hub's cached ones if there; off: EfficientNet-Lite0

    def resolve(self, short: int) -> Inversion:
        """The recipe for a model of that shorter side, with what was set here in its place.

        Raises UserError for a recipe there is not, and for a value out of range.
        """
        names = ("auto", *RECIPES)
        if self.recipe not in names:
            raise UserError(f"recipe={self.recipe}: {nearest(self.recipe, names)}")
        name = ("small" if short <= SMALL else "paper") if self.recipe == "auto" else self.recipe
        given = {item.name: getattr(self, item.name) for item in fields(Inversion)}
        chosen = replace(RECIPES[name], **{key: value for key, value in given.items() if value is not None})
        least = {"steps": 1, "size": 32}
        for item in fields(Inversion):
            value = getattr(chosen, item.name)
            if not least.get(item.name, 0) <= value < float("inf"):
                raise UserError(f"{item.name}={value}: must be {least.get(item.name, 0)} or more")
        return chosen
