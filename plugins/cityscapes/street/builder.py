"""Build a street: its contents, by the probabilities in domains/cityscapes.yaml, and their positions."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from composegan.plugins.cityscapes.street import barriers, buildings, furniture, ground, vegetation, vehicles
from composegan.plugins.cityscapes.street.camera import Camera, Pose
from composegan.plugins.cityscapes.street.layout import LANE, Layout, Side, choose, draw_layout
from composegan.plugins.cityscapes.street.light import Light
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.traffic import Traffic


def build_street(settings: Mapping[str, Any], rng: random.Random) -> Scene:
    """Build a random street, to be rendered as `scene.svg()` over a sky in `scene.light`."""
    chance = settings["chance"]
    bend = rng.choice((-1, 1)) * rng.uniform(0.0008, 0.0042) if rng.random() < chance["bend"] else 0.0
    camera = Camera(
        focal=rng.uniform(150, 215),
        height=rng.uniform(1.25, 1.75),
        horizon=rng.uniform(38, 48),
        centre=100 - 2200 * bend + rng.uniform(-9, 9),
        curvature=bend,
    )
    scene = Scene(camera, Light.draw(choose(settings["weather"], rng), rng), rng)
    layout = draw_layout(settings, rng)
    draw_ground(scene, layout)
    draw_far_end(scene, layout)
    for side in layout.sides:
        draw_frontage(scene, layout, side, settings["frontage"][layout.setting])
        draw_roadside(scene, layout, side, chance)
    crossing = draw_crossing(scene, layout, chance)
    if layout.end > 100 and rng.random() < chance["bridge"]:
        barriers.bridge(scene, rng.uniform(22, 70), layout.left.walk, layout.right.walk)
    occupied = draw_parked(scene, layout, chance)
    Traffic(scene, layout, settings["count"], crossing, occupied).draw()
    return scene


def ordered(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)


def draw_ground(scene: Scene, layout: Layout) -> None:
    """Draw road, sidewalks, rails, parking, verges, markings and the shadow of the houses."""
    green = layout.setting in ("residential", "arterial")
    ground.surface(scene, "terrain" if green else "sidewalk", -260, 260, over=-5)
    left, right = layout.left, layout.right
    ground.surface(scene, "road", left.road, right.road)
    ground.wear(scene, left.road, right.road)
    if layout.rails:
        ground.rails(scene, *layout.rails, grassy=scene.rng.random() < 0.4)
    for side in layout.sides:
        if side.parking:
            ground.bays(scene, *ordered(side.road, side.kerb))
        ground.pavement(scene, side.kerb, side.walk)
        if side.verge:
            ground.surface(scene, "terrain", *ordered(side.kerb + 0.3 * side.side, side.kerb + 1.9 * side.side), over=6)
        if side.forecourt:
            ground.surface(scene, "ground", *ordered(side.walk, side.front), over=5.5)
    if layout.setting != "residential" or scene.rng.random() < 0.4:
        ground.lane_line(scene, -LANE / 2 - 0.15, dashed=scene.rng.random() < 0.7)
        for lane in (*layout.ours[1:], *layout.others[1:]):
            ground.lane_line(scene, lane + (LANE / 2 if lane < 0 else -LANE / 2), dashed=True)
    if scene.rng.random() < 0.5:
        ground.lane_line(scene, right.road - 0.3, dashed=False, width=0.12)
    sunny = right if scene.light.sun > 0 else left
    if layout.setting != "arterial":
        ground.shadow_of_houses(scene, sunny.front, scene.rng.uniform(2, 11))


def draw_far_end(scene: Scene, layout: Layout) -> None:
    """Draw the skyline and woods in the distance, and a tunnel if there is one."""
    if layout.setting != "arterial" or scene.rng.random() < 0.5:
        buildings.skyline(scene, layout.setting == "city")
    vegetation.woods(scene, scene.rng.uniform(5, 14) * (0.6 if layout.setting == "city" else 1))
    if layout.end < 100:
        barriers.tunnel(scene, layout.end, layout.left.road, layout.right.road)


def draw_frontage(scene: Scene, layout: Layout, side: Side, weights: Mapping[str, float]) -> None:
    """Place houses, gardens, walls, fences, trees and side streets along one side."""
    rng = scene.rng
    z = rng.uniform(2.0, 3.0)
    storeys = rng.randint(3, 5) if layout.setting in ("city", "boulevard") else 2
    shops = 0.55 if layout.setting == "city" else 0.3 if layout.setting == "boulevard" else 0.03
    last = ""
    while z < min(110, layout.end):
        kind = choose(weights, rng)
        if kind == last == "gap":
            continue
        last = kind
        end = min(layout.end, z + rng.uniform(9, 20) * (1 if z < 40 else 1.6))
        if kind == "houses":
            modern = rng.random() < 0.18
            tall = max(2, storeys + rng.choice((-1, 0, 0, 1)) + (2 if modern else 0))
            house = buildings.House(side.front, side.side, z, end, tall, rng.random() < shops, modern)
            buildings.draw_house(scene, house)
        elif kind == "gap":
            end = z + rng.uniform(7, 11)
            ground.surface(scene, "road", *ordered(side.road - side.side * 0.2, side.side * 70), z + 1, end - 1, over=7)
        else:
            draw_boundary(scene, layout, side, kind, z, end)
        z = end


def draw_boundary(scene: Scene, layout: Layout, side: Side, kind: str, z0: float, z1: float) -> None:
    """A garden, wall or fence, perhaps with a house behind it, or trees or open land."""
    rng = scene.rng
    behind = side.front + side.side * rng.uniform(4, 8)
    if kind in ("garden", "wall", "fence") and rng.random() < 0.75:
        house = buildings.House(behind, side.side, z0 + 1.5, max(z0 + 3, z1 - 1.5), rng.choice((2, 2, 3)), False, False)
        buildings.draw_house(scene, house)
    if kind in ("garden", "wall", "fence", "trees"):
        for _ in range(rng.randint(1, 3) if kind != "trees" else rng.randint(4, 7)):
            z = z0 + (z1 - z0) * rng.random()
            x = side.front + side.side * rng.uniform(2.5, 8 if kind == "trees" else 5)
            vegetation.tree(scene, x, z + 2, rng.uniform(5, 11), vegetation.foliage(scene, rng.random() < 0.3))
    if kind == "garden":
        vegetation.hedge(scene, side.front, z0, z1, rng.uniform(0.9, 2.0), 1.2)
    elif kind == "wall":
        barriers.wall(scene, side.front, z0, z1, rng.uniform(1.0, 3.2))
    elif kind == "fence":
        barriers.fence(scene, side.front, z0, z1, rng.uniform(1.0, 2.2))
    elif kind == "trees":
        vegetation.hedge(scene, side.front + 0.6 * side.side, z0, z1, rng.uniform(1.0, 3.2), 4, 0.5)
    elif kind == "open":
        for _ in range(rng.randint(0, 3)):
            x = side.front + side.side * rng.uniform(1, 14)
            vegetation.shrub(scene, x, rng.uniform(z0, z1), rng.uniform(0.8, 1.8))


def draw_roadside(scene: Scene, layout: Layout, side: Side, chance: Mapping[str, float]) -> None:
    """Trees in a row, and a guard rail."""
    rng = scene.rng
    factor = {"city": 0.55, "boulevard": 1.4, "residential": 0.9, "arterial": 0.5}[layout.setting]
    if rng.random() < chance["street_trees"] * factor:
        color, height, pitch = vegetation.foliage(scene, rng.random() < 0.4), rng.uniform(5, 10), rng.uniform(8, 15)
        z = rng.uniform(7, 16)
        while z < min(95, layout.end - 2):
            x = side.kerb + side.side * (1.0 if side.verge else 0.8)
            vegetation.tree(scene, x, z, height * rng.uniform(0.85, 1.15), color)
            z += pitch * rng.uniform(0.85, 1.2) * (1 if z < 50 else 1.7)
    if rng.random() < chance["guard_rail"] * (3.2 if layout.setting == "arterial" else 0.25):
        barriers.guard_rail(scene, side.kerb + 0.4 * side.side, 2.5, rng.uniform(25, 80))


def draw_crossing(scene: Scene, layout: Layout, chance: Mapping[str, float]) -> float | None:
    """Draw a pedestrian crossing, usually with lights; return its distance, or None without one."""
    rng = scene.rng
    if rng.random() > chance["crossing"] or (z := rng.uniform(7, 30)) > layout.end - 8:
        return None
    ground.zebra(scene, layout.left.road + 0.3, layout.right.road - 0.3, z)
    if rng.random() < 0.8:
        for side in layout.sides:
            if rng.random() < 0.85:
                gantry = side.side > 0 and rng.random() < 0.3
                furniture.traffic_light(scene, side.kerb + 0.5 * side.side, z + 3.5 * (side.side < 0), gantry)
    return z


def draw_parked(scene: Scene, layout: Layout, chance: Mapping[str, float]) -> set[tuple[int, int]]:
    """Draw cars along the kerb and return the occupied places as (side, metres / 6)."""
    rng = scene.rng
    occupied = set()
    for side in layout.sides:
        if layout.setting == "arterial" or (side.side < 0 and layout.rails):
            continue
        if rng.random() > chance["parked"] * (1.3 if side.parking else 0.72):
            continue
        x = side.kerb - side.side * 1.05
        full = rng.uniform(0.4, 0.95)
        z = rng.uniform(5, 11)
        while z < min(75, layout.end - 4):
            if rng.random() < full:
                heading = 0.0 if side.side > 0 or rng.random() < 0.15 else math.pi
                vehicles.draw_car(scene, Pose(x + rng.gauss(0, 0.06), z, heading))
                occupied.add((side.side, int(z / 6)))
            z += rng.uniform(5.2, 6.4)
    return occupied
