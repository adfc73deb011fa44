"""Objects on the sidewalk: lamp posts, signs, traffic lights, poles, bins, benches, prams and cones."""

from __future__ import annotations

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.people import Figure
from composegan.plugins.cityscapes.street.sketch import ellipse, line, polygon, polygons
from composegan.plugins.cityscapes.street.stage import Stage

METAL: Rgb = (132, 136, 138)
RED: Rgb = (196, 30, 34)
WHITE: Rgb = (236, 236, 232)
BLUE: Rgb = (28, 82, 168)
YELLOW: Rgb = (238, 196, 40)


def mast(stage: Stage, x: float, z: float, height: float, girth: float = 0.07) -> str:
    """An upright pole as a shape, wide enough to be visible."""
    camera = stage.camera
    half = max(girth, 0.32 / camera.scale(z))
    return polygon(camera.quad(x - half, x + half, 0, height, z), stage.tone(METAL, z, stage.light.sun * 0.5, 0.8))


def lamp_post(stage: Stage, x: float, z: float) -> None:
    """A street lamp that reaches over the road."""
    height, over = stage.rng.uniform(6.5, 9), -1 if x > 0 else 1
    camera = stage.camera
    arm = line(
        [camera.point(x, height, z), camera.point(x + 1.5 * over, height + 0.3, z)],
        max(0.5, 0.11 * camera.scale(z)),
        stage.tone(METAL, z, 0, 0.8),
    )
    head = polygon(
        camera.quad(x + 1.1 * over, x + 1.9 * over, height + 0.15, height + 0.34, z), stage.tone(METAL, z, 0, 0.7)
    )
    glow = ellipse(
        camera.point(x + 1.5 * over, height + 0.1, z),
        0.35 * camera.scale(z),
        0.2 * camera.scale(z),
        stage.light.glow((255, 226, 160)),
        0.49,
    )
    stage.add("pole", z, mast(stage, x, z, height, 0.09), arm, head, glow if stage.light.lamps else "")


def overhead_mast(stage: Stage, x0: float, x1: float, z: float) -> None:
    """Two masts of a tramway with the wires between them."""
    camera = stage.camera
    wires = [camera.point(x0, 6.4, z), camera.point((x0 + x1) / 2, 6.0, z), camera.point(x1, 6.4, z)]
    stage.add(
        "pole",
        z,
        mast(stage, x0, z, 6.8, 0.1),
        mast(stage, x1, z, 6.8, 0.1),
        line(wires, 0.25, stage.tone((60, 62, 66), z), 0.45),
    )


def pole_group(stage: Stage, x: float, z: float) -> None:
    """Several poles so close together that they count as one object."""
    masts = [
        mast(stage, x + 0.32 * index, z, stage.rng.uniform(2.2, 4.6), 0.09) for index in range(stage.rng.randint(3, 5))
    ]
    stage.add("polegroup", z, *masts)


def traffic_light(stage: Stage, x: float, z: float, gantry: bool) -> None:
    """Three lamps on a pole and, with `gantry`, also on an arm over the road."""
    camera, rng, over = stage.camera, stage.rng, -1 if x > 0 else 1
    lit = rng.randrange(3)
    stage.add("pole", z, mast(stage, x, z, 3.5 if not gantry else 5.9))
    places = [(x, 2.4)]
    if gantry:
        reach = rng.uniform(2.5, 4)
        arm = polygon(camera.quad(x, x + reach * over, 5.72, 5.86, z), stage.tone(METAL, z, 0, 0.8))
        stage.add("pole", z, arm)
        places.append((x + reach * over, 5.0))
    for middle, low in places:
        scale = camera.scale(z)
        case = polygon(
            camera.quad(middle - 0.19, middle + 0.19, low, low + 0.98, z - 0.05), stage.tone((30, 32, 30), z)
        )
        lamps = []
        for number, color in enumerate(((60, 220, 120), (250, 190, 50), (240, 50, 40))):
            spot = camera.point(middle, low + 0.18 + 0.31 * number, z - 0.05)
            on = number == 2 * (lit > 0) or (lit == 1 and number == 1)
            tone = stage.light.glow(color, z) if on else stage.tone(color, z, 0, 0.25)
            lamps.append(ellipse(spot, 0.12 * scale, 0.12 * scale, tone))
        stage.add("traffic_light", z - 0.1, case, *lamps)


