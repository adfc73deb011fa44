"""Flat figures that face the camera, and two-wheelers, in their own coordinates."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.camera import Point, Pose
from composegan.plugins.cityscapes.street.light import Rgb
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import ellipse, line, polygon

Spot = tuple[float, float]
"""(across, y) of a figure or (along, y) of a two-wheeler: metres from its foot or centre, and above the ground."""


class Figure:
    """A flat figure that faces the camera. Its coordinates are (across, y), metres from its foot.

    side: 1, or -1 to mirror it. size: scale factor. ground: height of the ground, metres.
    """

    def __init__(self, scene: Scene, x: float, z: float, size: float, side: int, ground: float = 0.0) -> None:
        self.scene, self.x, self.z, self.size, self.side, self.ground = scene, x, z, size, side, ground
        self.unit = scene.camera.scale(z) * size

    def at(self, across: float, y: float) -> Point:
        """Project a spot."""
        return self.scene.camera.point(self.x + self.side * across * self.size, y * self.size + self.ground, self.z)

    def shape(self, *spots: Spot) -> list[Point]:
        """Project several spots."""
        return [self.at(across, y) for across, y in spots]

    def polygon(self, color: Rgb, *spots: Spot, shade: float = 1.0) -> str:
        return polygon(self.shape(*spots), self.scene.tone(color, self.z, 0, shade))

    def rect(
        self, left: float, right: float, low: float, high: float, color: Rgb, shade: float = 1.0, opacity: float = 1.0
    ) -> str:
        corners = self.shape((left, low), (right, low), (right, high), (left, high))
        return polygon(corners, self.scene.tone(color, self.z, 0, shade), opacity)

    def limb(self, color: Rgb, width: float, *spots: Spot, shade: float = 1.0) -> str:
        """A line with round ends, `width` metres wide."""
        return line(self.shape(*spots), width * self.unit, self.scene.tone(color, self.z, 0, shade))

    def ellipse(self, across: float, y: float, rx: float, ry: float, color: Rgb) -> str:
        return ellipse(self.at(across, y), rx * self.unit, ry * self.unit, self.scene.tone(color, self.z))


class TwoWheeler:
    """A bicycle or motorcycle. Its coordinates are (along, y) in its own plane, metres."""

    def __init__(self, scene: Scene, pose: Pose, ground: float = 0.0) -> None:
        self.scene, self.pose, self.ground = scene, pose, ground
        self.unit = scene.camera.scale(pose.z)

    def at(self, along: float, y: float, across: float = 0.0) -> Point:
        """Project a spot, `across` metres to the right of the plane."""
        x, z = self.pose.place(along, across)
        return self.scene.camera.point(x, y + self.ground, max(z, 0.6))

    def line(self, points: list[Point], width: float, color: Rgb) -> str:
        return line(points, width * self.unit, self.scene.tone(color, self.pose.z))

    def bar(self, color: Rgb, width: float, *spots: Spot, across: float = 0.0) -> str:
        """A line with round ends through some spots, `width` metres wide."""
        return self.line([self.at(along, y, across) for along, y in spots], width, color)

    def handlebar(self, along: float, y: float, half: float, width: float, color: Rgb) -> str:
        """A bar across, from -half to half."""
        return self.line([self.at(along, y, -half), self.at(along, y, half)], width, color)

    def wheel(self, along: float, radius: float, width: float, color: Rgb) -> str:
        angles = [step * math.tau / 14 for step in range(15)]
        points = [self.at(along + radius * math.cos(angle), radius + radius * math.sin(angle)) for angle in angles]
        return self.line(points, width, color)

    def shadow(self, length: float, width: float, height: float, opacity: float) -> str:
        """The shadow: half of `length` along and `width` across."""
        rx = length * self.unit * abs(math.sin(self.pose.heading)) + width * self.unit
        return ellipse(self.at(0, 0), rx, height * self.unit, "#0a0a0c", opacity)
