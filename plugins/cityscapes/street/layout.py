"""The layout of a street: lanes, rails, parking, verge, sidewalk and house fronts. All in metres."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LANE = 3.2


@dataclass(frozen=True)
class Side:
    """One side of the street, from the road outwards, as x relative to the camera. side: -1 left, 1 right.

    road: edge of the road. kerb, walk: inner and outer edge of the sidewalk. front: fronts of the houses.
    parking, verge, forecourt: whether there are parking bays, grass at the kerb, a paved yard before the houses.
    """

    side: int
    road: float
    kerb: float
    walk: float
    front: float
    parking: bool
    verge: bool
    forecourt: bool

    def on_walk(self, rng: random.Random) -> float:
        """Sample an x on the sidewalk."""
        first = self.kerb + self.side * (2.2 if self.verge else 0.5)
        return first + (self.walk - self.side * 0.4 - first) * rng.random()


@dataclass(frozen=True)
class Layout:
    """setting: city, boulevard, residential or arterial. ours, others: centres of the lanes ahead and oncoming.
    rails: (x0, x1) of a tramway, or None. end: distance of a tunnel that ends the street, else 150."""

    setting: str
    left: Side
    right: Side
    ours: tuple[float, ...]
    others: tuple[float, ...]
    rails: tuple[float, float] | None
    end: float

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.left, self.right


def choose(weights: Mapping[str, float], rng: random.Random) -> str:
    """Sample a name in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def draw_layout(settings: Mapping[str, Any], rng: random.Random) -> Layout:
    """Sample a street by the probabilities in `settings` (the block `streets` of domains/cityscapes.yaml)."""
    chance = settings["chance"]
    setting = choose(settings["settings"], rng)
    wide = setting in ("boulevard", "arterial")
    ours = (0.0,) if rng.random() < (0.45 if wide else 0.8) else (0.0, LANE)
    lanes = rng.choice((1, 1, 2)) if wide else 1
    others = tuple(-LANE * (1 + lane) - 0.3 for lane in range(lanes))
    rails = None
    if rng.random() < chance["rail_track"] * (2.4 if setting == "boulevard" else 0.8):
        start = others[-1] - LANE / 2 - 0.4
        rails = (start - rng.choice((3.4, 6.6)), start)
    edges = {
        -1: rails[0] - 0.2 if rails else others[-1] - LANE / 2 - rng.uniform(0, 0.5),
        1: ours[-1] + LANE / 2 + rng.uniform(0, 0.7),
    }
    sides = {side: draw_side(side, edges[side], setting, chance, rng, bool(rails) and side < 0) for side in (-1, 1)}
    tunnel = rng.random() < chance["tunnel"] * (3 if setting == "arterial" else 0.6)
    return Layout(setting, sides[-1], sides[1], ours, others, rails, rng.uniform(22, 45) if tunnel else 150.0)


def draw_side(
    side: int, road: float, setting: str, chance: Mapping[str, float], rng: random.Random, rails: bool
) -> Side:
    """Sample one side of a street, whose road ends at x = `road`."""
    parking = not rails and setting != "arterial" and rng.random() < chance["parking"] * 0.7
    kerb = road + side * (2.2 if parking else 0.0)
    verge = setting != "city" and rng.random() < chance["verge"]
    narrow, broad = {"city": (2.2, 5.5), "boulevard": (3.5, 7), "residential": (1.6, 3), "arterial": (1.6, 3)}[setting]
    walk = kerb + side * (rng.uniform(narrow, broad) + (1.8 if verge else 0.0))
    forecourt = rng.random() < chance["forecourt"] * (0.6 if setting == "residential" else 0.45)
    gap = rng.uniform(2, 5) if forecourt else rng.uniform(2, 8) if setting == "arterial" else 0.0
    return Side(side, road, kerb, walk, walk + side * gap, parking, verge, forecourt)
