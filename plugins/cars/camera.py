"""The camera, which projects points of a car to the drawing. Metres: x forwards, y to its left, z upwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Points = np.ndarray  # float64 (..., 3), metres
Plane = np.ndarray  # float64 (..., 2), units of the drawing, y downwards

ANGLES = np.linspace(0, 2 * np.pi, 97)[:-1]
ROUND = np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)
"""Unit vectors in 96 directions."""


@dataclass(frozen=True)
class Camera:
    """A camera at `position`; `scale` and `shift` map its image plane to units of the drawing."""

    position: Points
    axes: np.ndarray  # (3, 3): right, up, forwards
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def around(cls, azimuth: float, height: float, distance: float, target: Points) -> Camera:
        """Look at `target`. azimuth: degrees, 0 in front of the car, 90 on its left, 180 behind, -90 on its right."""
        angle = np.radians(azimuth)
        position = np.array([np.cos(angle) * distance, np.sin(angle) * distance, height])
        forwards = (target - position) / np.linalg.norm(target - position)
        right = np.cross(forwards, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        return cls(position, np.stack([right, np.cross(right, forwards), forwards]))

    def project(self, points: Points) -> Plane:
        """Project points in front of the camera: (..., 3) -> (..., 2)."""
        seen = (points - self.position) @ self.axes.T
        plane = seen[..., :2] / seen[..., 2:]
        return plane * (self.scale, -self.scale) + self.shift

    def horizon(self) -> float:
        """Return the y of the horizon in the drawing."""
        return float(self.shift[1] + self.scale * self.axes[2, 2] / self.axes[1, 2])

    def fitted(self, points: Points, box: tuple[float, float, float, float]) -> Camera:
        """Return the camera scaled so that `points` (N, 3) stand centred in the box (x, y, width, height)."""
        plane = Camera(self.position, self.axes).project(points)
        low, high = plane.min(0), plane.max(0)
        x, y, width, height = box
        scale = min(width / (high[0] - low[0]), height / (high[1] - low[1]))
        shift = (x + width / 2 - scale * (low[0] + high[0]) / 2, y + height - scale * high[1])
        return Camera(self.position, self.axes, scale, shift)


def convex_hull(points: Plane) -> Plane:
    """Return the convex hull (M, 2) of points (N, 2), from the extreme points in 96 directions.

    A corner blunter than 4 degrees may be missing.
    """
    furthest = (points @ ROUND.T).argmax(0)
    return points[furthest[furthest != np.roll(furthest, 1)]]
