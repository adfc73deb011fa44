"""Colours for classes that can be told apart. Standard library only."""

from __future__ import annotations

from itertools import product

Color = tuple[int, int, int]

PALETTE: tuple[Color, ...] = (
    (0, 0, 0), (230, 120, 60), (80, 150, 230), (110, 190, 90), (235, 205, 75), (170, 100, 200), (225, 70, 95),
    (70, 195, 190), (240, 160, 190), (140, 95, 65), (190, 200, 210), (60, 90, 140),
)  # fmt: skip


def distinct_colors(count: int) -> list[Color]:
    """`count` colours, the first black; past those of PALETTE, always the one farthest from all before."""
    colors = list(PALETTE[:count])
    candidates = list(product(range(0, 256, 32), repeat=3))
    nearest = {color: min(_distance(color, other) for other in colors) for color in candidates}
    while len(colors) < count:
        farthest = max(candidates, key=lambda color: nearest[color])
        colors.append(farthest)
        for color in candidates:
            nearest[color] = min(nearest[color], _distance(color, farthest))
    return colors


def _distance(one: Color, two: Color) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, two, strict=True))
