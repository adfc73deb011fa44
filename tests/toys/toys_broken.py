"""An extension that cannot be used."""

from composegan.plugin import LossRecipe

it = LossRecipe(phases=print, settings=3)
