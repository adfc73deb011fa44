"""Colors for classes that have none: easy to tell apart, and the same ones whenever a class is added at the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

Color = tuple[int, int, int]

PALETTE: tuple[Color, ...] = (
    (0, 0, 0), (230, 120, 60), (80, 150, 230), (110, 190, 90), (235, 205, 75), (170, 100, 200), (225, 70, 95),
    (70, 195, 190), (240, 160, 190), (140, 95, 65), (190, 200, 210), (60, 90, 140),
)  # fmt: skip
APART = 32
"""A color of PALETTE is left out if one that is taken is closer than this (Euclidean distance, 0..441)."""


def distinct_colors(count: int, taken: Sequence[Color] = ()) -> list[Color]:
    """`count` colors: those of PALETTE, black first, then always the one farthest from all before it.

    taken: colors to keep away from.
    """
    colors = [color for color in PALETTE if all(_distance(color, other) >= APART**2 for other in taken)][:count]
    candidates: list[Color] = [(red, green, blue) for red, green, blue in product(range(0, 256, 32), repeat=3)]
    known = [*taken, *colors]
    nearest = {color: min((_distance(color, other) for other in known), default=0) for color in candidates}
    while len(colors) < count:
        farthest = max(candidates, key=lambda color: nearest[color])
        colors.append(farthest)
        for color in candidates:
            nearest[color] = min(nearest[color], _distance(color, farthest))
    return colors


def _distance(one: Color, two: Color) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, two, strict=True))
