"""Trees, hedges, shrubs and the woods at the end of the street."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import polygon, polygons

LEAVES: tuple[Rgb, ...] = ((78, 104, 44), (92, 116, 52), (66, 92, 48), (108, 118, 50), (60, 84, 40))
AUTUMN: tuple[Rgb, ...] = ((168, 122, 48), (146, 86, 42), (132, 124, 52))
BARK: Rgb = (86, 72, 60)

CIRCLES = {
    count: [(math.cos(corner * math.tau / count), math.sin(corner * math.tau / count)) for corner in range(count)]
    for count in (5, 9, 11, 14)
}
"""Regular polygons by their number of corners."""


def blob(scene: Scene, x: float, y: float, across: float, down: float, corners: int = 9) -> list[Point]:
    """An irregular round shape about (x, y), in units of the view. corners: one of CIRCLES."""
    random = scene.rng.random
    radii = [0.78 + 0.34 * random() for _ in range(corners)]
    return [
        (x + across * radius * cos, y + down * radius * sin)
        for radius, (cos, sin) in zip(radii, CIRCLES[corners], strict=True)
    ]


def crown(scene: Scene, middle: Point, across: float, down: float, z: float, color: Rgb) -> list[str]:
    """The crown of a tree: dark round boughs, lighter ones towards the sun, dark gaps and bright highlights."""
    rng, light = scene.rng, scene.light
    x, y = middle
    lean = 0.3 * light.sun
    mass, mid = [blob(scene, x, y, across * 0.86, down * 0.88, 14)], []
    high: list[list[Point]] = []
    dark: list[list[Point]] = []
    boughs = 9 if across > 2 else 5
    for bough in range(boughs):
        angle = bough * math.tau / boughs + rng.uniform(-0.3, 0.3)
        reach = rng.uniform(0.55, 0.72)
        place = x + across * reach * math.cos(angle), y + down * reach * math.sin(angle)
        mass.append(blob(scene, *place, across * rng.uniform(0.3, 0.44), down * rng.uniform(0.3, 0.42)))
        u, v = place[0] + lean * across * 0.2, place[1] - 0.1 * down
        mid.append(blob(scene, u, v, across * 0.27, down * rng.uniform(0.2, 0.3)))
    count = 22 if across > 4 else 8 if across > 1.5 else 0
    for _ in range(count):
        angle, reach = rng.uniform(0, math.tau), rng.random() ** 0.6 * 0.86
        u, v = math.cos(angle) * reach, math.sin(angle) * reach
        lit = 0.5 * u * light.sun - v + rng.uniform(-0.4, 0.4) > 0.1
        size = rng.uniform(0.05, 0.12)
        (high if lit else dark).append(blob(scene, x + u * across, y + v * down, across * size, down * size, 5))
    return [
        polygons(mass, scene.tone(color, z, 0, 0.72)),
        polygons(mid, scene.tone(color, z, 0.3, 0.98)),
        polygons(dark, scene.tone(color, z, 0, 0.56)),
        polygons(high, scene.tone(color, z, 0.6, 1.3)),
    ]


def foliage(scene: Scene, autumn: bool = False) -> Rgb:
    """A random colour of leaves."""
    return vary(scene.rng.choice(AUTUMN if autumn and scene.rng.random() < 0.5 else LEAVES), scene.rng, 9)


def tree(scene: Scene, x: float, z: float, height: float, color: Rgb) -> None:
    """A tree `height` metres high; its trunk belongs to vegetation."""
    camera, rng = scene.camera, scene.rng
    radius = height * rng.uniform(0.26, 0.36)
    stem = height - 1.7 * radius
    girth = 0.019 * height
    bend = rng.uniform(-0.4, 0.4)
    trunk = camera.points(
        (x - girth * 1.2, 0, z), (x + girth * 1.2, 0, z),
        (x + bend + girth * 0.7, stem + 0.6, z), (x + bend - girth * 0.7, stem + 0.6, z),
    )  # fmt: skip
    middle = camera.point(x + bend, stem + radius * 0.9, z)
    scale = camera.scale(z)
    shade = blob(scene, *camera.point(x - 0.8 * scene.light.sun, 0.02, z), radius * scale, radius * scale * 0.1)
    scene.add(
        "vegetation",
        z,
        polygon(shade, "#10140c", 0.2),
        polygon(trunk, scene.tone(BARK, z)),
        *crown(scene, middle, radius * scale, radius * scale * 0.95, z, color),
    )


def shrub(scene: Scene, x: float, z: float, height: float) -> None:
    """A round bush."""
    scale = scene.camera.scale(z)
    middle = scene.camera.point(x, height * 0.45, z)
    scene.add("vegetation", z, *crown(scene, middle, height * 0.75 * scale, height * 0.6 * scale, z, foliage(scene)))


def hedge(scene: Scene, x: float, z0: float, z1: float, height: float, thick: float, bumps: float = 0.25) -> None:
    """A clipped hedge, or with high `bumps` a thicket, along the road."""
    camera, rng = scene.camera, scene.rng
    color = foliage(scene)
    count = max(3, int(10 * math.log(z1 / z0)))
    steps = [z0 * (z1 / z0) ** (index / count) for index in range(count + 1)]
    tops = [height * (1 + rng.uniform(-bumps, bumps)) for _ in steps]
    side = 1 if x > 0 else -1
    foot = camera.points(*((x, 0, z) for z in steps))
    edge = camera.points(*((x, top, z) for z, top in zip(steps, tops, strict=True)))
    back = camera.points(*((x + thick * side, top, z) for z, top in zip(steps, tops, strict=True)))
    face = camera.quad(x, x + thick * side, 0, tops[0], z0)
    dabs: list[list[Point]] = []
    dark: list[list[Point]] = []
    for _ in range(int(18 * math.log(z1 / z0)) + 6):
        z = z0 * (z1 / z0) ** rng.random()
        u, v = camera.point(x, rng.random() * height * 0.95, z)
        size = camera.scale(z) * rng.uniform(0.08, 0.22) * min(2.0, height)
        (dabs if rng.random() < 0.5 else dark).append(blob(scene, u, v, size * 0.7, size, 5))
    scene.add(
        "vegetation",
        z1,
        polygon(edge + back[::-1], scene.tone(color, z0 * 1.5, 0, 1.16)),
        polygon(foot + edge[::-1], scene.tone(color, z0 * 1.6, -0.8 * side, 0.88)),
        polygon(face, scene.tone(color, z0, 0, 0.76)),
        polygons(dabs, scene.tone(color, z0 * 1.5, 0.2, 1.15)),
        polygons(dark, scene.tone(color, z0 * 1.5, 0, 0.66)),
    )


def woods(scene: Scene, height: float) -> None:
    """Trees at the end of the street, as wide as the picture."""
    camera, rng = scene.camera, scene.rng
    z, x = 160.0, -180.0
    color = foliage(scene)
    shapes = []
    while x < 180:
        width = rng.uniform(8, 20)
        u, v = camera.point(x + width / 2, height * rng.uniform(0.25, 0.4), z)
        scale = camera.scale(z)
        shapes.append(blob(scene, u, v, width * 0.8 * scale, height * rng.uniform(0.5, 0.8) * scale, 11))
        x += width * 0.8
    scene.add("vegetation", 490, polygons(shapes, scene.tone(color, z * 0.6, 0, 0.9)))
