"""Solids: the outline of a side view, extruded to a width and turned to any heading.

A vehicle is one or more of these. The outline runs from the lower rear over the roof to the lower front; each edge is
a strip across the whole width (boot, rear window, roof, windscreen, bonnet), drawn where it faces the camera.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from composegan.plugins.cityscapes.street.camera import Point, Pose, facing
from composegan.plugins.cityscapes.street.light import Rgb
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import polygon, polygons

GLASS: Rgb = (58, 68, 80)
TYRE: Rgb = (28, 28, 30)
RIM: Rgb = (128, 130, 134)

Spot = tuple[float, float]
"""(along, height): metres ahead of the middle, and above the ground."""


@dataclass(frozen=True)
class Plate:
    """A rectangle on the front or rear, across[0] to [1] by height[0] to [1]; glow: it is a lamp."""

    across: tuple[float, float]
    height: tuple[float, float]
    color: Rgb
    glow: bool = False


@dataclass(frozen=True)
class Solid:
    """An extruded side view. All lengths are metres.

    outline: from the lower rear up and over to the lower front. glass: indices of the outline's edges that are glass.
    panes: windows in each side. waist, taper: above `waist` each side narrows by `taper` metres per metre.
    wheels: (along, radius). front, rear: details of these faces.
    """

    outline: tuple[Spot, ...]
    width: float
    glass: tuple[int, ...] = ()
    panes: tuple[tuple[Spot, ...], ...] = ()
    waist: float = 9.0
    taper: float = 0.0
    wheels: tuple[Spot, ...] = ()
    front: tuple[Plate, ...] = ()
    rear: tuple[Plate, ...] = ()
    stripe: tuple[float, float] | None = None  # heights of a coloured band along the sides


class Placed:
    """A solid at a pose, whose points it projects."""

    def __init__(self, scene: Scene, solid: Solid, pose: Pose) -> None:
        self.scene, self.solid, self.pose = scene, solid, pose

    def point(self, along: float, across: float, y: float) -> Point:
        """Project a point of the solid, narrowed above the waist."""
        solid = self.solid
        if y > solid.waist and abs(across) > 0.4 * solid.width:
            across -= math.copysign(solid.taper * (y - solid.waist), across)
        x, z = self.pose.place(along, across)
        return self.scene.camera.point(x, y, max(z, 0.6))

    def face(self, spots: Sequence[Spot], side: int, out: float = 0.0) -> list[Point]:
        """Spots of the side view, on the left (-1) or the right side (1), `out` metres further out."""
        across = side * (self.solid.width / 2 + out)
        return [self.point(along, across, y) for along, y in spots]

    def strip(self, first: Spot, second: Spot, inset: float = 0.0) -> list[Point]:
        """The strip across the width over one edge of the outline; inset: of its ends, metres."""
        half = self.solid.width / 2 - inset
        corners = (first, -half), (first, half), (second, half), (second, -half)
        return [self.point(along, across, y) for (along, y), across in corners]

    def side_tone(self, across: int) -> float:
        """The direction of a side, -1 left to 1 right of the picture."""
        return across * math.cos(self.pose.heading)


def draw_solid(scene: Scene, part: str, solid: Solid, pose: Pose, color: Rgb) -> None:
    """Draw a solid on the ground, with its shadow."""
    placed = Placed(scene, solid, pose)
    shapes = shadow(placed)
    shapes += [treads(placed, side) for side in (-1, 1)]
    edges = list(zip(solid.outline, solid.outline[1:], strict=False))
    order = sorted(range(len(edges)), key=lambda edge: -middle_z(placed, edges[edge]))
    for edge in order:
        shapes += draw_edge(placed, edge, *edges[edge], color)
    for side in (-1, 1):
        shapes += draw_side(placed, side, color)
    first, last = solid.outline[0], solid.outline[-1]
    shapes += plates(placed, solid.rear, first[0], -1)
    shapes += plates(placed, solid.front, last[0], 1)
    scene.add(part, pose.z, *shapes)


def middle_z(placed: Placed, edge: tuple[Spot, Spot]) -> float:
    return placed.pose.place((edge[0][0] + edge[1][0]) / 2, 0)[1]


def draw_edge(placed: Placed, number: int, first: Spot, second: Spot, color: Rgb) -> list[str]:
    """Draw the strip over one edge of the outline, with a pane and a glint if it is glass."""
    strip = placed.strip(first, second)
    if not facing(strip):
        return []
    scene, solid, z = placed.scene, placed.solid, placed.pose.z
    run, rise = second[0] - first[0], second[1] - first[1]
    up = run / max(1e-6, math.hypot(run, rise))  # 1 where the strip faces up
    shade = 0.86 + 0.3 * up
    if number not in solid.glass:
        return [polygon(strip, scene.tone(color, z, 0, shade))]
    sky = [0.62 * dark + 0.38 * light for dark, light in zip(GLASS, scene.light.top, strict=True)]
    pane = placed.strip(lerp(first, second, 0.08), lerp(first, second, 0.92), 0.09)
    glint = placed.strip(lerp(first, second, 0.55), lerp(first, second, 0.9), 0.2)
    return [
        polygon(strip, scene.tone(color, z, 0, shade)),
        polygon(pane, scene.tone((sky[0], sky[1], sky[2]), z, 0, 0.62 + 0.4 * up)),
        polygon(glint, scene.light.tone(scene.light.low, z), 0.16),
    ]


def lerp(first: Spot, second: Spot, t: float) -> Spot:
    return first[0] + (second[0] - first[0]) * t, first[1] + (second[1] - first[1]) * t


def draw_side(placed: Placed, side: int, color: Rgb) -> list[str]:
    """Draw one side with its sill, stripe, windows and wheels, if it faces the camera."""
    outline = placed.face(placed.solid.outline, side)
    if facing(outline) != (side < 0):
        return []
    scene, solid, z = placed.scene, placed.solid, placed.pose.z
    direction = placed.side_tone(side)
    shapes = [polygon(outline, scene.tone(color, z, direction, 0.9))]
    rear, front = solid.outline[0], solid.outline[-1]
    low = [rear, (rear[0], rear[1] + 0.22), (front[0], front[1] + 0.22), front]
    shapes.append(polygon(placed.face(low, side), scene.tone(color, z, direction, 0.62)))
    if solid.stripe:
        bottom, top = solid.stripe
        band = [(rear[0] + 0.1, bottom), (rear[0] + 0.1, top), (front[0] - 0.3, top), (front[0] - 0.3, bottom)]
        shapes.append(polygon(placed.face(band, side), scene.tone((232, 228, 220), z, direction)))
    glass = scene.tone(GLASS, z, direction, 0.95)
    shapes.append(polygons([placed.face(pane, side) for pane in solid.panes], glass))
    return shapes + wheels(placed, side)


def treads(placed: Placed, side: int) -> str:
    """The treads of the wheels on one side, seen below the body from the front or rear."""
    half, quads = placed.solid.width / 2, []
    for along, radius in placed.solid.wheels:
        inner, outer, top = side * (half - 0.28), side * (half - 0.02), radius * 1.5
        corners = (inner, 0), (outer, 0), (outer, top), (inner, top)
        quads.append([placed.point(along, across, y) for across, y in corners])
    return polygons(quads, placed.scene.tone(TYRE, placed.pose.z))


def wheels(placed: Placed, side: int) -> list[str]:
    """The outer faces of the wheels on one side: arches, tyres and rims."""
    scene, z = placed.scene, placed.pose.z

    def discs(size: float, out: float) -> list[list[Point]]:
        return [placed.face(circle(along, radius * size), side, out) for along, radius in placed.solid.wheels]

    return [
        polygons(discs(1.16, 0.0), scene.tone((18, 18, 20), z)),
        polygons(discs(1.0, 0.02), scene.tone(TYRE, z)),
        polygons(discs(0.58, 0.02), scene.tone(RIM, z, placed.side_tone(side))),
    ]


def circle(along: float, radius: float) -> list[Spot]:
    angles = [step * math.tau / 12 for step in range(12)]
    return [(along + radius * math.cos(angle), radius + radius * math.sin(angle)) for angle in angles]


def plates(placed: Placed, faces: Sequence[Plate], along: float, end: int) -> list[str]:
    """Lamps, bumpers, number plates and windows on the front (end 1) or rear (-1), where visible."""
    outer = [placed.point(along, across, y) for across, y in ((-1, 0), (1, 0), (1, 1), (-1, 1))]
    if not facing(outer if end < 0 else outer[::-1]):
        return []
    scene, z = placed.scene, placed.pose.z
    shapes = []
    for plate in faces:
        (left, right), (low, high) = plate.across, plate.height
        corners = [(left, low), (right, low), (right, high), (left, high)]
        quad = [placed.point(along + 0.01 * end, across, y) for across, y in corners]
        lit = plate.glow and scene.light.lamps
        shapes.append(polygon(quad, scene.light.glow(plate.color, z) if lit else scene.tone(plate.color, z, 0, 0.95)))
    return shapes


def shadow(placed: Placed) -> list[str]:
    """The shadow on the ground under a solid."""
    solid = placed.solid
    rear, front, half = solid.outline[0][0] - 0.25, solid.outline[-1][0] + 0.25, solid.width / 2 + 0.15
    corners = (rear, -half), (rear, half), (front, half), (front, -half)
    ground = [placed.point(along, across, 0) for along, across in corners]
    return [polygon(ground, "#08080c", 0.47)]
