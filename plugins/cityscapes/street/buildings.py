"""Houses along the street: facades in perspective with windows, shops, cornices and roofs; and the skyline behind."""

from __future__ import annotations

from dataclasses import dataclass

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.light import Rgb, dim, vary
from composegan.plugins.cityscapes.street.sketch import polygon, polygons
from composegan.plugins.cityscapes.street.stage import Stage

PLASTER: tuple[Rgb, ...] = (
    (214, 204, 184), (196, 186, 168), (226, 220, 206), (186, 158, 128), (204, 176, 134), (168, 160, 152),
    (150, 148, 148), (176, 120, 96), (158, 92, 76), (132, 84, 70), (206, 194, 150), (182, 190, 186),
    (122, 116, 112), (216, 186, 160),
)  # fmt: skip
ROOF: tuple[Rgb, ...] = ((132, 74, 58), (110, 66, 56), (86, 80, 82), (72, 72, 78), (124, 92, 76))
GLASS: Rgb = (74, 84, 96)
LIT: Rgb = (255, 214, 142)
AWNING: tuple[Rgb, ...] = ((166, 48, 46), (38, 88, 66), (48, 70, 122), (196, 172, 120), (92, 84, 84))
STOREY = 3.2


@dataclass(frozen=True)
class House:
    """x: of its front; side: -1 left of the road, 1 right; from z0 to z1; shop: what the ground floor is."""

    x: float
    side: int
    z0: float
    z1: float
    storeys: int
    shop: bool
    modern: bool

    @property
    def height(self) -> float:
        return self.storeys * STOREY + 0.8


def draw_house(stage: Stage, house: House) -> None:
    camera, rng, side = stage.camera, stage.rng, house.side
    color = vary(rng.choice(PLASTER), rng)
    looks = -0.9 * side  # the front looks across the street
    middle = (house.z0 + house.z1) / 2
    depth = 11.0
    shapes = []
    if not house.modern:
        ridge = house.height + rng.uniform(1.8, 3.4)
        roof = [
            camera.point(house.x - 0.3 * side, house.height, house.z0),
            camera.point(house.x - 0.3 * side, house.height, house.z1),
            camera.point(house.x + 4 * side, ridge, house.z1),
            camera.point(house.x + 4 * side, ridge, house.z0),
        ]
        shapes.append(polygon(roof, stage.tone(rng.choice(ROOF), middle, looks * 0.6)))
    gable = camera.quad(house.x, house.x + depth * side, 0, house.height, house.z0)
    if not house.modern:
        gable.insert(3, camera.point(house.x + 4 * side, ridge, house.z0))
    shapes.append(polygon(gable, stage.tone(color, house.z0, 0, 0.86)))
    for start in pieces(house.z0, house.z1):
        front = camera.upright(house.x, 0, house.height, start, house.z1)
        shapes.append(polygon(front, stage.tone(color, start * 1.15, looks)))
    shapes += gable_windows(stage, house)
    shapes += front_windows(stage, house, looks)
    shapes += ground_floor(stage, house, color, looks)
    if not house.modern:
        cornices = [
            camera.upright(house.x - 0.15 * side, level - 0.2, level + 0.08, house.z0, house.z1)
            for level in (STOREY + 0.3, house.height)
        ]
        shapes.append(polygons(cornices, stage.tone(color, middle, looks, 1.14)))
    stage.add("building", house.z1, *shapes)


def pieces(z0: float, z1: float) -> list[float]:
    """Distances at which a long front gets a new haze."""
    return [z for z in (z0, z0 * 1.7, z0 * 2.9) if z < z1]


def columns(z0: float, z1: float, pitch: float) -> list[float]:
    count = max(1, round((z1 - z0) / pitch))
    step = (z1 - z0) / count
    return [z0 + step * (index + 0.5) for index in range(count)]


def pane(stage: Stage, x: float, y0: float, y1: float, z0: float, z1: float) -> list[Point]:
    point = stage.camera.point
    return [point(x, y0, z0), point(x, y0, z1), point(x, y1, z1), point(x, y1, z0)]


def front_windows(stage: Stage, house: House, looks: float) -> list[str]:
    """Rows of windows of dark glass that reflects the sky, some of them lit in the evening."""
    rng, camera = stage.rng, stage.camera
    width, pitch = (rng.uniform(1.0, 1.4), rng.uniform(2.1, 3.0)) if not house.modern else (2.2, 2.6)
    levels = range(1 if house.shop else 0, house.storeys)
    far = (house.z0 + house.z1) / 2
    bright = house.modern or rng.random() < 0.4
    (red, green, blue), sky = dim(GLASS, 0.6), dim(stage.light.top, 0.4)
    mirror = red + sky[0], green + sky[1], blue + sky[2]
    glass = stage.tone(mirror, far, looks) if bright else stage.tone(GLASS, far, looks, 0.8)
    if camera.scale(house.z1) * width * (house.z1 - house.z0) / house.z1 < 0.5:  # too far for single windows
        bands = [
            camera.upright(house.x, level * STOREY + 1.2, level * STOREY + 2.5, house.z0, house.z1) for level in levels
        ]
        return [polygons(bands, glass, 0.6)]
    frames: list[list[Point]] = []
    dark: list[list[Point]] = []
    lit: list[list[Point]] = []
    share = 0.3 if stage.light.lamps else 0.0
    for z in columns(house.z0, house.z1, pitch):
        half = width / 2
        for level in levels:
            bottom = level * STOREY + (1.15 if level else 1.35)
            top = bottom + (1.5 if not house.modern else 1.75)
            if not house.modern and z < 45:
                frames.append(pane(stage, house.x, bottom - 0.15, top + 0.12, z - half - 0.12, z + half + 0.12))
            (lit if rng.random() < share else dark).append(pane(stage, house.x, bottom, top, z - half, z + half))
    trim = stage.tone((224, 220, 212) if rng.random() < 0.7 else (120, 110, 102), far, looks)
    shapes = [polygons(frames, trim), polygons(dark, glass), polygons(lit, stage.light.glow(LIT, far))]
    if house.z0 < 30 and not house.modern:
        bars = [
            pane(stage, house.x, s[0], s[1], z - 0.05, z + 0.05)
            for z in columns(house.z0, min(house.z1, 30), pitch)
            for s in sills(levels)
        ]
        shapes.append(polygons(bars, trim, 0.7))
    return shapes


