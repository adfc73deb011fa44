"""Cars, vans, lorries, buses, trams, caravans and trailers: their dimensions, as data, and colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from composegan.plugins.cityscapes.street.camera import Pose
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.solid import GLASS, Plate, Solid, Spot, draw_solid

PAINTS: tuple[tuple[Rgb, float], ...] = (
    ((42, 44, 48), 5), ((92, 96, 100), 4), ((168, 172, 176), 5), ((226, 226, 224), 4), ((36, 56, 104), 2.5),
    ((134, 28, 32), 2), ((88, 116, 142), 1), ((62, 84, 66), 0.8), ((176, 158, 122), 0.8), ((196, 164, 48), 0.4),
    ((116, 72, 46), 0.5),
)  # fmt: skip
"""The colours of cars and their sampling weights."""

RED: Rgb = (176, 26, 26)
LAMP: Rgb = (244, 238, 214)
BLACK: Rgb = (26, 26, 28)
PLATE: Rgb = (236, 236, 228)


def pair(low: float, high: float, y0: float, y1: float, color: Rgb) -> tuple[Plate, Plate]:
    """The same lamp on the left and on the right."""
    return Plate((-high, -low), (y0, y1), color, True), Plate((low, high), (y0, y1), color, True)


def centred(length: float, *spots: Spot) -> tuple[Spot, ...]:
    """Spots measured from the rear, moved so that the middle is at 0."""
    return tuple((along - length / 2, y) for along, y in spots)


def car(
    length: float, width: float, boot: float, waist: float, roof: float, back: float, screen: float, nose: float
) -> Solid:
    """A car from a few dimensions: heights of boot, waist and roof; distances from the rear at which the roof begins
    (back) and the windscreen ends (screen); nose: height of the bonnet's front edge."""
    outline = centred(
        length, (0.05, 0.24), (0, 0.62), (0.06, boot), (back * 0.45, waist + 0.02), (back, roof - 0.03),
        (back + 0.42 * (screen - back), roof), (screen - 0.62, roof - 0.08), (screen + 0.12, waist),
        (length - 0.12, nose), (length, nose - 0.3), (length - 0.02, 0.24),
    )  # fmt: skip
    pillar = back + 0.46 * (screen - back)
    low, high = waist + 0.03, roof - 0.13
    panes = (
        centred(length, (back * 0.45 + 0.32, low), (back + 0.1, high), (pillar - 0.05, high), (pillar - 0.05, low)),
        centred(length, (pillar + 0.05, low), (pillar + 0.05, high), (screen - 0.7, high - 0.03), (screen - 0.1, low)),
    )
    half = width / 2
    rear = (
        Plate((-half + 0.04, half - 0.04), (0.26, 0.46), BLACK),
        *pair(half - 0.42, half - 0.06, 0.66, 0.86, RED),
        Plate((-0.26, 0.26), (0.56, 0.68), PLATE),
    )
    front = (
        Plate((-half + 0.04, half - 0.04), (0.24, 0.36), BLACK),
        Plate((-half + 0.5, half - 0.5), (0.44, nose - 0.34), BLACK),
        *pair(half - 0.46, half - 0.08, 0.5, nose - 0.3, LAMP),
        Plate((-0.26, 0.26), (0.37, 0.47), PLATE),
    )
    wheels = (0.78 - length / 2, 0.32), (length / 2 - 0.8, 0.32)
    return Solid(outline, width, (3, 6), panes, waist, 0.42, wheels, front, rear)


def box(
    length: float, width: float, low: float, high: float, wheels: tuple[float, ...] = (), radius: float = 0.5
) -> Solid:
    """A box between two heights. wheels: distance of each axle from the rear."""
    outline = centred(
        length, (0, low), (0, high - 0.12), (0.12, high), (length - 0.12, high), (length, high - 0.12), (length, low)
    )
    return Solid(outline, width, wheels=tuple((along - length / 2, radius) for along in wheels))


def windows(
    length: float, count: int, y0: float, y1: float, gap: float = 0.16, ends: float = 0.4
) -> tuple[tuple[Spot, ...], ...]:
    """A row of `count` windows along a side."""
    step = (length - 2 * ends) / count
    spans = [(ends + step * index, ends + step * index + step - gap) for index in range(count)]
    return tuple(centred(length, (start, y0), (start, y1), (end, y1), (end, y0)) for start, end in spans)


def van(length: float, roof: float) -> Solid:
    """A van: a car with a high roof and one window in each side."""
    solid = car(length, 1.95, 1.0, 1.05, roof, 0.12, length - 0.75, 1.05)
    rear, front, top = length - 2.35, length - 1.0, roof - 0.3
    pane = centred(length, (rear, 1.1), (rear, top), (length - 1.6, top), (front, 1.1))
    return replace(solid, panes=(pane,), taper=0.1)


CARS: Mapping[str, tuple[Solid, float]] = {
    "hatchback": (car(4.1, 1.76, 0.98, 0.96, 1.47, 0.62, 2.95, 0.86), 5),
    "sedan": (car(4.7, 1.82, 0.98, 0.96, 1.44, 1.35, 3.45, 0.84), 3),
    "estate": (car(4.6, 1.8, 1.0, 0.97, 1.47, 0.4, 3.4, 0.85), 3),
    "small": (car(3.5, 1.62, 0.96, 0.95, 1.5, 0.4, 2.65, 0.92), 2),
    "suv": (car(4.5, 1.88, 1.08, 1.08, 1.7, 0.55, 3.2, 1.04), 2),
    "van": (van(4.9, 1.95), 1.2),
}
"""Models of cars and their sampling weights."""

