"""The contents of a street: vehicles, riders, people, and objects on the sidewalk."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from composegan.plugins.cityscapes.street import furniture, ground, people, things, vehicles
from composegan.plugins.cityscapes.street.camera import Pose
from composegan.plugins.cityscapes.street.layout import Layout, Side
from composegan.plugins.cityscapes.street.scene import Scene

FIRST, SLOT = 11.0, 8.0
"""Each lane has slots for vehicles, SLOT metres long, from FIRST on."""


VEHICLES: dict[str, Callable[[Scene, Pose], None]] = {
    "bus": vehicles.draw_bus,
    "truck": vehicles.draw_truck,
    "caravan": partial(vehicles.draw_towing, load="caravan"),
    "trailer": partial(vehicles.draw_towing, load="trailer"),
    "car": vehicles.draw_car,
}
Counts = Mapping[str, tuple[float, int, int]]
"""Class -> (probability that a street has any, least and greatest number then)."""


class Traffic:
    """Draws the classes of `count`.

    crossing: distance of the pedestrian crossing, if any. occupied: places with parked cars, (side, metres / 6).
    """

    def __init__(
        self, scene: Scene, layout: Layout, count: Counts, crossing: float | None, occupied: set[tuple[int, int]]
    ) -> None:
        self.scene, self.layout, self.count, self.crossing, self.occupied = scene, layout, count, crossing, occupied
        self.rng = scene.rng
        self.free = {(lane, slot) for lane in (*layout.ours, *layout.others) for slot in range(9)}

    def number(self, name: str) -> int:
        """Sample how many objects of a class to draw."""
        chance, least, most = self.count[name]
        if self.rng.random() > chance:
            return 0
        return least + int((most - least + 1) * self.rng.random() ** 1.5)

    def draw(self) -> None:
        """Draw everything. Long vehicles choose their slots first."""
        for name in VEHICLES:
            for _ in range(self.number(name)):
                self.drive(name)
        if self.layout.rails:
            for _ in range(self.number("train")):
                left, right = self.layout.rails
                middle = left + (right - left) * (0.5 if right - left < 5 else self.rng.choice((0.27, 0.73)))
                vehicles.draw_train(self.scene, Pose(middle, self.rng.uniform(26, 60), self.rng.choice((0.0, math.pi))))
                furniture.overhead_mast(self.scene, left - 0.4, right + 0.4, self.rng.uniform(14, 40))
        for name in ("rider", "motorcycle"):
            for _ in range(self.number(name)):
                self.ride(name)
        self.on_foot()
        self.furnish()

    def take_slots(self, count: int) -> Pose | None:
        """Occupy `count` consecutive free slots in a lane, near ones with higher probability, if there are any."""
        candidates = sorted(
            (lane, slot)
            for lane, slot in self.free
            if all((lane, slot + step) in self.free for step in range(count))
            and FIRST + SLOT * slot < self.layout.end - 4
        )
        if not candidates:
            return None
        lane, slot = self.rng.choices(candidates, [1 / (2.5 + slot) for _, slot in candidates])[0]
        for step in range(-1 if count > 1 else 0, count + (count > 1)):  # long vehicles keep a gap at both ends
            self.free.discard((lane, slot + step))
        z = FIRST + SLOT * slot + self.rng.uniform(0, 2.5) + 4 * (count - 1)
        return Pose(lane + self.rng.gauss(0, 0.15), z, 0.0 if lane in self.layout.ours else math.pi)

    def drive(self, name: str) -> None:
        """Draw a vehicle in a lane."""
        pose = self.take_slots(1 if name == "car" else 2)
        if pose is not None:
            VEHICLES[name](self.scene, pose)

    def ride(self, name: str) -> None:
        """A rider along the kerb or on the crossing, or a parked motorcycle."""
        rng, side = self.rng, self.rng.choice(self.layout.sides)
        if name == "motorcycle" and rng.random() < 0.5:
            pose = Pose(side.on_walk(rng), rng.uniform(7, 25), rng.uniform(0.6, 2.4) * rng.choice((-1, 1)))
            people.motorcycle(self.scene, pose, ground.CURB)
            return
        z = rng.uniform(7, 28)
        if self.crossing and rng.random() < 0.3:
            pose = Pose(
                rng.uniform(self.layout.left.road, self.layout.right.road),
                self.crossing + 1,
                rng.choice((-1, 1)) * math.pi / 2,
            )
        else:
            inside = 0.9 if (side.side, int(z / 6)) not in self.occupied else 2.6
            pose = Pose(side.road - side.side * inside, z, (0.0 if side.side > 0 else math.pi) + rng.gauss(0, 0.3))
        people.rider(self.scene, pose, "motorcycle" if name == "motorcycle" else "bicycle")

    def on_foot(self) -> None:
        """People on the sidewalks and the crossing, alone and in groups."""
        rng, layout = self.rng, self.layout
        left = self.number("person")
        while left > 0:
            group = min(left, rng.choice((1, 1, 2, 3)))
            left -= group
            crossing = self.crossing if self.crossing is not None and rng.random() < 0.3 else None
            across = crossing is not None
            side = rng.choice(layout.sides)
            z = crossing + rng.uniform(0, 3) if crossing is not None else 5.5 + 36 * rng.random() ** 1.4
            x = rng.uniform(layout.left.road, layout.right.road) if across else side.on_walk(rng)
            for member in range(group):
                people.person(self.scene, x + 0.55 * member, z + 0.3 * rng.random(), 0 if across else ground.CURB)
        for _ in range(self.number("bicycle")):
            side = rng.choice(layout.sides)
            pose = Pose(side.kerb + side.side * rng.uniform(0.5, 1.2), rng.uniform(5.5, 22), rng.gauss(0.3, 0.5))
            people.bicycle(self.scene, pose, ground.CURB)

    def furnish(self) -> None:
        """Poles, signs, lights and objects on the sidewalk."""
        rng, layout, scene = self.rng, self.layout, self.scene
        for index in range(self.number("pole")):
            side, z = layout.sides[index % 2], 6 + 13 * index * rng.uniform(0.8, 1.2)
            if z < layout.end:
                furniture.lamp_post(scene, side.kerb + 0.5 * side.side, z)

        def place(name: str, near: float, far: float, draw: Callable[[Side, float], None]) -> None:
            for _ in range(self.number(name)):
                side = rng.choice(layout.sides)
                draw(side, near + (min(far, layout.end - 1) - near) * rng.random() ** 1.4)

        def static(side: Side, z: float) -> None:
            things.static_object(scene, side.kerb + side.side * rng.uniform(0.7, 1.6), z, ground.CURB)

        def light(side: Side, z: float) -> None:
            furniture.traffic_light(scene, side.kerb + 0.5 * side.side, z, rng.random() < 0.25)

        place("traffic_sign", 6, 40, lambda side, z: furniture.sign(scene, side.kerb + 0.6 * side.side, z))
        place("traffic_light", 12, 45, light)
        place("polegroup", 6, 16, lambda side, z: furniture.pole_group(scene, side.kerb + 0.4 * side.side, z))
        place("static", 6, 28, static)
        place("dynamic", 6, 22, lambda side, z: things.dynamic_object(scene, side.on_walk(rng), z, ground.CURB))
