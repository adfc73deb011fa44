"""The body of a car as smooth surfaces, (u, v) -> points, from the dimensions of its shape.

Adjacent surfaces share an edge, so panels cut out of them leave no gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from composegan.plugins.cars.camera import Points
from composegan.plugins.cars.shapes import Shape

Line = np.ndarray  # float64 (N,) or ()

ROUND = 0.2
"""How far the corners of both ends recede from their middle, metres."""

# Profile of a side from its lower edge (0) to the shoulder (1): relative width, and how far both ends recede, metres.
HEIGHTS = (0.0, 0.12, 0.35, 0.65, 0.88, 1.0)
WIDTHS = (0.92, 0.965, 1.0, 0.995, 0.975, 0.94)
FRONT_RECESS = (0.12, 0.03, 0.0, 0.015, 0.05, 0.12)
REAR_RECESS = (0.12, 0.03, 0.0, 0.01, 0.03, 0.06)


@dataclass(frozen=True)
class Body:
    """The surfaces of one car. `side` is 1 for the left one and -1 for the right one."""

    shape: Shape

    def at(self, distance: float) -> float:
        """Return the x coordinate at a distance from the front end."""
        return self.shape.length / 2 - distance

    def half_width(self, x: Line | float) -> Line:
        """Half the width of the lower body: full in the middle, narrower at both ends."""
        beyond = np.maximum(np.abs(x) - 0.3 * self.shape.length, 0) / (0.2 * self.shape.length)
        return self.shape.width / 2 * (1 - 0.11 * beyond**2.2)

    def shoulder(self, x: Line | float) -> Line:
        """Return the height of the lower body's upper edge."""
        shape = self.shape
        cowl, high = shape.cowl
        middle = shape.nose + 0.62 * (high - 0.03 - shape.nose)
        distances = (0.0, 0.45 * cowl, cowl, shape.glass[0], shape.length)
        heights = (shape.nose, middle, high - 0.03, shape.glass[1] - 0.03, shape.tail)
        return np.interp(np.asarray(self.at(0) - x), distances, heights)

    def end(self, front: bool, across: Line, up: Line) -> Points:
        """Return points of the front or back end: across -1 (right) to 1 (left), up 0 to 1."""
        corner = self.corner(front)
        recess = np.interp(up, HEIGHTS, FRONT_RECESS if front else REAR_RECESS)
        x = (1 if front else -1) * (self.shape.length / 2 - ROUND * np.abs(across) ** 2.4 - recess)
        y = across * self.half_width(corner) * np.interp(up, HEIGHTS, WIDTHS)
        crown = 0.03 * (1 - across**2) * np.clip(up * 2 - 1, 0, 1)
        return stack(x, y, self.shape.sill + up * (self.shoulder(corner) - self.shape.sill) + crown)

    def corner(self, front: bool) -> float:
        """Return the x at which the sides meet the front or back end."""
        return (1 if front else -1) * (self.shape.length / 2 - ROUND)

    def side(self, side: int, x: Line, up: Line) -> Points:
        """Return points of the lower body's side; x up to the corners, where it meets both ends."""
        near = np.clip((np.abs(x) - 0.36 * self.shape.length) / (0.5 - 0.36) / self.shape.length, 0, 1)
        near = np.clip(near / (1 - ROUND / (0.14 * self.shape.length)), 0, 1) ** 2
        recess = np.where(x > 0, np.interp(up, HEIGHTS, FRONT_RECESS), np.interp(up, HEIGHTS, REAR_RECESS))
        y = side * self.half_width(x) * np.interp(up, HEIGHTS, WIDTHS)
        return stack(x - np.sign(x) * near * recess, y, self.shape.sill + up * (self.shoulder(x) - self.shape.sill))

    def lid(self, front: bool, across: Line, along: Line) -> Points:
        """Return points of the top in front of or behind the cabin: along 0 at the car's end, 1 at the glass."""
        start = self.end(front, across, np.ones_like(along))[..., 0]
        x = start + (self.glass(front, across, np.zeros_like(along))[..., 0] - start) * along
        corner = self.corner(front)
        level = self.shoulder(np.minimum(x, corner) if front else np.maximum(x, corner))
        crown = (0.03 + (0.03 if front else 0.01) * np.sin(np.pi * along)) * (1 - across**2)
        return stack(x, across * self.half_width(x) * WIDTHS[-1], level + 0.03 * along + crown)

    def belt_width(self, x: Line) -> Line:
        """Return half the width of the cabin at its lower edge."""
        return self.half_width(x) * 0.93

    def roof_width(self) -> float:
        """Return half the width of the roof."""
        return self.shape.width / 2 * (0.76 if self.shape.height > 1.65 else 0.71)

    def glass(self, front: bool, across: Line, up: Line) -> Points:
        """Return points of the windscreen or back window with its frame: up 0 at the foot, 1 at the roof."""
        shape = self.shape
        foot, high = shape.cowl if front else shape.glass
        top = shape.screen_top if front else shape.roof_end
        bow = (0.12 if front else 0.07) * (1 - across**2) * (1 if front else -1)
        start = self.at(foot)
        x = start + (self.at(top) - start) * up + bow * (1 - 0.6 * up)
        wide = self.belt_width(np.asarray(start)) * (0.99 if front else 0.97)
        y = across * (wide + (self.roof_width() - wide) * np.maximum(up, 0) ** 1.15)
        curve = 0.05 * np.sin(np.pi * up)
        return stack(x, y, high + (self.roof_edge(x * 0 + self.at(top)) - high) * up + curve)

    def roof_edge(self, x: Line) -> Line:
        """Return the height of the roof's edge."""
        distance = self.at(0) - x
        middle = (self.shape.screen_top + self.shape.roof_end) / 2
        half = (self.shape.roof_end - self.shape.screen_top) / 2
        return self.shape.height - 0.05 - 0.05 * ((distance - middle) / half) ** 2

    def roof(self, across: Line, along: Line) -> Points:
        """Return points of the roof: along 0 at the back, 1 at the windscreen."""
        back, front = self.at(self.shape.roof_end), self.at(self.shape.screen_top)
        x = back + (front - back) * along
        return stack(x, across * self.roof_width(), self.roof_edge(x) + 0.05 * (1 - across**2))

    def window(self, side: int, ends: tuple[float, float], inset: float, along: Line, up: Line) -> Points:
        """Return points of the cabin's side between two x, clipped `inset` metres inside the slanted pillars.

        along: 0 at the first of `ends`, 1 at the second; up: 0 at the belt, 1 at the roof.
        """
        edge = np.ones_like(up)
        front = self.glass(True, edge, up)[..., 0] - 1.3 * inset
        back = self.glass(False, edge, up)[..., 0] + inset
        start, end = (np.clip(x, np.minimum(back, front - 0.02), front) for x in ends)
        x = start + (end - start) * along
        belt, wide = self.shoulder(x), self.belt_width(x)
        y = side * (wide + (self.roof_width() - wide) * np.maximum(up, 0) ** 1.15)
        roof = self.roof_edge(np.clip(x, self.at(self.shape.roof_end), self.at(self.shape.screen_top)))
        return stack(x, y, belt + (roof - belt) * up)


def lower_points(body: Body) -> Points:
    """Sample points (N, 3) all around the lower body."""
    across, up = (grid.ravel() for grid in np.meshgrid(np.linspace(-1, 1, 9), np.linspace(0, 1, 6)))
    along = across * body.corner(True)
    sides = [body.side(side, along, up) for side in (1, -1)]
    return np.concatenate([body.end(True, across, up), body.end(False, across, up), *sides])


def cabin_points(body: Body) -> Points:
    """Sample points (N, 3) of the cabin's screens and sides."""
    across, up = (grid.ravel() for grid in np.meshgrid(np.linspace(-1, 1, 7), np.linspace(0, 1, 6)))
    far = body.shape.length / 2
    sides = [body.window(side, (-far, far), 0.0, across / 2 + 0.5, up) for side in (1, -1)]
    return np.concatenate([body.glass(True, across, up), body.glass(False, across, up), *sides])


def stack(x: Line, y: Line, z: Line) -> Points:
    """Stack coordinates that broadcast to (...,) to points (..., 3)."""
    points = np.empty((*np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)), 3))
    points[..., 0], points[..., 1], points[..., 2] = x, y, z
    return points
