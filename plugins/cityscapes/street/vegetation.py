"""Trees, hedges, shrubs and the woods at the end of the street."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.sketch import polygon, polygons
from composegan.plugins.cityscapes.street.stage import Stage

LEAVES: tuple[Rgb, ...] = ((78, 104, 44), (92, 116, 52), (66, 92, 48), (108, 118, 50), (60, 84, 40))
AUTUMN: tuple[Rgb, ...] = ((168, 122, 48), (146, 86, 42), (132, 124, 52))
BARK: Rgb = (86, 72, 60)


CIRCLES = {
    corners: [
        (math.cos(corner * math.tau / corners), math.sin(corner * math.tau / corners)) for corner in range(corners)
    ]
    for corners in (5, 9, 11, 14)
}
"""Round outlines with so many corners."""


def blob(stage: Stage, x: float, y: float, across: float, down: float, corners: int = 9) -> list[Point]:
    """An irregular round shape about (x, y), in units of the view. corners: one of CIRCLES."""
    random = stage.rng.random
    radii = [0.78 + 0.34 * random() for _ in range(corners)]
    return [
        (x + across * radius * cos, y + down * radius * sin)
        for radius, (cos, sin) in zip(radii, CIRCLES[corners], strict=True)
    ]


def crown(stage: Stage, middle: Point, across: float, down: float, z: float, color: Rgb) -> list[str]:
    """Leaves: a dark mass of round boughs, lighter ones towards the light, with dark gaps and bright glints."""
    rng, light = stage.rng, stage.light
    x, y = middle
    lean = 0.3 * light.sun
    mass, mid = [blob(stage, x, y, across * 0.86, down * 0.88, 14)], []
    high: list[list[Point]] = []
    dark: list[list[Point]] = []
    boughs = 9 if across > 2 else 5
    for bough in range(boughs):
        angle = bough * math.tau / boughs + rng.uniform(-0.3, 0.3)
        reach = rng.uniform(0.55, 0.72)
        place = x + across * reach * math.cos(angle), y + down * reach * math.sin(angle)
        mass.append(blob(stage, *place, across * rng.uniform(0.3, 0.44), down * rng.uniform(0.3, 0.42)))
        mid.append(
            blob(
                stage,
                place[0] + lean * across * 0.2,
                place[1] - 0.1 * down,
                across * 0.27,
                down * rng.uniform(0.2, 0.3),
            )
        )
    count = 22 if across > 4 else 8 if across > 1.5 else 0
    for _ in range(count):
        angle, reach = rng.uniform(0, math.tau), rng.random() ** 0.6 * 0.86
        u, v = math.cos(angle) * reach, math.sin(angle) * reach
        lit = 0.5 * u * light.sun - v + rng.uniform(-0.4, 0.4) > 0.1
        size = rng.uniform(0.05, 0.12)
        (high if lit else dark).append(blob(stage, x + u * across, y + v * down, across * size, down * size, 5))
    return [
        polygons(mass, stage.tone(color, z, 0, 0.72)),
        polygons(mid, stage.tone(color, z, 0.3, 0.98)),
        polygons(dark, stage.tone(color, z, 0, 0.56)),
        polygons(high, stage.tone(color, z, 0.6, 1.3)),
    ]


def foliage(stage: Stage, autumn: bool = False) -> Rgb:
    """A color of leaves."""
    return vary(stage.rng.choice(AUTUMN if autumn and stage.rng.random() < 0.5 else LEAVES), stage.rng, 9)


def tree(stage: Stage, x: float, z: float, height: float, color: Rgb) -> None:
    """A tree `height` metres high; its trunk belongs to vegetation."""
    camera, rng = stage.camera, stage.rng
    radius = height * rng.uniform(0.26, 0.36)
    stem = height - 1.7 * radius
    girth = 0.019 * height
    bend = rng.uniform(-0.4, 0.4)
    trunk = [
        camera.point(x - girth * 1.2, 0, z), camera.point(x + girth * 1.2, 0, z),
        camera.point(x + bend + girth * 0.7, stem + 0.6, z), camera.point(x + bend - girth * 0.7, stem + 0.6, z),
    ]  # fmt: skip
    middle = camera.point(x + bend, stem + radius * 0.9, z)
    scale = camera.scale(z)
    shade = blob(stage, *camera.point(x - 0.8 * stage.light.sun, 0.02, z), radius * scale, radius * scale * 0.1)
    stage.add(
        "vegetation",
        z,
        polygon(shade, "#10140c", 0.2),
        polygon(trunk, stage.tone(BARK, z)),
        *crown(stage, middle, radius * scale, radius * scale * 0.95, z, color),
    )


def shrub(stage: Stage, x: float, z: float, height: float) -> None:
    """A round bush."""
    scale = stage.camera.scale(z)
    middle = stage.camera.point(x, height * 0.45, z)
    stage.add("vegetation", z, *crown(stage, middle, height * 0.75 * scale, height * 0.6 * scale, z, foliage(stage)))


def hedge(stage: Stage, x: float, z0: float, z1: float, height: float, thick: float, bumps: float = 0.25) -> None:
    """A clipped hedge, or with high `bumps` a thicket, along the road."""
    camera, rng = stage.camera, stage.rng
    color = foliage(stage)
    count = max(3, int(10 * math.log(z1 / z0)))
    steps = [z0 * (z1 / z0) ** (index / count) for index in range(count + 1)]
    tops = [height * (1 + rng.uniform(-bumps, bumps)) for _ in steps]
    side = 1 if x > 0 else -1
    foot = [camera.point(x, 0, z) for z in steps]
    edge = [camera.point(x, top, z) for z, top in zip(steps, tops, strict=True)]
    back = [camera.point(x + thick * side, top, z) for z, top in zip(steps, tops, strict=True)]
    face = camera.quad(x, x + thick * side, 0, tops[0], z0)
    dabs: list[list[Point]] = []
    dark: list[list[Point]] = []
    for _ in range(int(18 * math.log(z1 / z0)) + 6):
        z = z0 * (z1 / z0) ** rng.random()
        u, v = camera.point(x, rng.random() * height * 0.95, z)
        size = camera.scale(z) * rng.uniform(0.08, 0.22) * min(2.0, height)
        (dabs if rng.random() < 0.5 else dark).append(blob(stage, u, v, size * 0.7, size, 5))
    stage.add(
        "vegetation",
        z1,
        polygon(edge + back[::-1], stage.tone(color, z0 * 1.5, 0, 1.16)),
        polygon(foot + edge[::-1], stage.tone(color, z0 * 1.6, -0.8 * side, 0.88)),
        polygon(face, stage.tone(color, z0, 0, 0.76)),
        polygons(dabs, stage.tone(color, z0 * 1.5, 0.2, 1.15)),
        polygons(dark, stage.tone(color, z0 * 1.5, 0, 0.66)),
    )


def woods(stage: Stage, height: float) -> None:
    """Trees at the end of the street, as wide as the picture."""
    camera, rng = stage.camera, stage.rng
    z, x = 160.0, -180.0
    color = foliage(stage)
    shapes = []
    while x < 180:
        width = rng.uniform(8, 20)
        u, v = camera.point(x + width / 2, height * rng.uniform(0.25, 0.4), z)
        scale = camera.scale(z)
        shapes.append(blob(stage, u, v, width * 0.8 * scale, height * rng.uniform(0.5, 0.8) * scale, 11))
        x += width * 0.8
    stage.add("vegetation", 490, polygons(shapes, stage.tone(color, z * 0.6, 0, 0.9)))
