"""One street: its contents, by the chances in domains/cityscapes.yaml, and their positions."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from composegan.plugins.cityscapes.street import barriers, buildings, furniture, ground, vegetation, vehicles
from composegan.plugins.cityscapes.street.camera import Camera, Pose
from composegan.plugins.cityscapes.street.layout import LANE, Layout, Side, draw_layout
from composegan.plugins.cityscapes.street.light import Light
from composegan.plugins.cityscapes.street.stage import Stage
from composegan.plugins.cityscapes.street.traffic import Traffic


def draw_street(settings: Mapping[str, Any], rng: random.Random) -> Stage:
    """A scene, ready to be rendered: `stage.sketch.svg()` over a sky of `stage.light`."""
    chance = settings["chance"]
    bend = rng.choice((-1, 1)) * rng.uniform(0.0008, 0.0042) if rng.random() < chance["bend"] else 0.0
    camera = Camera(
        focal=rng.uniform(150, 215),
        height=rng.uniform(1.25, 1.75),
        horizon=rng.uniform(38, 48),
        centre=100 - 2200 * bend + rng.uniform(-9, 9),
        curvature=bend,
    )
    weather = rng.choices(*zip(*settings["weather"].items(), strict=True))[0]
    stage = Stage(camera, Light.draw(weather, rng), rng)
    layout = draw_layout(settings, rng)
    draw_ground(stage, layout)
    far_end(stage, layout)
    for side in layout.sides:
        draw_frontage(stage, layout, side, settings["frontage"][layout.setting])
        draw_roadside(stage, layout, side, chance)
    crossing = draw_crossing(stage, layout, chance)
    draw_crossers_over(stage, layout, chance)
    taken = draw_parked(stage, layout, chance)
    Traffic(stage, layout, settings["count"], crossing, taken).draw()
    return stage


def ordered(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)


def draw_ground(stage: Stage, layout: Layout) -> None:
    green = layout.setting in ("residential", "arterial")
    ground.surface(stage, "terrain" if green else "sidewalk", -260, 260, over=-5)
    left, right = layout.left, layout.right
    ground.surface(stage, "road", left.road, right.road)
    ground.wear(stage, left.road, right.road)
    if layout.rails:
        ground.rails(stage, *layout.rails, grassy=stage.rng.random() < 0.4)
    for side in layout.sides:
        if side.parking:
            ground.bays(stage, *ordered(side.road, side.kerb))
        ground.pavement(stage, side.kerb, side.walk)
        if side.verge:
            ground.surface(stage, "terrain", *ordered(side.kerb + 0.3 * side.side, side.kerb + 1.9 * side.side), over=6)
        if side.forecourt:
            ground.surface(stage, "ground", *ordered(side.walk, side.front), over=5.5)
    if layout.setting != "residential" or stage.rng.random() < 0.4:
        ground.lane_line(stage, -LANE / 2 - 0.15, dashed=stage.rng.random() < 0.7)
        for lane in (*layout.ours[1:], *layout.others[1:]):
            ground.lane_line(stage, lane + (LANE / 2 if lane < 0 else -LANE / 2), dashed=True)
    if stage.rng.random() < 0.5:
        ground.lane_line(stage, right.road - 0.3, dashed=False, width=0.12)
    sunny = right if stage.light.sun > 0 else left
    if layout.setting != "arterial":
        ground.shadow_of_houses(stage, sunny.front, stage.rng.uniform(2, 11))


def far_end(stage: Stage, layout: Layout) -> None:
    if layout.setting != "arterial" or stage.rng.random() < 0.5:
        buildings.skyline(stage, layout.setting == "city")
    vegetation.woods(stage, stage.rng.uniform(5, 14) * (0.6 if layout.setting == "city" else 1))
    if layout.end < 100:
        barriers.tunnel(stage, layout.end, layout.left.road, layout.right.road)


def draw_frontage(stage: Stage, layout: Layout, side: Side, weights: Mapping[str, float]) -> None:
    """Place houses, gardens, walls, fences, trees and side streets along one side."""
    rng = stage.rng
    z = rng.uniform(2.0, 3.0)
    storeys = rng.randint(3, 5) if layout.setting in ("city", "boulevard") else 2
    shops = 0.55 if layout.setting == "city" else 0.3 if layout.setting == "boulevard" else 0.03
    last = ""
    while z < min(110, layout.end):
        kind = rng.choices(*zip(*weights.items(), strict=True))[0]
        if kind == last == "gap":
            continue
        last = kind
        end = min(layout.end, z + rng.uniform(9, 20) * (1 if z < 40 else 1.6))
        if kind == "houses":
            modern = rng.random() < 0.18
            tall = max(2, storeys + rng.choice((-1, 0, 0, 1)) + (2 if modern else 0))
            buildings.draw_house(
                stage, buildings.House(side.front, side.side, z, end, tall, rng.random() < shops, modern)
            )
        elif kind == "gap":
            end = z + rng.uniform(7, 11)
            ground.surface(stage, "road", *ordered(side.road - side.side * 0.2, side.side * 70), z + 1, end - 1, over=7)
        else:
            bound(stage, layout, side, kind, z, end)
        z = end


def bound(stage: Stage, layout: Layout, side: Side, kind: str, z0: float, z1: float) -> None:
    """What is no house: a garden with one behind it, a wall, a fence, trees or open land."""
    rng = stage.rng
    behind = side.front + side.side * rng.uniform(4, 8)
    if kind in ("garden", "wall", "fence") and rng.random() < 0.75:
        house = buildings.House(behind, side.side, z0 + 1.5, max(z0 + 3, z1 - 1.5), rng.choice((2, 2, 3)), False, False)
        buildings.draw_house(stage, house)
    if kind in ("garden", "wall", "fence", "trees"):
        for _ in range(rng.randint(1, 3) if kind != "trees" else rng.randint(4, 7)):
            z = z0 + (z1 - z0) * rng.random()
            x = side.front + side.side * rng.uniform(2.5, 8 if kind == "trees" else 5)
            vegetation.tree(stage, x, z + 2, rng.uniform(5, 11), vegetation.foliage(stage, rng.random() < 0.3))
    if kind == "garden":
        vegetation.hedge(stage, side.front, z0, z1, rng.uniform(0.9, 2.0), 1.2)
    elif kind == "wall":
        barriers.wall(stage, side.front, z0, z1, rng.uniform(1.0, 3.2))
    elif kind == "fence":
        barriers.fence(stage, side.front, z0, z1, rng.uniform(1.0, 2.2))
    elif kind == "trees":
        vegetation.hedge(stage, side.front + 0.6 * side.side, z0, z1, rng.uniform(1.0, 3.2), 4, 0.5)
    elif kind == "open":
        for _ in range(rng.randint(0, 3)):
            vegetation.shrub(
                stage, side.front + side.side * rng.uniform(1, 14), rng.uniform(z0, z1), rng.uniform(0.8, 1.8)
            )


def draw_roadside(stage: Stage, layout: Layout, side: Side, chance: Mapping[str, float]) -> None:
    """Trees in a row, and a guard rail."""
    rng = stage.rng
    frequent = (
        chance["street_trees"] * {"city": 0.55, "boulevard": 1.4, "residential": 0.9, "arterial": 0.5}[layout.setting]
    )
    if rng.random() < frequent:
        color, height, pitch = vegetation.foliage(stage, rng.random() < 0.4), rng.uniform(5, 10), rng.uniform(8, 15)
        z = rng.uniform(7, 16)
        while z < min(95, layout.end - 2):
            x = side.kerb + side.side * (1.0 if side.verge else 0.8)
            vegetation.tree(stage, x, z, height * rng.uniform(0.85, 1.15), color)
            z += pitch * rng.uniform(0.85, 1.2) * (1 if z < 50 else 1.7)
    if rng.random() < chance["guard_rail"] * (3.2 if layout.setting == "arterial" else 0.25):
        barriers.guard_rail(stage, side.kerb + 0.4 * side.side, 2.5, rng.uniform(25, 80))


def draw_crossing(stage: Stage, layout: Layout, chance: Mapping[str, float]) -> float | None:
    """Draw a pedestrian crossing, usually with lights; return its distance, or None without one."""
    rng = stage.rng
    if rng.random() > chance["crossing"]:
        return None
    z = rng.uniform(7, 30)
    if z > layout.end - 8:
        return None
    ground.zebra(stage, layout.left.road + 0.3, layout.right.road - 0.3, z)
    if rng.random() < 0.8:
        for side in layout.sides:
            if rng.random() < 0.85:
                furniture.traffic_light(
                    stage, side.kerb + 0.5 * side.side, z + 3.5 * (side.side < 0), side.side > 0 and rng.random() < 0.3
                )
    return z


def draw_crossers_over(stage: Stage, layout: Layout, chance: Mapping[str, float]) -> None:
    """A bridge over the street."""
    if layout.end > 100 and stage.rng.random() < chance["bridge"]:
        barriers.bridge(stage, stage.rng.uniform(22, 70), layout.left.walk, layout.right.walk)


def draw_parked(stage: Stage, layout: Layout, chance: Mapping[str, float]) -> set[tuple[int, int]]:
    """Draw cars along the kerb; return the occupied places as (side, metres / 6)."""
    rng = stage.rng
    taken = set()
    for side in layout.sides:
        along_rails = side.side < 0 and layout.rails
        if (
            layout.setting == "arterial"
            or along_rails
            or rng.random() > chance["parked"] * (1.3 if side.parking else 0.72)
        ):
            continue
        x = side.kerb - side.side * 1.05
        full = rng.uniform(0.4, 0.95)
        z = rng.uniform(5, 11)
        while z < min(75, layout.end - 4):
            if rng.random() < full:
                turned = 0.0 if side.side > 0 or rng.random() < 0.15 else math.pi
                vehicles.draw_car(stage, Pose(x + rng.gauss(0, 0.06), z, turned))
                taken.add((side.side, int(z / 6)))
            z += rng.uniform(5.2, 6.4)
    return taken
