"""People on foot, and riders with their bicycles and motorcycles."""

from __future__ import annotations

import math

from composegan.plugins.cityscapes.street.camera import Pose
from composegan.plugins.cityscapes.street.figure import Figure, TwoWheeler
from composegan.plugins.cityscapes.street.light import Rgb, dim, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import ellipse, polygon

SKIN: tuple[Rgb, ...] = ((232, 190, 162), (214, 166, 132), (176, 124, 92), (122, 82, 60), (92, 62, 48))
HAIR: tuple[Rgb, ...] = ((42, 32, 26), (88, 62, 42), (146, 112, 70), (150, 148, 144), (24, 22, 24))
TOPS: tuple[Rgb, ...] = (
    (44, 48, 58), (84, 88, 96), (150, 40, 42), (46, 72, 122), (196, 190, 178), (72, 92, 70), (110, 78, 58),
    (206, 120, 52), (226, 224, 220), (120, 60, 92), (28, 28, 32),
)  # fmt: skip
TROUSERS: tuple[Rgb, ...] = ((40, 46, 66), (56, 54, 56), (92, 86, 78), (30, 30, 34), (120, 108, 90), (70, 84, 110))
HELMETS: tuple[Rgb, ...] = ((220, 220, 216), (30, 30, 32), (170, 34, 36), (50, 80, 150))
SHOES: Rgb = (30, 28, 28)
FRAMES: tuple[Rgb, ...] = ((40, 42, 46), (170, 38, 40), (48, 80, 140), (70, 120, 84), (206, 204, 200), (60, 60, 64))
BLACK: Rgb = (26, 26, 28)


def person(scene: Scene, x: float, z: float, ground: float = 0.0) -> None:
    """A person walking or standing, seen from the side, front or back."""
    rng = scene.rng
    figure = Figure(scene, x, z, rng.choice((1.0, 1.0, 1.0, 0.95, 0.9, 0.62)), rng.choice((-1, 1)), ground)
    skin, hair, top, legs = (vary(rng.choice(colors), rng, 8) for colors in (SKIN, HAIR, TOPS, TROUSERS))
    stride = rng.uniform(0.02, 0.26)
    sideways, back = rng.random() < 0.5, rng.random() < 0.5
    wide = 0.15 if sideways else 0.2
    step = stride if sideways else 0.1
    shapes = [
        ellipse(figure.at(0, 0.0), 0.34 * figure.unit, 0.07 * figure.unit, "#0a0a0c", 0.35),
        figure.limb(legs, 0.15, (0.03, 0.86), (-step * 0.5, 0.46), (-step * 1.2, 0.05), shade=0.8),
        figure.limb(SHOES, 0.08, (-step * 1.2, 0.04), (-step * 1.2 + 0.09, 0.03)),
        figure.limb(legs, 0.16, (-0.03, 0.86), (step * 0.7, 0.47), (step, 0.05)),
        figure.limb(SHOES, 0.08, (step, 0.04), (step + 0.09, 0.03)),
    ]
    if sideways:
        far_arm = (-0.02, 1.38), (-0.12 - stride * 0.5, 1.1), (-0.05 - stride, 0.88)
        shapes.append(figure.limb(top, 0.1, *far_arm, shade=0.72))
    hem = 0.62 if rng.random() < 0.35 else 0.82  # a coat or a jacket
    right = (wide * 0.85, hem), (wide, 1.36), (wide * 0.5, 1.48)
    shapes += [
        figure.polygon(top, (-wide * 0.85, hem), *right, (-wide * 0.5, 1.48), (-wide, 1.36)),
        figure.polygon(top, (0, hem), *right, (0, 1.48), shade=1.12 if scene.light.sun * figure.side > 0 else 0.84),
    ]
    if sideways:
        shapes.append(figure.limb(top, 0.1, (0.02, 1.38), (0.08, 1.1), (0.06 + stride, 0.92), shade=0.9))
    else:
        left_arm = (-wide - 0.02, 1.36), (-wide - 0.06, 1.1), (-wide - 0.03, 0.86)
        right_arm = (wide + 0.02, 1.36), (wide + 0.06, 1.1), (wide + 0.03, 0.86)
        shapes += [figure.limb(top, 0.1, *left_arm, shade=0.86), figure.limb(top, 0.1, *right_arm, shade=0.92)]
    shapes += [
        figure.limb(skin, 0.1, (0, 1.46), (0, 1.54), shade=0.86),
        figure.ellipse(0.02, 1.64, 0.1, 0.125, hair if back and not sideways else skin),
        figure.polygon(hair, *((0.02 + dx, 1.64 + dy) for dx, dy in HAIRLINE)),
    ]
    if rng.random() < 0.3:
        bag = (-wide - 0.14, 0.72), (-wide + 0.06, 0.72), (-wide + 0.04, 1.02), (-wide - 0.12, 1.02)
        shapes.append(figure.polygon(vary(rng.choice(TOPS), rng), *bag))
    scene.add("person", z, *shapes)


HAIRLINE = ((-0.11, 0.02), (-0.09, 0.11), (0, 0.15), (0.08, 0.11), (0.1, 0.06))
"""Outline of the hair, from the centre of the head."""


