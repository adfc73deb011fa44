"""Poles on the sidewalk: lamp posts, road signs, traffic lights and the masts of a tramway."""

from __future__ import annotations

from composegan.plugins.cityscapes.street.light import Rgb
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import ellipse, line, polygon, polygons

METAL: Rgb = (132, 136, 138)
RED: Rgb = (196, 30, 34)
WHITE: Rgb = (236, 236, 232)
BLUE: Rgb = (28, 82, 168)
YELLOW: Rgb = (238, 196, 40)


PHASES = ((0,), (1, 2), (2,))
"""The lamps that are lit together, counted from the lowest: green, amber with red, red."""


def mast(scene: Scene, x: float, z: float, height: float, girth: float = 0.07) -> str:
    """An upright pole as a shape, wide enough to be visible."""
    camera = scene.camera
    half = max(girth, 0.32 / camera.scale(z))
    return polygon(camera.quad(x - half, x + half, 0, height, z), scene.tone(METAL, z, scene.light.sun * 0.5, 0.8))


def lamp_post(scene: Scene, x: float, z: float) -> None:
    """A street lamp that reaches over the road."""
    height, over = scene.rng.uniform(6.5, 9), -1 if x > 0 else 1
    camera = scene.camera
    scale = camera.scale(z)
    ends = [camera.point(x, height, z), camera.point(x + 1.5 * over, height + 0.3, z)]
    head = camera.quad(x + 1.1 * over, x + 1.9 * over, height + 0.15, height + 0.34, z)
    lamp, glow = camera.point(x + 1.5 * over, height + 0.1, z), scene.light.glow((255, 226, 160))
    scene.add(
        "pole",
        z,
        mast(scene, x, z, height, 0.09),
        line(ends, max(0.5, 0.11 * scale), scene.tone(METAL, z, 0, 0.8)),
        polygon(head, scene.tone(METAL, z, 0, 0.7)),
        ellipse(lamp, 0.35 * scale, 0.2 * scale, glow, 0.49) if scene.light.lamps else "",
    )


def overhead_mast(scene: Scene, x0: float, x1: float, z: float) -> None:
    """Two masts of a tramway with the wires between them."""
    camera = scene.camera
    wires = [camera.point(x0, 6.4, z), camera.point((x0 + x1) / 2, 6.0, z), camera.point(x1, 6.4, z)]
    masts = [mast(scene, x, z, 6.8, 0.1) for x in (x0, x1)]
    scene.add("pole", z, *masts, line(wires, 0.25, scene.tone((60, 62, 66), z), 0.45))


def pole_group(scene: Scene, x: float, z: float) -> None:
    """Several poles so close together that they count as one object."""
    rng = scene.rng
    masts = [mast(scene, x + 0.32 * index, z, rng.uniform(2.2, 4.6), 0.09) for index in range(rng.randint(3, 5))]
    scene.add("polegroup", z, *masts)


def traffic_light(scene: Scene, x: float, z: float, gantry: bool) -> None:
    """Three lamps on a pole and, with `gantry`, also on an arm over the road."""
    camera, rng, over = scene.camera, scene.rng, -1 if x > 0 else 1
    lit = rng.randrange(3)
    scene.add("pole", z, mast(scene, x, z, 3.5 if not gantry else 5.9))
    positions = [(x, 2.4)]  # x and height of each set of lamps
    if gantry:
        reach = rng.uniform(2.5, 4)
        arm = polygon(camera.quad(x, x + reach * over, 5.72, 5.86, z), scene.tone(METAL, z, 0, 0.8))
        scene.add("pole", z, arm)
        positions.append((x + reach * over, 5.0))
    radius = 0.12 * camera.scale(z)
    for middle, low in positions:
        case = camera.quad(middle - 0.19, middle + 0.19, low, low + 0.98, z - 0.05)
        shapes = [polygon(case, scene.tone((30, 32, 30), z))]
        for number, color in enumerate(((60, 220, 120), (250, 190, 50), (240, 50, 40))):
            on = number in PHASES[lit]
            tone = scene.light.glow(color, z) if on else scene.tone(color, z, 0, 0.25)
            shapes.append(ellipse(camera.point(middle, low + 0.18 + 0.31 * number, z - 0.05), radius, radius, tone))
        scene.add("traffic_light", z - 0.1, *shapes)


