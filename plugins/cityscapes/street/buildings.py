"""Houses along the street: facades in perspective with windows, shops, cornices and roofs; and the skyline behind."""

from __future__ import annotations

from dataclasses import dataclass

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.light import Rgb, dim, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import polygon, polygons

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
    """x: of its front. side: -1 left of the road, 1 right. z0, z1: its extent. shop: on the ground floor."""

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

    @property
    def middle(self) -> float:
        return (self.z0 + self.z1) / 2


def draw_house(scene: Scene, house: House) -> None:
    """Draw a house: roof, gable, front, windows, ground floor and cornices."""
    camera, rng, side = scene.camera, scene.rng, house.side
    color = vary(rng.choice(PLASTER), rng)
    direction = -0.9 * side  # the front faces the street
    shapes = []
    if not house.modern:
        ridge = house.height + rng.uniform(1.8, 3.4)
        eaves, top = house.x - 0.3 * side, house.x + 4 * side
        lower = (eaves, house.height, house.z0), (eaves, house.height, house.z1)
        roof = camera.points(*lower, (top, ridge, house.z1), (top, ridge, house.z0))
        shapes.append(polygon(roof, scene.tone(rng.choice(ROOF), house.middle, direction * 0.6)))
    gable = camera.quad(house.x, house.x + 11.0 * side, 0, house.height, house.z0)
    if not house.modern:
        gable.insert(3, camera.point(house.x + 4 * side, ridge, house.z0))
    shapes.append(polygon(gable, scene.tone(color, house.z0, 0, 0.86)))
    for start in haze_steps(house.z0, house.z1):
        front = camera.upright(house.x, 0, house.height, start, house.z1)
        shapes.append(polygon(front, scene.tone(color, start * 1.15, direction)))
    shapes += gable_windows(scene, house)
    shapes += front_windows(scene, house, direction)
    shapes += ground_floor(scene, house, color, direction)
    if not house.modern:
        cornices = [
            camera.upright(house.x - 0.15 * side, level - 0.2, level + 0.08, house.z0, house.z1)
            for level in (STOREY + 0.3, house.height)
        ]
        shapes.append(polygons(cornices, scene.tone(color, house.middle, direction, 1.14)))
    scene.add("building", house.z1, *shapes)


def haze_steps(z0: float, z1: float) -> list[float]:
    """Return the distances from which a long front is drawn again, with more haze."""
    return [z for z in (z0, z0 * 1.7, z0 * 2.9) if z < z1]


def columns(z0: float, z1: float, pitch: float) -> list[float]:
    """Return the centres of windows at intervals of about `pitch` metres."""
    count = max(1, round((z1 - z0) / pitch))
    step = (z1 - z0) / count
    return [z0 + step * (index + 0.5) for index in range(count)]


def pane(scene: Scene, x: float, y0: float, y1: float, z0: float, z1: float) -> list[Point]:
    """Project a rectangle in a front."""
    return scene.camera.points((x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0))


def front_windows(scene: Scene, house: House, direction: float) -> list[str]:
    """Rows of windows of dark glass that reflects the sky, some of them lit in the evening."""
    rng, camera = scene.rng, scene.camera
    width, pitch = (rng.uniform(1.0, 1.4), rng.uniform(2.1, 3.0)) if not house.modern else (2.2, 2.6)
    levels, far = range(1 if house.shop else 0, house.storeys), house.middle
    bright = house.modern or rng.random() < 0.4
    (red, green, blue), sky = dim(GLASS, 0.6), dim(scene.light.top, 0.4)
    mirror = red + sky[0], green + sky[1], blue + sky[2]
    glass = scene.tone(mirror, far, direction) if bright else scene.tone(GLASS, far, direction, 0.8)
    if camera.scale(house.z1) * width * (house.z1 - house.z0) / house.z1 < 0.5:  # too far for single windows
        bands = [
            camera.upright(house.x, level * STOREY + 1.2, level * STOREY + 2.5, house.z0, house.z1) for level in levels
        ]
        return [polygons(bands, glass, 0.6)]
    frames: list[list[Point]] = []
    dark: list[list[Point]] = []
    lit: list[list[Point]] = []
    share = 0.3 if scene.light.lamps else 0.0
    for z in columns(house.z0, house.z1, pitch):
        half = width / 2
        for level in levels:
            bottom = level * STOREY + (1.15 if level else 1.35)
            top = bottom + (1.5 if not house.modern else 1.75)
            if not house.modern and z < 45:
                frames.append(pane(scene, house.x, bottom - 0.15, top + 0.12, z - half - 0.12, z + half + 0.12))
            (lit if rng.random() < share else dark).append(pane(scene, house.x, bottom, top, z - half, z + half))
    trim = scene.tone((224, 220, 212) if rng.random() < 0.7 else (120, 110, 102), far, direction)
    shapes = [polygons(frames, trim), polygons(dark, glass), polygons(lit, scene.light.glow(LIT, far))]
    if house.z0 < 30 and not house.modern:
        mullions = [
            pane(scene, house.x, level * STOREY + 1.15, level * STOREY + 2.65, z - 0.05, z + 0.05)
            for z in columns(house.z0, min(house.z1, 30), pitch)
            for level in levels
            if level
        ]
        shapes.append(polygons(mullions, trim, 0.7))
    return shapes