def bicycle(scene: Scene, pose: Pose, ground: float = 0.0) -> None:
    """A bicycle. Its wheels are labelled whole, as in the data set."""
    bike, color = TwoWheeler(scene, pose, ground), vary(scene.rng.choice(FRAMES), scene.rng)
    scene.add(
        "bicycle",
        pose.z,
        bike.shadow(0.8, 0.1, 0.06, 0.3),
        bike.wheel(-0.52, 0.34, 0.055, BLACK),
        bike.wheel(0.52, 0.34, 0.055, BLACK),
        bike.bar(color, 0.06, (-0.52, 0.34), (-0.12, 0.3), (0.36, 0.78), (-0.22, 0.76), (-0.12, 0.3)),
        bike.bar(color, 0.06, (-0.22, 0.76), (-0.26, 0.9)),
        bike.bar(BLACK, 0.09, (-0.36, 0.93), (-0.14, 0.92)),
        bike.bar(color, 0.06, (0.52, 0.34), (0.36, 0.78), (0.34, 0.98)),
        bike.handlebar(0.3, 1.0, 0.26, 0.06, BLACK),
    )


def motorcycle(scene: Scene, pose: Pose, ground: float = 0.0) -> None:
    """A motorcycle with the head or rear light that faces the camera."""
    bike, color = TwoWheeler(scene, pose, ground), vary(scene.rng.choice(FRAMES), scene.rng)
    away = math.cos(pose.heading) > 0
    lamp, glow = ((-0.72, 0.72), (210, 30, 26)) if away else ((0.72, 0.86), (250, 244, 220))
    scene.add(
        "motorcycle",
        pose.z,
        bike.shadow(0.9, 0.24, 0.08, 0.4),
        bike.wheel(-0.65, 0.31, 0.15, BLACK),
        bike.wheel(0.68, 0.31, 0.15, BLACK),
        bike.bar((52, 52, 56), 0.34, (-0.6, 0.5), (0.0, 0.42), (0.45, 0.55)),
        bike.bar((140, 140, 144), 0.1, (0.68, 0.31), (0.45, 0.95)),
        bike.bar(BLACK, 0.16, (-0.7, 0.76), (-0.1, 0.74)),
        bike.bar(color, 0.26, (0.0, 0.78), (0.42, 0.84)),
        bike.handlebar(0.4, 1.02, 0.34, 0.07, BLACK),
        ellipse(bike.at(*lamp), 0.09 * bike.unit, 0.08 * bike.unit, scene.light.glow(glow, pose.z)),
    )


def rider(scene: Scene, pose: Pose, vehicle: str) -> None:
    """A person riding a `bicycle` or a `motorcycle`."""
    (bicycle if vehicle == "bicycle" else motorcycle)(scene, pose)
    rng, z = scene.rng, pose.z
    bike = TwoWheeler(scene, pose)
    unit = bike.unit
    skin, hair, top, legs = (vary(rng.choice(colors), rng, 8) for colors in (SKIN, HAIR, TOPS, TROUSERS))
    helmet = vehicle == "motorcycle" or rng.random() < 0.4
    seat, lean = 0.95 if vehicle == "bicycle" else 0.86, 0.22
    wide = 0.2 * abs(math.cos(pose.heading)) + 0.13
    hip, neck = bike.at(-0.24, seat), bike.at(-0.24 + lean, seat + 0.56)
    torso = [
        (hip[0] - wide * 0.8 * unit, hip[1]), (hip[0] + wide * 0.8 * unit, hip[1]),
        (neck[0] + wide * unit, neck[1] + 0.1 * unit), (neck[0] + wide * 0.4 * unit, neck[1]),
        (neck[0] - wide * 0.4 * unit, neck[1]), (neck[0] - wide * unit, neck[1] + 0.1 * unit),
    ]  # fmt: skip
    lit = [*torso[1:4], ((hip[0] + neck[0]) / 2, (hip[1] + neck[1]) / 2)]
    arm = (-0.24 + lean, seat + 0.46), (0.12, seat + 0.2), (0.32, seat + 0.1)
    head = bike.at(-0.24 + lean + 0.08, seat + 0.74)
    cap = vary(rng.choice(HELMETS), rng) if helmet else hair
    scene.add(
        "rider",
        z - 0.001,
        bike.bar(dim(legs, 0.8), 0.15, (-0.2, seat), (0.16, seat - 0.28), (0.02, seat - 0.7), across=-0.1),
        bike.bar(legs, 0.15, (-0.2, seat), (0.14, seat - 0.36), (-0.1, seat - 0.76), across=0.1),
        polygon(torso, scene.tone(top, z)),
        polygon(lit, scene.tone(top, z, 0, 1.14)),
        bike.bar(dim(top, 0.9), 0.1, *arm, across=0.22),
        bike.bar(dim(top, 0.8), 0.1, *arm, across=-0.22),
        ellipse(head, 0.1 * unit, 0.125 * unit, scene.tone(skin, z)),
        ellipse((head[0], head[1] - 0.045 * unit), 0.115 * unit, 0.09 * unit, scene.tone(cap, z)),
    )