def sign(stage: Stage, x: float, z: float) -> None:
    """A road sign on its pole: a ban, a warning, an order, a priority road, no parking, a direction board."""
    camera, rng = stage.camera, stage.rng
    scale, height = camera.scale(z), rng.uniform(2.2, 2.7)
    stage.add("pole", z, mast(stage, x, z, height + 0.3, 0.045))
    kind = rng.choice(("ban", "warn", "order", "priority", "parking", "board", "way", "ban"))
    u, v = camera.point(x, height, z)
    r = 0.36 * scale
    tone = stage.tone

    def rhomb(half: float) -> list[Point]:
        return [(u - half, v), (u, v + half), (u + half, v), (u, v - half)]

    def triangle(half: float) -> list[Point]:
        return [(u - half, v + 0.8 * half), (u + half, v + 0.8 * half), (u, v - 0.9 * half)]

    if kind == "ban":
        shapes = [ellipse((u, v), r, r, tone(RED, z)), ellipse((u, v), r * 0.7, r * 0.7, tone(WHITE, z))]
    elif kind == "warn":
        shapes = [polygon(triangle(1.15 * r), tone(RED, z)), polygon(triangle(0.7 * r), tone(WHITE, z))]
    elif kind == "order":
        arrow = [
            (u - 0.1 * r, v + 0.6 * r),
            (u + 0.1 * r, v + 0.6 * r),
            (u + 0.35 * r, v),
            (u, v - 0.6 * r),
            (u - 0.35 * r, v),
        ]
        shapes = [ellipse((u, v), r, r, tone(BLUE, z)), polygon(arrow, tone(WHITE, z))]
    elif kind == "priority":
        shapes = [polygon(rhomb(1.15 * r), tone(WHITE, z)), polygon(rhomb(0.85 * r), tone(YELLOW, z))]
    elif kind == "parking":
        plate = camera.quad(x - 0.32, x + 0.32, height - 0.32, height + 0.32, z)
        letter = camera.quad(x - 0.14, x + 0.14, height - 0.2, height + 0.22, z)
        shapes = [polygon(plate, tone(BLUE, z)), polygon(letter, tone(WHITE, z))]
    elif kind == "board":
        plate = camera.quad(x - 0.9, x + 0.9, height - 0.5, height + 0.7, z)
        lines = [
            camera.quad(x - 0.7, x + 0.5, height - 0.25 + 0.4 * row, height - 0.12 + 0.4 * row, z) for row in range(2)
        ]
        ground, ink = rng.choice(((YELLOW, (30, 30, 30)), (WHITE, (30, 30, 34)), (BLUE, WHITE)))
        shapes = [polygon(plate, tone(ground, z)), polygons(lines, tone(ink, z))]
    else:
        shapes = [
            ellipse((u, v), r, r, tone(RED, z)),
            polygon(camera.quad(x - 0.26, x + 0.26, height - 0.06, height + 0.06, z), tone(WHITE, z)),
        ]
    stage.add("traffic_sign", z - 0.05, *shapes)