def sign(scene: Scene, x: float, z: float) -> None:
    """A road sign on its pole."""
    height = scene.rng.uniform(2.2, 2.7)
    scene.add("pole", z, mast(scene, x, z, height + 0.3, 0.045))
    scene.add("traffic_sign", z - 0.05, *scene.rng.choice(SIGNS)(Face(scene, x, height, z)))


class Face:
    """The face of a sign. Sizes are in radii of a round sign (0.36 m), except for `plate`: metres from the centre."""

    def __init__(self, scene: Scene, x: float, height: float, z: float) -> None:
        self.scene, self.x, self.height, self.z = scene, x, height, z
        self.centre, self.radius = scene.camera.point(x, height, z), 0.36 * scene.camera.scale(z)

    def disc(self, color: Rgb, size: float = 1.0) -> str:
        radius = self.radius * size
        return ellipse(self.centre, radius, radius, self.scene.tone(color, self.z))

    def diamond(self, color: Rgb, size: float) -> str:
        (u, v), half = self.centre, size * self.radius
        return polygon([(u - half, v), (u, v + half), (u + half, v), (u, v - half)], self.scene.tone(color, self.z))

    def triangle(self, color: Rgb, size: float) -> str:
        (u, v), half = self.centre, size * self.radius
        corners = [(u - half, v + 0.8 * half), (u + half, v + 0.8 * half), (u, v - 0.9 * half)]
        return polygon(corners, self.scene.tone(color, self.z))

    def plate(self, color: Rgb, left: float, right: float, low: float, high: float, rows: int = 1) -> str:
        """A rectangle, or several at intervals of 0.4 m."""
        x0, x1, y0, y1 = self.x + left, self.x + right, self.height + low, self.height + high
        quads = [self.scene.camera.quad(x0, x1, y0 + 0.4 * row, y1 + 0.4 * row, self.z) for row in range(rows)]
        return polygons(quads, self.scene.tone(color, self.z))


def ban(face: Face) -> list[str]:
    return [face.disc(RED), face.disc(WHITE, 0.7)]


def warning(face: Face) -> list[str]:
    return [face.triangle(RED, 1.15), face.triangle(WHITE, 0.7)]


def mandatory_direction(face: Face) -> list[str]:
    (u, v), r = face.centre, face.radius
    arrow = [
        (u - 0.1 * r, v + 0.6 * r), (u + 0.1 * r, v + 0.6 * r), (u + 0.35 * r, v), (u, v - 0.6 * r), (u - 0.35 * r, v),
    ]  # fmt: skip
    return [face.disc(BLUE), polygon(arrow, face.scene.tone(WHITE, face.z))]


def priority_road(face: Face) -> list[str]:
    return [face.diamond(WHITE, 1.15), face.diamond(YELLOW, 0.85)]


def parking(face: Face) -> list[str]:
    return [face.plate(BLUE, -0.32, 0.32, -0.32, 0.32), face.plate(WHITE, -0.14, 0.14, -0.2, 0.22)]


def direction_board(face: Face) -> list[str]:
    ground, ink = face.scene.rng.choice(((YELLOW, (30, 30, 30)), (WHITE, (30, 30, 34)), (BLUE, WHITE)))
    return [face.plate(ground, -0.9, 0.9, -0.5, 0.7), face.plate(ink, -0.7, 0.5, -0.25, -0.12, rows=2)]


def no_entry(face: Face) -> list[str]:
    return [face.disc(RED), face.plate(WHITE, -0.26, 0.26, -0.06, 0.06)]


SIGNS = (ban, warning, mandatory_direction, priority_road, parking, direction_board, no_entry, ban)