def gable_windows(scene: Scene, house: House) -> list[str]:
    """A few windows in the wall that faces along the street."""
    if house.z0 < 6 or scene.camera.scale(house.z0) < 2:
        return []
    rng, camera, side = scene.rng, scene.camera, house.side
    panes = []
    for level in range(house.storeys):
        for across in (1.6, 4.6, 7.6):
            if rng.random() < 0.6:
                x = house.x + across * side
                panes.append(camera.quad(x, x + 1.1 * side, level * STOREY + 1.2, level * STOREY + 2.6, house.z0))
    return [polygons(panes, scene.tone(GLASS, house.z0))]


def ground_floor(scene: Scene, house: House, color: Rgb, direction: float) -> list[str]:
    """A plinth and a door, or shop windows with a sign above them and an awning."""
    camera, rng, x, side, middle = scene.camera, scene.rng, house.x, house.side, house.middle
    if not house.shop:
        plinth = camera.upright(x - 0.05 * side, 0, 0.7, house.z0, house.z1)
        z = rng.uniform(house.z0 + 1, max(house.z0 + 1.1, house.z1 - 2))
        door = pane(scene, x - 0.06 * side, 0.1, 2.3, z, min(z + 1.2, house.z1))
        wood = rng.choice(((92, 62, 44), (60, 74, 66), (70, 66, 66)))
        return [
            polygon(plinth, scene.tone(color, middle, direction, 0.7)),
            polygon(door, scene.tone(wood, middle, direction)),
        ]
    band = camera.upright(x - 0.04 * side, 0, 3.2, house.z0, house.z1)
    shapes = [polygon(band, scene.tone(vary((92, 86, 82), rng), middle, direction))]
    panes = [pane(scene, x - 0.06 * side, 0.45, 2.5, z - 1.35, z + 1.35) for z in columns(house.z0, house.z1, 3.6)]
    lit = scene.light.lamps or rng.random() < 0.25
    glass = scene.light.glow((250, 222, 168), middle) if lit else scene.tone((62, 70, 80), middle, direction, 1.1)
    shapes.append(polygons(panes, glass))
    sign = camera.upright(x - 0.1 * side, 2.62, 3.12, house.z0 + 0.4, max(house.z0 + 0.5, house.z1 - 0.4))
    shapes.append(polygon(sign, scene.tone(vary(rng.choice(AWNING), rng), middle, direction, 1.1)))
    if rng.random() < 0.5:
        start = house.z0 + 0.5
        end = min(house.z1, start + rng.uniform(3, 8))
        out = x - 1.4 * side
        awning = camera.points((x, 2.9, start), (x, 2.9, end), (out, 2.3, end), (out, 2.3, start))
        shapes.append(polygon(awning, scene.tone(rng.choice(AWNING), middle, direction * 0.4, 1.15)))
    return shapes


def skyline(scene: Scene, tall: bool) -> None:
    """Distant houses across the whole picture, sometimes with a tower."""
    camera, rng = scene.camera, scene.rng
    z, x = 170.0, -190.0
    shapes = []
    while x < 190:
        width = rng.uniform(10, 34)
        height = rng.uniform(7, 15) * (1.5 if tall else 1)
        if rng.random() < 0.06:
            width, height = 6.0, rng.uniform(26, 42)
            spire = camera.points((x, height, z), (x + 6, height, z), (x + 3, height + 14, z))
            shapes.append(polygon(spire, scene.tone((96, 116, 104), z)))
        color = vary(rng.choice(PLASTER), rng, 8)
        shapes.append(polygon(camera.quad(x, x + width, -4, height, z), scene.tone(color, z * 0.8)))
        windows = [camera.quad(x + 1, x + width - 1, y, y + 1.3, z) for y in (2, 5.2, 8.4) if y + 1.5 < height]
        shapes.append(polygons(windows, scene.tone(GLASS, z), 0.45))
        x += width * rng.uniform(0.9, 1.25)
    scene.add("building", 500, *shapes)