def static_thing(stage: Stage, x: float, z: float, ground: float) -> None:
    """A bench, a litter bin, an advertising column, a switch box, a row of bollards, a letter box."""
    rng = stage.rng
    figure = Figure(stage, x, z, 1.0, 1, ground)
    kind = rng.choice(("bench", "bin", "column", "box", "bollards", "letters"))

    def slab(left: float, right: float, low: float, high: float, color: Rgb, shade: float = 1.0) -> str:
        corners = figure.shape((left, low), (right, low), (right, high), (left, high))
        return polygon(corners, stage.tone(color, z, 0, shade))

    if kind == "bench":
        wood = (128, 92, 62)
        shapes = [slab(-0.8, -0.7, 0, 0.45, METAL, 0.6), slab(0.7, 0.8, 0, 0.45, METAL, 0.6)]
        shapes += [
            slab(-0.9, 0.9, 0.42, 0.5, wood),
            slab(-0.9, 0.9, 0.6, 0.72, wood, 0.85),
            slab(-0.9, 0.9, 0.78, 0.9, wood, 0.9),
        ]
    elif kind == "bin":
        color = vary(rng.choice(((222, 122, 34), (70, 86, 76), (110, 112, 114))), rng)
        shapes = [
            slab(-0.24, 0.24, 0.1, 0.9, color),
            slab(0.04, 0.24, 0.1, 0.9, color, 0.8),
            slab(-0.28, 0.28, 0.88, 0.98, (40, 40, 42)),
        ]
    elif kind == "column":
        paper = [
            vary(rng.choice(((206, 60, 48), (232, 222, 190), (60, 96, 148), (226, 190, 60))), rng) for _ in range(4)
        ]
        shapes = [slab(-0.62, 0.62, 0, 2.7, (176, 172, 164)), slab(-0.72, 0.72, 2.65, 2.95, (80, 92, 84))]
        shapes += [
            slab(-0.55 + 0.58 * (i % 2), -0.03 + 0.58 * (i % 2), 0.5 + (i // 2) * 1.1, 1.45 + (i // 2) * 1.1, color)
            for i, color in enumerate(paper)
        ]
        shapes.append(slab(0.3, 0.62, 0, 2.7, (20, 20, 20), 1.0).replace("/>", ' opacity="0.25"/>'))
    elif kind == "box":
        color = vary((148, 152, 146), rng)
        shapes = [
            slab(-0.5, 0.5, 0, 1.2, color),
            slab(-0.01, 0.01, 0.05, 1.15, color, 0.6),
            slab(-0.54, 0.54, 1.17, 1.24, color, 0.8),
        ]
    elif kind == "bollards":
        shapes = []
        for index in range(4):
            post = Figure(stage, x, z + 1.4 * (3 - index), 1.0, 1, ground)
            corners = post.shape((-0.09, 0), (0.09, 0), (0.09, 0.9), (-0.09, 0.9))
            band = post.shape((-0.09, 0.72), (0.09, 0.72), (0.09, 0.82), (-0.09, 0.82))
            shapes += [polygon(corners, stage.tone((64, 64, 66), z)), polygon(band, stage.tone(WHITE, z))]
    else:
        color = (232, 186, 36)
        shapes = [
            slab(-0.05, 0.05, 0, 0.9, METAL, 0.7),
            slab(-0.32, 0.32, 0.85, 1.55, color),
            slab(-0.22, 0.22, 1.36, 1.42, (40, 40, 40)),
        ]
    stage.add("static", z, *shapes)


def dynamic_thing(stage: Stage, x: float, z: float, ground: float) -> None:
    """A pram, a dog, wheeled bins, cones and barriers of a building site, a suitcase."""
    rng = stage.rng
    figure = Figure(stage, x, z, 1.0, rng.choice((-1, 1)), ground)
    unit = figure.unit
    kind = rng.choice(("pram", "dog", "bins", "bins", "site", "site", "case"))

    def slab(left: float, right: float, low: float, high: float, color: Rgb, shade: float = 1.0) -> str:
        corners = figure.shape((left, low), (right, low), (right, high), (left, high))
        return polygon(corners, stage.tone(color, z, 0, shade))

    if kind == "pram":
        color = vary(rng.choice(((44, 52, 84), (130, 40, 52), (50, 54, 56))), rng)
        hood = figure.shape((-0.4, 0.55), (0.35, 0.5), (0.3, 0.75), (-0.05, 0.78), (-0.1, 1.05), (-0.35, 0.95))
        shapes = [polygon(hood, stage.tone(color, z)), figure.limb(((0.3, 0.7), (0.6, 1.05)), 0.05, (40, 40, 42))]
        shapes += [figure.limb(((-0.2, 0.5), (0.25, 0.16)), 0.05, (60, 60, 62))]
        shapes += [
            ellipse(figure.at(across, 0.14), 0.14 * unit, 0.14 * unit, stage.tone((28, 28, 30), z))
            for across in (-0.28, 0.3)
        ]
    elif kind == "dog":
        color = vary(rng.choice(((92, 66, 44), (40, 36, 34), (188, 160, 120))), rng)
        shapes = [
            figure.limb(((-0.3, 0.45), (0.25, 0.45)), 0.24, color),
            figure.limb(((0.25, 0.5), (0.42, 0.68)), 0.16, color),
        ]
        shapes += [
            figure.limb(((across, 0.4), (across, 0.03)), 0.07, color, 0.8) for across in (-0.3, -0.22, 0.2, 0.28)
        ]
        shapes.append(figure.limb(((-0.34, 0.5), (-0.5, 0.7)), 0.05, color))
    elif kind == "bins":
        shapes = []
        for index in range(rng.randint(1, 3)):
            color = vary(rng.choice(((52, 56, 58), (48, 76, 132), (92, 70, 48), (206, 172, 50))), rng, 6)
            left = -0.3 + 0.68 * index
            shapes += [
                slab(left, left + 0.6, 0.05, 0.98, color),
                slab(left + 0.4, left + 0.6, 0.05, 0.98, color, 0.8),
                slab(left - 0.03, left + 0.63, 0.96, 1.08, color, 0.7),
            ]
    elif kind == "site":
        shapes = [slab(-0.9, 0.9, 0.6, 0.95, WHITE)]
        shapes += [slab(-0.9 + 0.6 * index, -0.6 + 0.6 * index, 0.6, 0.95, (214, 44, 36)) for index in range(3)]
        shapes += [slab(across - 0.05, across + 0.05, 0, 0.6, (90, 90, 92)) for across in (-0.7, 0.7)]
        for across in (-1.3, 1.25):
            cone = figure.shape((across - 0.2, 0), (across + 0.2, 0), (across + 0.04, 0.7), (across - 0.04, 0.7))
            shapes += [
                polygon(cone, stage.tone((230, 90, 30), z)),
                slab(across - 0.11, across + 0.11, 0.3, 0.44, WHITE),
            ]
    else:
        color = vary(rng.choice(((40, 44, 60), (150, 40, 44), (60, 96, 92))), rng)
        shapes = [slab(-0.22, 0.22, 0.06, 0.68, color), slab(-0.05, 0.05, 0.66, 0.98, (60, 60, 62))]
    stage.add("dynamic", z, *shapes)
