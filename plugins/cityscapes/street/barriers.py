"""Walls, fences and guard rails along the street; bridges and tunnel mouths across it."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.ground import spaced
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import line, polygon, polygons

MASONRY: tuple[Rgb, ...] = ((156, 148, 138), (134, 122, 112), (150, 104, 86), (176, 172, 164), (118, 114, 112))
CONCRETE: Rgb = (150, 148, 144)
STEEL: Rgb = (164, 168, 172)


def wall(scene: Scene, x: float, z0: float, z1: float, height: float) -> None:
    """A garden or retaining wall along the road, with courses of stone and a coping."""
    camera, side = scene.camera, 1 if x > 0 else -1
    color = vary(scene.rng.choice(MASONRY), scene.rng)
    shapes = [polygon(camera.quad(x, x + 0.5 * side, 0, height, z0), scene.tone(color, z0, 0, 0.85))]
    for start in (z0, z0 * 2, z0 * 4):
        if start < z1:
            shapes.append(polygon(camera.upright(x, 0, height, start, z1), scene.tone(color, start * 1.2, -0.9 * side)))
    courses = [camera.upright(x, y, y + 0.03, z0, z1) for y in spaced(0.4, height, 0.4)]
    shapes.append(polygons(courses, scene.tone(color, z0, -0.9 * side, 0.72), 0.45))
    coping = camera.upright(x - 0.05 * side, height - 0.12, height + 0.05, z0, z1)
    shapes.append(polygon(coping, scene.tone(color, z0 * 1.5, -0.9 * side, 1.15)))
    scene.add("wall", z1, *shapes)


def fence(scene: Scene, x: float, z0: float, z1: float, height: float) -> None:
    """Railings or boards along the road. The gaps between bars belong to the fence, as in the data set."""
    camera, rng, side = scene.camera, scene.rng, 1 if x > 0 else -1
    color = vary(rng.choice(((96, 92, 88), (138, 104, 72), (66, 82, 74), (176, 176, 172))), rng, 8)
    far = (z0 + z1) / 2
    panel = polygon(camera.upright(x, 0.05, height, z0, z1), scene.tone(color, far, -0.9 * side, 0.94), 0.62)
    near = min(z1, 26.0)
    bars = [camera.upright(x, 0.05, height, z, z + 0.09) for z in spaced(z0, near, 0.34)]
    rail = [camera.upright(x, y, y + 0.09, z0, z1) for y in (0.15, height - 0.1)]
    posts = [camera.quad(x - 0.06, x + 0.06, 0, height + 0.08, z) for z in spaced(z0, min(z1, 60), 2.5)]
    scene.add("fence", z1, panel, polygons([*bars, *rail, *posts], scene.tone(color, z0 * 1.3, -0.6 * side)))


def guard_rail(scene: Scene, x: float, z0: float, z1: float) -> None:
    """A steel rail on posts."""
    camera, side = scene.camera, 1 if x > 0 else -1
    posts = [camera.quad(x - 0.07, x + 0.07, 0, 0.75, z) for z in spaced(z0, min(z1, 60), 2.0)]
    rail = polygon(camera.upright(x, 0.42, 0.8, z0, z1), scene.tone(STEEL, z0 * 1.4, -0.8 * side))
    folds = [camera.upright(x, y, y + 0.06, z0, z1) for y in (0.5, 0.66)]
    scene.add(
        "guard_rail",
        z0 + 0.35 * (z1 - z0),
        polygons(posts, scene.tone(STEEL, z0 * 1.4, 0, 0.7)),
        rail,
        polygons(folds, scene.tone(STEEL, z0 * 1.4, -0.8 * side, 0.72)),
    )


def bridge(scene: Scene, z: float, x0: float, x1: float) -> None:
    """A bridge over the street, with piers at x0 and x1, that continues on both sides."""
    camera, rng = scene.camera, scene.rng
    color = vary(rng.choice((CONCRETE, (128, 134, 128), (140, 112, 96))), rng)
    low, deep, thick = rng.uniform(4.6, 5.6), rng.uniform(7, 14), rng.uniform(0.9, 1.6)
    under = camera.points((-60, low, z), (60, low, z), (60, low, z + deep), (-60, low, z + deep))
    shapes = []
    for x in (x0 - 0.6, x1 + 0.6):
        inner = -1 if x > 0 else 1
        pier = camera.upright(x - inner * 0.5, 0, low, z + 1, z + deep)
        shapes.append(polygon(pier, scene.tone(color, z, inner, 0.6)))
        shapes.append(polygon(camera.quad(x - 0.6, x + 0.6, 0, low, z + 1), scene.tone(color, z, 0, 0.82)))
    shapes.append(polygon(under, scene.tone(color, z, 0, 0.4)))
    front = camera.quad(-60, 60, low, low + thick, z)
    lip = camera.quad(-60, 60, low + thick, low + thick + 0.2, z)
    shapes += [polygon(front, scene.tone(color, z, 0, 0.95)), polygon(lip, scene.tone(color, z, 0, 1.15))]
    bars = [camera.quad(x, x + 0.08, low + thick, low + thick + 1.1, z) for x in spaced(-40, 40, 1.6)]
    bars.append(camera.quad(-60, 60, low + thick + 1.05, low + thick + 1.15, z))
    shapes.append(polygons(bars, scene.tone(STEEL, z, 0, 0.8)))
    scene.add("bridge", z + 0.5, *shapes)
    shadow = camera.flat(x0, x1, max(3.0, z - 3), z + deep)
    scene.add("road", 900, polygon(shadow, "#0a0c14", 0.35))


def tunnel(scene: Scene, z: float, x0: float, x1: float) -> None:
    """A tunnel mouth across the road: masonry with a dark opening and lamps on its ceiling, and a slope above it."""
    camera, rng = scene.camera, scene.rng
    color = vary(rng.choice(((158, 140, 118), CONCRETE, (136, 116, 100))), rng)
    top, crest = rng.uniform(6.8, 8.5), rng.uniform(4.6, 5.2)
    ridge = (90, top + 3), (20, top + 7), (-20, top + 6), (-90, top + 4)
    slope = camera.points((-90, 0, z + 1), (90, 0, z + 1), *((x, y, z + 9) for x, y in ridge))
    scene.add("terrain", z + 3, polygon(slope, scene.tone((96, 112, 62), z)))
    face = polygon(camera.quad(x0 - 9, x1 + 9, 0, top, z), scene.tone(color, z))
    courses = [camera.quad(x0 - 9, x1 + 9, y, y + 0.07, z) for y in spaced(1, top, 1)]
    middle, half = (x0 + x1) / 2, (x1 - x0) / 2
    angles = [step * math.pi / 10 for step in range(1, 10)]
    vault = [(middle - half * math.cos(angle), crest * (0.6 + 0.4 * math.sin(angle))) for angle in angles]
    profile = [(x0, 0), (x0, crest * 0.6), *vault, (x1, crest * 0.6), (x1, 0)]
    arch = camera.points(*((x, y, z) for x, y in profile))
    centre = camera.point(middle, crest * 0.45, z * 3)
    inside = [(centre[0] + (u - centre[0]) * 0.93, centre[1] + (v - centre[1]) * 0.93) for u, v in arch]
    lamps = [camera.quad(middle - 0.5, middle + 0.5, crest - 0.5, crest - 0.42, z + 5 + 9 * step) for step in range(6)]
    floor = polygon(camera.flat(x0, x1, z, z + 26), scene.tone((60, 58, 58), z, 0, 0.6))
    scene.add(
        "tunnel",
        z,
        face,
        polygons(courses, scene.tone(color, z, 0, 0.8), 0.45),
        line(arch, camera.scale(z) * 0.5, scene.tone(color, z, 0, 1.15)),
        polygon(arch, scene.tone((44, 40, 38), z, 0, 0.9)),
        polygon(inside, scene.tone((24, 22, 24), z, 0, 0.8)),
        polygons(lamps, scene.light.glow((255, 206, 130), 0)),
    )
    scene.add("road", z - 0.01, floor)
