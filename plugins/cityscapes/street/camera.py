"""The projection from the street, in metres, to the picture, in units of VIEW."""

from __future__ import annotations

import math
from dataclasses import dataclass

VIEW = (0.0, 0.0, 200.0, 100.0)
"""The visible part of the drawing: x, y, width, height."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along the road: x to the right, y up from the ground, z ahead.

    focal: distance of the picture plane, units. height: of the lens above the ground. horizon, centre: the
    vanishing point of a straight road, units from the top and from the left. curvature: of the road, 1/m, to the right.
    """

    focal: float
    height: float
    horizon: float
    centre: float
    curvature: float

    def scale(self, z: float) -> float:
        """Return the number of units per metre at distance z."""
        return self.focal / z

    def point(self, x: float, y: float, z: float) -> Point:
        """Project a point. x is relative to the road, which bends by curvature z^2 / 2."""
        scale = self.focal / z
        bend = 0.5 * self.curvature * z * z
        return self.centre + scale * (x + bend), self.horizon - scale * (y - self.height)

    def points(self, *positions: tuple[float, float, float]) -> list[Point]:
        """Project several points."""
        return [self.point(x, y, z) for x, y, z in positions]

    def quad(self, x0: float, x1: float, y0: float, y1: float, z: float) -> list[Point]:
        """An upright rectangle that faces the camera."""
        left, bottom = self.point(x0, y0, z)
        right, top = self.point(x1, y1, z)
        return [(left, bottom), (right, bottom), (right, top), (left, top)]

    def flat(self, x0: float, x1: float, z0: float, z1: float, y: float = 0.0) -> list[Point]:
        """A strip that lies on the ground (or at height y) and follows the road from z0 to z1."""
        steps = self.steps(z0, z1)
        return [self.point(x0, y, z) for z in steps] + [self.point(x1, y, z) for z in reversed(steps)]

    def upright(self, x: float, y0: float, y1: float, z0: float, z1: float) -> list[Point]:
        """A wall along the road from z0 to z1."""
        steps = self.steps(z0, z1)
        return [self.point(x, y0, z) for z in steps] + [self.point(x, y1, z) for z in reversed(steps)]

    def steps(self, z0: float, z1: float) -> list[float]:
        """Distances from z0 to z1, close enough for a bend to look round."""
        if not self.curvature:
            return [z0, z1]
        count = 1 + int(6 * math.log(z1 / z0) / math.log(12))
        return [z0 * (z1 / z0) ** (step / count) for step in range(count + 1)]


@dataclass(frozen=True)
class Pose:
    """Position and heading of an object: 0 faces away from the camera, pi towards it."""

    x: float
    z: float
    heading: float = 0.0

    def place(self, along: float, across: float) -> tuple[float, float]:
        """Return (x, z) of a point `along` metres ahead of the object's centre and `across` to its right."""
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        return self.x + along * sin + across * cos, self.z + along * cos - across * sin


def facing(points: list[Point]) -> bool:
    """Return whether a polygon, anticlockwise when seen from outside, shows its outside."""
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True))
    return area < 0  # y points down
