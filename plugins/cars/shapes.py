"""Dimensions of seven body types, with small random variations, and the colours of cars.

Lengths are metres, after common cars of each type; positions along the car are distances from its front end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Shape:
    """The dimensions of one car.

    axles: positions of both. wheel: radius. sill: height of the lower edge. nose, tail: heights of the upper edges at
    both ends. cowl, glass: (position, height) of the lower edges of windscreen and back window. screen_top, roof_end:
    positions where these meet the roof. doors: positions of their edges, two for one door per side, three for two.
    back: lid (a boot lid between the lights), door (a tailgate up to the roof) or bed (an open load bed).
    """

    length: float
    width: float
    height: float
    axles: tuple[float, float]
    wheel: float
    sill: float
    nose: float
    tail: float
    cowl: tuple[float, float]
    screen_top: float
    roof_end: float
    glass: tuple[float, float]
    doors: tuple[float, ...]
    back: str


SHAPES: dict[str, tuple[float, Shape]] = {  # probability, dimensions
    "sedan": (0.28, Shape(
        4.65, 1.82, 1.45, (0.9, 3.65), 0.33, 0.24, 0.72, 0.98, (1.3, 0.96), 2.1, 3.2, (4.0, 1.02),
        (1.38, 2.35, 3.3), "lid")),
    "hatchback": (0.18, Shape(
        3.95, 1.74, 1.49, (0.78, 3.28), 0.31, 0.24, 0.76, 0.99, (0.98, 0.97), 1.75, 3.25, (3.76, 1.02),
        (1.1, 2.05, 2.95), "door")),
    "wagon": (0.1, Shape(
        4.7, 1.82, 1.49, (0.9, 3.7), 0.33, 0.25, 0.73, 1.0, (1.3, 0.97), 2.1, 4.15, (4.54, 1.04),
        (1.38, 2.35, 3.3), "door")),
    "suv": (0.2, Shape(
        4.55, 1.88, 1.72, (0.88, 3.6), 0.38, 0.36, 0.96, 1.14, (1.18, 1.16), 1.95, 4.0, (4.38, 1.19),
        (1.28, 2.25, 3.2), "door")),
    "van": (0.07, Shape(
        4.5, 1.85, 1.86, (0.85, 3.65), 0.34, 0.28, 0.88, 1.1, (0.88, 1.1), 1.7, 4.15, (4.4, 1.14),
        (1.2, 2.15, 3.2), "door")),
    "pickup": (0.09, Shape(
        5.2, 1.88, 1.76, (0.95, 4.1), 0.39, 0.42, 1.02, 1.12, (1.35, 1.18), 2.05, 3.05, (3.38, 1.18),
        (1.45, 2.3, 3.12), "bed")),
    "coupe": (0.08, Shape(
        4.4, 1.84, 1.32, (0.92, 3.5), 0.34, 0.2, 0.66, 0.93, (1.5, 0.9), 2.25, 2.85, (3.85, 0.96),
        (1.62, 2.85), "lid")),
}  # fmt: skip

PAINTS: dict[str, float] = {  # approximate share of each colour on the road
    "#f2f2ef": 0.19, "#b9bdc2": 0.12, "#6f757c": 0.12, "#2b2d31": 0.13, "#b5161d": 0.11, "#1d4f91": 0.1,
    "#4f86b8": 0.05, "#24583f": 0.04, "#c9b48a": 0.04, "#d96a1b": 0.04, "#e8bf2a": 0.03, "#5b1f2e": 0.03,
}  # fmt: skip


def choose(options: dict[str, float], rng: np.random.Generator) -> str:
    """Sample a name in proportion to its weight."""
    weights = np.cumsum(list(options.values()))
    return list(options)[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]


def draw_shape(rng: np.random.Generator) -> tuple[str, Shape]:
    """Sample a body type and vary its dimensions by a few percent."""
    body_type = choose({name: weight for name, (weight, _) in SHAPES.items()}, rng)
    shape = SHAPES[body_type][1]
    width, height, wheel = rng.uniform(0.96, 1.04, 3).tolist()
    slant, nose = rng.uniform(-0.08, 0.08), rng.uniform(-0.04, 0.04)
    return body_type, replace(
        shape,
        width=shape.width * width,
        height=shape.height * height,
        wheel=shape.wheel * wheel,
        nose=shape.nose + nose,
        screen_top=shape.screen_top + slant,
        roof_end=shape.roof_end + (slant if shape.back == "lid" else slant / 2),
    )