def sills(levels: range) -> list[tuple[float, float]]:
    """The heights between which each storey's windows have their mullion."""
    return [(level * STOREY + 1.15, level * STOREY + 2.65) for level in levels if level]


def gable_windows(stage: Stage, house: House) -> list[str]:
    """A few windows in the wall that looks along the street."""
    if house.z0 < 6 or stage.camera.scale(house.z0) < 2:
        return []
    rng, camera, side = stage.rng, stage.camera, house.side
    panes = []
    for level in range(house.storeys):
        for across in (1.6, 4.6, 7.6):
            if rng.random() < 0.6:
                x = house.x + across * side
                panes.append(camera.quad(x, x + 1.1 * side, level * STOREY + 1.2, level * STOREY + 2.6, house.z0))
    return [polygons(panes, stage.tone(GLASS, house.z0))]


def ground_floor(stage: Stage, house: House, color: Rgb, looks: float) -> list[str]:
    """A plinth and a door, or shop windows with a sign above them and an awning."""
    camera, rng, x, side = stage.camera, stage.rng, house.x, house.side
    middle = (house.z0 + house.z1) / 2
    if not house.shop:
        plinth = camera.upright(x - 0.05 * side, 0, 0.7, house.z0, house.z1)
        z = rng.uniform(house.z0 + 1, max(house.z0 + 1.1, house.z1 - 2))
        door = pane(stage, x - 0.06 * side, 0.1, 2.3, z, min(z + 1.2, house.z1))
        wood = rng.choice(((92, 62, 44), (60, 74, 66), (70, 66, 66)))
        return [
            polygon(plinth, stage.tone(color, middle, looks, 0.7)),
            polygon(door, stage.tone(wood, middle, looks)),
        ]
    band = camera.upright(x - 0.04 * side, 0, 3.2, house.z0, house.z1)
    shapes = [polygon(band, stage.tone(vary((92, 86, 82), rng), middle, looks))]
    panes = [pane(stage, x - 0.06 * side, 0.45, 2.5, z - 1.35, z + 1.35) for z in columns(house.z0, house.z1, 3.6)]
    lit = stage.light.lamps or rng.random() < 0.25
    glass = stage.light.glow((250, 222, 168), middle) if lit else stage.tone((62, 70, 80), middle, looks, 1.1)
    shapes.append(polygons(panes, glass))
    sign = camera.upright(x - 0.1 * side, 2.62, 3.12, house.z0 + 0.4, max(house.z0 + 0.5, house.z1 - 0.4))
    shapes.append(polygon(sign, stage.tone(vary(rng.choice(AWNING), rng), middle, looks, 1.1)))
    if rng.random() < 0.5:
        start = house.z0 + 0.5
        end = min(house.z1, start + rng.uniform(3, 8))
        out = x - 1.4 * side
        awning = [
            camera.point(x, 2.9, start), camera.point(x, 2.9, end),
            camera.point(out, 2.3, end), camera.point(out, 2.3, start),
        ]  # fmt: skip
        shapes.append(polygon(awning, stage.tone(rng.choice(AWNING), middle, looks * 0.4, 1.15)))
    return shapes


def skyline(stage: Stage, tall: bool) -> None:
    """Distant houses across the whole picture, sometimes with a tower."""
    camera, rng = stage.camera, stage.rng
    z, x = 170.0, -190.0
    shapes = []
    while x < 190:
        width = rng.uniform(10, 34)
        height = rng.uniform(7, 15) * (1.5 if tall else 1)
        if rng.random() < 0.06:
            width, height = 6.0, rng.uniform(26, 42)
            spire = [camera.point(x, height, z), camera.point(x + 6, height, z), camera.point(x + 3, height + 14, z)]
            shapes.append(polygon(spire, stage.tone((96, 116, 104), z)))
        color = vary(rng.choice(PLASTER), rng, 8)
        shapes.append(polygon(camera.quad(x, x + width, -4, height, z), stage.tone(color, z * 0.8)))
        windows = [camera.quad(x + 1, x + width - 1, y, y + 1.3, z) for y in (2, 5.2, 8.4) if y + 1.5 < height]
        shapes.append(polygons(windows, stage.tone(GLASS, z), 0.45))
        x += width * rng.uniform(0.9, 1.25)
    stage.add("building", 500, *shapes)
