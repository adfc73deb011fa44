"""Directions as sliders: `slide=hair.texture.pca0:2,hair.area:-1.5`."""

from __future__ import annotations

import math

from composegan.editing.directions.direction import Direction
from composegan.editing.directions.store import Directions
from composegan.errors import UserError, nearest


def parse_sliders(text: str, directions: Directions) -> list[tuple[Direction, float]]:
    """Names and amounts, in standard deviations, in the order given.

    Raises UserError for a name that is not there, offering the nearest, for an amount that is no number, and for
    nothing at all.
    """
    sliders = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, amount = (piece.strip() for piece in part.rpartition(":"))
        if not name:
            raise UserError(f"slide={text}: {part!r} has no amount; write it as in slide={part}:2")
        if name not in directions.items:
            raise UserError(f"slide={text}: there is no direction {name!r}; {nearest(name, directions.items)}")
        try:
            number = float(amount)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UserError(f"slide={text}: {amount!r} is no number; standard deviations are needed, as in {name}:2")
        sliders.append((directions[name], number))
    if not sliders:
        raise UserError(f"slide={text}: names no direction; {nearest('', directions.items)}")
    return sliders
