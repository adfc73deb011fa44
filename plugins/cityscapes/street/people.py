"""People on foot, and riders with their bicycles and motorcycles."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.camera import Point, Pose
from composegan.plugins.cityscapes.street.light import Rgb, dim, vary
from composegan.plugins.cityscapes.street.sketch import ellipse, line, polygon, polygons
from composegan.plugins.cityscapes.street.stage import Stage

SKIN: tuple[Rgb, ...] = ((232, 190, 162), (214, 166, 132), (176, 124, 92), (122, 82, 60), (92, 62, 48))
HAIR: tuple[Rgb, ...] = ((42, 32, 26), (88, 62, 42), (146, 112, 70), (150, 148, 144), (24, 22, 24))
TOPS: tuple[Rgb, ...] = (
    (44, 48, 58), (84, 88, 96), (150, 40, 42), (46, 72, 122), (196, 190, 178), (72, 92, 70), (110, 78, 58),
    (206, 120, 52), (226, 224, 220), (120, 60, 92), (28, 28, 32),
)  # fmt: skip
TROUSERS: tuple[Rgb, ...] = ((40, 46, 66), (56, 54, 56), (92, 86, 78), (30, 30, 34), (120, 108, 90), (70, 84, 110))


class Figure:
    """A flat figure that faces the camera; maps (across, y), metres from its feet, to the picture."""

    def __init__(self, stage: Stage, x: float, z: float, size: float, side: int, ground: float = 0.0) -> None:
        self.stage, self.x, self.z, self.size, self.side, self.ground = stage, x, z, size, side, ground
        self.unit = stage.camera.scale(z) * size

    def at(self, across: float, y: float) -> Point:
        return self.stage.camera.point(self.x + self.side * across * self.size, y * self.size + self.ground, self.z)

    def shape(self, *spots: tuple[float, float]) -> list[Point]:
        return [self.at(across, y) for across, y in spots]

    def limb(self, spots: tuple[tuple[float, float], ...], width: float, color: Rgb, shade: float = 1.0) -> str:
        tone = self.stage.tone(color, self.z, 0, shade)
        return line(self.shape(*spots), width * self.unit, tone)

    def head(self, across: float, y: float, skin: Rgb, hair: Rgb, back: bool) -> list[str]:
        stage, z, unit = self.stage, self.z, self.unit
        round_head = ellipse(self.at(across, y), 0.1 * unit, 0.125 * unit, stage.tone(hair if back else skin, z))
        top = self.shape(
            (across - 0.11, y + 0.02),
            (across - 0.09, y + 0.11),
            (across, y + 0.15),
            (across + 0.08, y + 0.11),
            (across + 0.1, y + 0.06),
        )
        return [round_head, polygon(top, stage.tone(hair, z))]


def person(stage: Stage, x: float, z: float, ground: float = 0.0) -> None:
    """A person walking or standing, seen from the side, front or back."""
    rng = stage.rng
    figure = Figure(stage, x, z, rng.choice((1.0, 1.0, 1.0, 0.95, 0.9, 0.62)), rng.choice((-1, 1)), ground)
    skin, hair, top, legs = (vary(rng.choice(colors), rng, 8) for colors in (SKIN, HAIR, TOPS, TROUSERS))
    stride = rng.uniform(0.02, 0.26)
    sideways, back = rng.random() < 0.5, rng.random() < 0.5
    wide = 0.15 if sideways else 0.2
    spread = stride if sideways else 0.1
    shade = ellipse(figure.at(0, 0.0), 0.34 * figure.unit, 0.07 * figure.unit, "#0a0a0c", 0.35)
    shoes = (30, 28, 28)
    shapes = [
        shade,
        figure.limb(((0.03, 0.86), (-spread * 0.5, 0.46), (-spread * 1.2, 0.05)), 0.15, legs, 0.8),
        figure.limb(((-spread * 1.2, 0.04), (-spread * 1.2 + 0.09, 0.03)), 0.08, shoes),
        figure.limb(((-0.03, 0.86), (spread * 0.7, 0.47), (spread, 0.05)), 0.16, legs),
        figure.limb(((spread, 0.04), (spread + 0.09, 0.03)), 0.08, shoes),
    ]
    if sideways:
        shapes.append(figure.limb(((-0.02, 1.38), (-0.12 - stride * 0.5, 1.1), (-0.05 - stride, 0.88)), 0.1, top, 0.72))
    coat = rng.random() < 0.35
    hem = 0.62 if coat else 0.82
    torso = figure.shape(
        (-wide * 0.85, hem), (wide * 0.85, hem), (wide, 1.36), (wide * 0.5, 1.48), (-wide * 0.5, 1.48), (-wide, 1.36)
    )
    lit = figure.shape((0, hem), (wide * 0.85, hem), (wide, 1.36), (wide * 0.5, 1.48), (0, 1.48))
    lit_side = 1.12 if stage.light.sun * figure.side > 0 else 0.84
    shapes += [polygon(torso, stage.tone(top, z)), polygon(lit, stage.tone(top, z, 0, lit_side))]
    if not sideways:
        shapes.append(figure.limb(((-wide - 0.02, 1.36), (-wide - 0.06, 1.1), (-wide - 0.03, 0.86)), 0.1, top, 0.86))
        shapes.append(figure.limb(((wide + 0.02, 1.36), (wide + 0.06, 1.1), (wide + 0.03, 0.86)), 0.1, top, 0.92))
    else:
        shapes.append(figure.limb(((0.02, 1.38), (0.08, 1.1), (0.06 + stride, 0.92)), 0.1, top, 0.9))
    shapes.append(figure.limb(((0, 1.46), (0, 1.54)), 0.1, skin, 0.86))
    shapes += figure.head(0.02, 1.64, skin, hair, back and not sideways)
    if rng.random() < 0.3:
        bag = figure.shape((-wide - 0.14, 0.72), (-wide + 0.06, 0.72), (-wide + 0.04, 1.02), (-wide - 0.12, 1.02))
        shapes.append(polygon(bag, stage.tone(vary(rng.choice(TOPS), rng), z)))
    stage.add("person", z, *shapes)


class Wheeled:
    """A two-wheeler: (along, y) in its own plane to places in the picture."""

    def __init__(self, stage: Stage, pose: Pose, ground: float = 0.0) -> None:
        self.stage, self.pose, self.ground = stage, pose, ground
        self.unit = stage.camera.scale(pose.z)

    def at(self, along: float, y: float, across: float = 0.0) -> Point:
        x, z = self.pose.place(along, across)
        return self.stage.camera.point(x, y + self.ground, max(z, 0.6))

    def ring(self, along: float, radius: float, width: float, color: Rgb) -> str:
        points = [
            self.at(along + radius * math.cos(step * math.tau / 14), radius + radius * math.sin(step * math.tau / 14))
            for step in range(15)
        ]
        return line(points, width * self.unit, self.stage.tone(color, self.pose.z))

    def bar(self, spots: tuple[tuple[float, float], ...], width: float, color: Rgb, across: float = 0.0) -> str:
        points = [self.at(along, y, across) for along, y in spots]
        return line(points, width * self.unit, self.stage.tone(color, self.pose.z))

    def cross(self, along: float, y: float, half: float, width: float, color: Rgb) -> str:
        """A bar across, such as a handlebar."""
        ends = [self.at(along, y, -half), self.at(along, y, half)]
        return line(ends, width * self.unit, self.stage.tone(color, self.pose.z))


FRAMES: tuple[Rgb, ...] = ((40, 42, 46), (170, 38, 40), (48, 80, 140), (70, 120, 84), (206, 204, 200), (60, 60, 64))
BLACK: Rgb = (26, 26, 28)


def bicycle(stage: Stage, pose: Pose, ground: float = 0.0) -> None:
    """Wheels are labelled whole, as in the data set."""
    bike, color = Wheeled(stage, pose, ground), vary(stage.rng.choice(FRAMES), stage.rng)
    stage.add(
        "bicycle",
        pose.z,
        ellipse(
            bike.at(0, 0),
            0.8 * bike.unit * abs(math.sin(pose.heading)) + 0.1 * bike.unit,
            0.06 * bike.unit,
            "#0a0a0c",
            0.3,
        ),
        bike.ring(-0.52, 0.34, 0.055, BLACK),
        bike.ring(0.52, 0.34, 0.055, BLACK),
        bike.bar(((-0.52, 0.34), (-0.12, 0.3), (0.36, 0.78), (-0.22, 0.76), (-0.12, 0.3)), 0.06, color),
        bike.bar(((-0.22, 0.76), (-0.26, 0.9)), 0.06, color),
        bike.bar(((-0.36, 0.93), (-0.14, 0.92)), 0.09, BLACK),
        bike.bar(((0.52, 0.34), (0.36, 0.78), (0.34, 0.98)), 0.06, color),
        bike.cross(0.3, 1.0, 0.26, 0.06, BLACK),
    )


def motorcycle(stage: Stage, pose: Pose, ground: float = 0.0) -> None:
    bike, color = Wheeled(stage, pose, ground), vary(stage.rng.choice(FRAMES), stage.rng)
    tail = stage.light.glow((210, 30, 26), pose.z)
    lamp = bike.at(-0.72, 0.72) if math.cos(pose.heading) > 0 else bike.at(0.72, 0.86)
    stage.add(
        "motorcycle",
        pose.z,
        ellipse(
            bike.at(0, 0),
            0.9 * bike.unit * abs(math.sin(pose.heading)) + 0.24 * bike.unit,
            0.08 * bike.unit,
            "#0a0a0c",
            0.4,
        ),
        bike.ring(-0.65, 0.31, 0.15, BLACK),
        bike.ring(0.68, 0.31, 0.15, BLACK),
        bike.bar(((-0.6, 0.5), (0.0, 0.42), (0.45, 0.55)), 0.34, (52, 52, 56)),
        bike.bar(((0.68, 0.31), (0.45, 0.95)), 0.1, (140, 140, 144)),
        bike.bar(((-0.7, 0.76), (-0.1, 0.74)), 0.16, BLACK),
        bike.bar(((0.0, 0.78), (0.42, 0.84)), 0.26, color),
        bike.cross(0.4, 1.02, 0.34, 0.07, BLACK),
        ellipse(
            lamp,
            0.09 * bike.unit,
            0.08 * bike.unit,
            tail if math.cos(pose.heading) > 0 else stage.light.glow((250, 244, 220), pose.z),
        ),
    )


def rider(stage: Stage, pose: Pose, on: str) -> None:
    """A person riding a `bicycle` or a `motorcycle`."""
    (bicycle if on == "bicycle" else motorcycle)(stage, pose)
    rng = stage.rng
    bike = Wheeled(stage, pose)
    skin, hair, top, legs = (vary(rng.choice(colors), rng, 8) for colors in (SKIN, HAIR, TOPS, TROUSERS))
    helmet = on == "motorcycle" or rng.random() < 0.4
    seat = 0.95 if on == "bicycle" else 0.86
    z = pose.z
    lean = 0.22
    wide = 0.2 * abs(math.cos(pose.heading)) + 0.13
    hip, neck = bike.at(-0.24, seat), bike.at(-0.24 + lean, seat + 0.56)
    unit = bike.unit
    torso = [
        (hip[0] - wide * 0.8 * unit, hip[1]), (hip[0] + wide * 0.8 * unit, hip[1]),
        (neck[0] + wide * unit, neck[1] + 0.1 * unit), (neck[0] + wide * 0.4 * unit, neck[1]),
        (neck[0] - wide * 0.4 * unit, neck[1]), (neck[0] - wide * unit, neck[1] + 0.1 * unit),
    ]  # fmt: skip
    head = bike.at(-0.24 + lean + 0.08, seat + 0.74)
    cap = vary(rng.choice(((220, 220, 216), (30, 30, 32), (170, 34, 36), (50, 80, 150))), rng) if helmet else hair
    shapes = [
        bike.bar(((-0.2, seat), (0.16, seat - 0.28), (0.02, seat - 0.7)), 0.15, dim(legs, 0.8), -0.1),
        bike.bar(((-0.2, seat), (0.14, seat - 0.36), (-0.1, seat - 0.76)), 0.15, legs, 0.1),
        polygon(torso, stage.tone(top, z)),
        polygons([[*torso[1:4], ((hip[0] + neck[0]) / 2, (hip[1] + neck[1]) / 2)]], stage.tone(top, z, 0, 1.14)),
        bike.bar(
            ((-0.24 + lean, seat + 0.46), (0.12, seat + 0.2), (0.32, seat + 0.1)),
            0.1,
            dim(top, 0.9),
            0.22,
        ),
        bike.bar(
            ((-0.24 + lean, seat + 0.46), (0.12, seat + 0.2), (0.32, seat + 0.1)),
            0.1,
            dim(top, 0.8),
            -0.22,
        ),
        ellipse(head, 0.1 * unit, 0.125 * unit, stage.tone(skin, z)),
        ellipse((head[0], head[1] - 0.045 * unit), 0.115 * unit, 0.09 * unit, stage.tone(cap, z)),
    ]
    stage.add("rider", z - 0.001, *shapes)