CABIN_FRONT = (
    Plate((-1.05, 1.05), (1.55, 2.45), GLASS),
    *pair(0.75, 1.1, 0.6, 0.85, LAMP),
    Plate((-0.6, 0.6), (0.65, 1.1), BLACK),
)
BUS_FRONT = (
    Plate((-1.1, 1.1), (1.15, 2.5), GLASS),
    Plate((-0.9, 0.9), (2.6, 2.9), (34, 34, 30)),
    *pair(0.8, 1.15, 0.5, 0.72, LAMP),
)
BUS_REAR = (
    Plate((-1.0, 1.0), (1.6, 2.5), GLASS),
    *pair(1.0, 1.2, 0.6, 1.2, RED),
    Plate((-0.9, 0.9), (0.5, 1.1), BLACK),
)

CABIN = replace(box(2.1, 2.3, 0.45, 2.75, (1.2,)), front=CABIN_FRONT, panes=windows(2.1, 1, 1.5, 2.3, 0.3, 0.3))
CARGO = replace(
    box(5.6, 2.45, 0.85, 3.5, (1.1, 2.2)),
    rear=(*pair(0.85, 1.15, 0.9, 1.08, RED), Plate((-0.03, 0.03), (0.9, 3.4), (90, 90, 92))),
)
BUS = replace(
    box(11.5, 2.55, 0.34, 3.1, (2.6, 8.8)),
    panes=windows(11.5, 7, 1.25, 2.45), front=BUS_FRONT, rear=BUS_REAR, stripe=(0.7, 1.0),
)  # fmt: skip
TRAM_CAR = replace(
    box(13.0, 2.4, 0.3, 3.3),
    panes=windows(13.0, 7, 1.2, 2.55, 0.2, 0.7), front=BUS_FRONT, rear=BUS_FRONT, stripe=(0.5, 0.75),
)  # fmt: skip
CARAVAN = replace(
    box(5.0, 2.2, 0.4, 2.55, (2.4,), 0.33),
    panes=windows(5.0, 2, 1.35, 1.95, 0.5, 0.6),
    rear=(Plate((-0.8, 0.8), (1.35, 1.95), GLASS), *pair(0.75, 1.0, 0.6, 0.8, RED)),
    front=(Plate((-0.8, 0.8), (1.35, 1.95), GLASS),),
    stripe=(0.95, 1.1),
)
TRAILER = replace(
    box(3.0, 1.7, 0.45, 1.55, (1.4,), 0.32),
    rear=(*pair(0.6, 0.8, 0.5, 0.65, RED), Plate((-0.25, 0.25), (0.5, 0.62), PLATE)),
)


def car_paint(scene: Scene) -> Rgb:
    colors, weights = zip(*PAINTS, strict=True)
    return vary(scene.rng.choices(colors, weights)[0], scene.rng, 8)


def draw_car(scene: Scene, pose: Pose) -> None:
    models, weights = zip(*CARS.values(), strict=True)
    draw_solid(scene, "car", scene.rng.choices(models, weights)[0], pose, car_paint(scene))


def draw_truck(scene: Scene, pose: Pose) -> None:
    """A lorry: cabin and cargo box."""
    rng = scene.rng
    cabin = vary(rng.choice(((196, 48, 40), (52, 84, 142), (222, 222, 218), (226, 158, 46), (70, 110, 80))), rng)
    cargo = vary(rng.choice(((224, 224, 220), (200, 200, 196), (150, 160, 170), (60, 90, 140), (196, 176, 140))), rng)
    couple(scene, "truck", pose, [(CARGO, cargo, -1.05), (CABIN, cabin, 2.9)])


def draw_bus(scene: Scene, pose: Pose) -> None:
    color = vary(
        scene.rng.choice(((222, 186, 44), (198, 42, 44), (230, 228, 222), (60, 110, 160), (70, 132, 96))), scene.rng
    )
    draw_solid(scene, "bus", BUS, pose, color)


def draw_train(scene: Scene, pose: Pose) -> None:
    """A tram of two cars."""
    color = vary(scene.rng.choice(((218, 180, 36), (186, 38, 42), (66, 116, 168), (228, 226, 220))), scene.rng)
    couple(scene, "train", pose, [(TRAM_CAR, color, -6.7), (TRAM_CAR, color, 6.7)])


def draw_towing(scene: Scene, pose: Pose, load: str) -> None:
    """A car with a caravan or a trailer behind it."""
    models = [CARS[name][0] for name in ("estate", "sedan", "suv")]
    x, z = pose.place(4.9 if load == "caravan" else 4.0, 0)
    draw_solid(scene, "car", scene.rng.choice(models), replace(pose, x=x, z=z), car_paint(scene))
    if load == "caravan":
        draw_solid(scene, "caravan", CARAVAN, pose, vary((228, 226, 218), scene.rng, 6))
    else:
        color = scene.rng.choice(((70, 78, 90), (52, 92, 66), (150, 146, 140), (44, 62, 110)))
        draw_solid(scene, "trailer", TRAILER, pose, vary(color, scene.rng))


def couple(scene: Scene, part: str, pose: Pose, solids: list[tuple[Solid, Rgb, float]]) -> None:
    """Draw several solids in a row, each `along` metres ahead of the pose."""
    for solid, color, along in solids:
        x, z = pose.place(along, 0)
        draw_solid(scene, part, solid, replace(pose, x=x, z=max(z, 1.0)), color)
