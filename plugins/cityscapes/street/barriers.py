"""Walls, fences and guard rails along the street; bridges and tunnel mouths across it."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.ground import spaced
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.sketch import line, polygon, polygons
from composegan.plugins.cityscapes.street.stage import Stage

MASONRY: tuple[Rgb, ...] = ((156, 148, 138), (134, 122, 112), (150, 104, 86), (176, 172, 164), (118, 114, 112))
CONCRETE: Rgb = (150, 148, 144)
STEEL: Rgb = (164, 168, 172)


def wall(stage: Stage, x: float, z0: float, z1: float, height: float) -> None:
    """A garden or retaining wall along the road, with courses of stone and a coping."""
    camera, side = stage.camera, 1 if x > 0 else -1
    color = vary(stage.rng.choice(MASONRY), stage.rng)
    shapes = [polygon(camera.quad(x, x + 0.5 * side, 0, height, z0), stage.tone(color, z0, 0, 0.85))]
    for start in (z0, z0 * 2, z0 * 4):
        if start < z1:
            shapes.append(polygon(camera.upright(x, 0, height, start, z1), stage.tone(color, start * 1.2, -0.9 * side)))
    courses = [camera.upright(x, y, y + 0.03, z0, z1) for y in spaced(0.4, height, 0.4)]
    shapes.append(polygons(courses, stage.tone(color, z0, -0.9 * side, 0.72), 0.45))
    coping = camera.upright(x - 0.05 * side, height - 0.12, height + 0.05, z0, z1)
    shapes.append(polygon(coping, stage.tone(color, z0 * 1.5, -0.9 * side, 1.15)))
    stage.add("wall", z1, *shapes)


def fence(stage: Stage, x: float, z0: float, z1: float, height: float) -> None:
    """Railings or boards along the road. The gaps between bars belong to the fence, as in the data set."""
    camera, rng, side = stage.camera, stage.rng, 1 if x > 0 else -1
    color = vary(rng.choice(((96, 92, 88), (138, 104, 72), (66, 82, 74), (176, 176, 172))), rng, 8)
    far = (z0 + z1) / 2
    panel = polygon(camera.upright(x, 0.05, height, z0, z1), stage.tone(color, far, -0.9 * side, 0.94), 0.62)
    near = min(z1, 26.0)
    bars = [camera.upright(x, 0.05, height, z, z + 0.09) for z in spaced(z0, near, 0.34)]
    rail = [camera.upright(x, y, y + 0.09, z0, z1) for y in (0.15, height - 0.1)]
    posts = [camera.quad(x - 0.06, x + 0.06, 0, height + 0.08, z) for z in spaced(z0, min(z1, 60), 2.5)]
    stage.add("fence", z1, panel, polygons([*bars, *rail, *posts], stage.tone(color, z0 * 1.3, -0.6 * side)))


def guard_rail(stage: Stage, x: float, z0: float, z1: float) -> None:
    """A steel rail on posts."""
    camera, side = stage.camera, 1 if x > 0 else -1
    posts = [camera.quad(x - 0.07, x + 0.07, 0, 0.75, z) for z in spaced(z0, min(z1, 60), 2.0)]
    rail = polygon(camera.upright(x, 0.42, 0.8, z0, z1), stage.tone(STEEL, z0 * 1.4, -0.8 * side))
    folds = [camera.upright(x, y, y + 0.06, z0, z1) for y in (0.5, 0.66)]
    stage.add(
        "guard_rail",
        z0 + 0.35 * (z1 - z0),
        polygons(posts, stage.tone(STEEL, z0 * 1.4, 0, 0.7)),
        rail,
        polygons(folds, stage.tone(STEEL, z0 * 1.4, -0.8 * side, 0.72)),
    )


def bridge(stage: Stage, z: float, x0: float, x1: float) -> None:
    """A bridge over the street from pier to pier at x0 and x1, and on to both sides."""
    camera, rng = stage.camera, stage.rng
    color = vary(rng.choice((CONCRETE, (128, 134, 128), (140, 112, 96))), rng)
    low, deep, thick = rng.uniform(4.6, 5.6), rng.uniform(7, 14), rng.uniform(0.9, 1.6)
    under: list[Point] = [
        camera.point(-60, low, z), camera.point(60, low, z),
        camera.point(60, low, z + deep), camera.point(-60, low, z + deep),
    ]  # fmt: skip
    shapes = []
    for x in (x0 - 0.6, x1 + 0.6):
        inner = -1 if x > 0 else 1
        shapes.append(
            polygon(camera.upright(x - inner * 0.5, 0, low, z + 1, z + deep), stage.tone(color, z, inner, 0.6))
        )
        shapes.append(polygon(camera.quad(x - 0.6, x + 0.6, 0, low, z + 1), stage.tone(color, z, 0, 0.82)))
    shapes.append(polygon(under, stage.tone(color, z, 0, 0.4)))
    front = camera.quad(-60, 60, low, low + thick, z)
    lip = camera.quad(-60, 60, low + thick, low + thick + 0.2, z)
    shapes += [polygon(front, stage.tone(color, z, 0, 0.95)), polygon(lip, stage.tone(color, z, 0, 1.15))]
    bars = [camera.quad(x, x + 0.08, low + thick, low + thick + 1.1, z) for x in spaced(-40, 40, 1.6)]
    bars.append(camera.quad(-60, 60, low + thick + 1.05, low + thick + 1.15, z))
    shapes.append(polygons(bars, stage.tone(STEEL, z, 0, 0.8)))
    stage.add("bridge", z + 0.5, *shapes)
    shadow = camera.flat(x0, x1, max(3.0, z - 3), z + deep)
    stage.add("road", 900, polygon(shadow, "#0a0c14", 0.35))


def tunnel(stage: Stage, z: float, x0: float, x1: float) -> None:
    """A tunnel mouth across the road: masonry with a dark opening and lamps on its ceiling, and a slope above it."""
    camera, rng = stage.camera, stage.rng
    color = vary(rng.choice(((158, 140, 118), CONCRETE, (136, 116, 100))), rng)
    top, crest = rng.uniform(6.8, 8.5), rng.uniform(4.6, 5.2)
    edge = [(-90, 0, 1), (90, 0, 1), (90, top + 3, 9), (20, top + 7, 9), (-20, top + 6, 9), (-90, top + 4, 9)]
    slope = [camera.point(x, y, z + further) for x, y, further in edge]
    stage.add("terrain", z + 3, polygon(slope, stage.tone((96, 112, 62), z)))
    face = polygon(camera.quad(x0 - 9, x1 + 9, 0, top, z), stage.tone(color, z))
    courses = [camera.quad(x0 - 9, x1 + 9, y, y + 0.07, z) for y in spaced(1, top, 1)]
    middle, half = (x0 + x1) / 2, (x1 - x0) / 2
    arch = [camera.point(x0, 0, z), camera.point(x0, crest * 0.6, z)]
    arch += [
        camera.point(middle - half * math.cos(angle), crest * (0.6 + 0.4 * math.sin(angle)), z)
        for angle in (step * math.pi / 10 for step in range(1, 10))
    ]
    arch += [camera.point(x1, crest * 0.6, z), camera.point(x1, 0, z)]
    centre = camera.point(middle, crest * 0.45, z * 3)
    inside = [(centre[0] + (u - centre[0]) * 0.93, centre[1] + (v - centre[1]) * 0.93) for u, v in arch]
    lamps = [camera.quad(middle - 0.5, middle + 0.5, crest - 0.5, crest - 0.42, z + 5 + 9 * step) for step in range(6)]
    floor = polygon(camera.flat(x0, x1, z, z + 26), stage.tone((60, 58, 58), z, 0, 0.6))
    stage.add(
        "tunnel",
        z,
        face,
        polygons(courses, stage.tone(color, z, 0, 0.8), 0.45),
        line(arch, camera.scale(z) * 0.5, stage.tone(color, z, 0, 1.15)),
        polygon(arch, stage.tone((44, 40, 38), z, 0, 0.9)),
        polygon(inside, stage.tone((24, 22, 24), z, 0, 0.8)),
        polygons(lamps, stage.light.glow((255, 206, 130), 0)),
    )
    stage.add("road", z - 0.01, floor)
