"""Flat surfaces: road, sidewalk, parking, rails, grass and road markings. They are drawn before all objects."""

from __future__ import annotations

from composegan.plugins.cityscapes.street.camera import Point
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import line, polygon, polygons

NEAR, FAR = 2.0, 150.0
LEVEL = 1000.0
"""The distance by which flat surfaces are sorted: beyond every object."""
CURB = 0.12  # height of a sidewalk
HAZE = (14, 28, 55)
"""Distances from which a surface is drawn again, with more haze."""

ASPHALT: Rgb = (92, 92, 96)
PAVING: Rgb = (150, 146, 142)
PAINT: Rgb = (224, 224, 220)
GRASS: Rgb = (112, 128, 66)
SURFACES: dict[str, Rgb] = {
    "road": ASPHALT, "sidewalk": PAVING, "parking": (118, 114, 112), "rail_track": (112, 102, 92), "terrain": GRASS,
    "ground": (158, 142, 122),
}  # fmt: skip


def surface(
    scene: Scene, part: str, x0: float, x1: float, z0: float = NEAR, z1: float = FAR, over: float = 0.0
) -> None:
    """A strip of ground from x0 to x1. over: strips with higher values cover those with lower ones."""
    color = vary(SURFACES[part], scene.rng, 10, 0.1)
    shapes = [polygon(scene.camera.flat(x0, x1, z0, z1), scene.tone(color, 6))]
    for z in HAZE:
        if z0 < z < z1:
            shapes.append(polygon(scene.camera.flat(x0, x1, z, z1), scene.tone(color, z * 1.4)))
    scene.add(part, LEVEL - over, *shapes)


def pavement(scene: Scene, x_road: float, x_front: float) -> None:
    """A raised sidewalk between the road's edge and the house fronts, with its kerb and joints."""
    camera, tone = scene.camera, scene.tone
    color = vary(PAVING, scene.rng, 13, 0.15)
    kerb = polygon(camera.upright(x_road, 0, CURB, NEAR, FAR), tone(color, 8, 0, 0.78))
    edge = x_road + (0.22 if x_front > x_road else -0.22)
    shapes = [polygon(camera.flat(x_road, x_front, NEAR, FAR, CURB), tone(color, 6))]
    shapes += [polygon(camera.flat(x_road, x_front, z, FAR, CURB), tone(color, 1.4 * z)) for z in HAZE]
    shapes.append(polygon(camera.flat(x_road, edge, NEAR, FAR, CURB), tone(color, 8, 0, 1.14)))
    size = scene.rng.choice((1.2, 2.0, 3.5))
    joints = [camera.flat(x_road, x_front, z, z * 1.004 + 0.03, CURB) for z in spaced(3, 26, size)]
    shapes.append(polygons(joints, tone(color, 8, 0, 0.8), 0.45))
    scene.add("sidewalk", LEVEL - 5, *shapes, kerb)


def spaced(start: float, end: float, step: float) -> list[float]:
    """Return start, start + step, ... below end."""
    return [start + step * index for index in range(int((end - start) / step))]


def lane_line(scene: Scene, x: float, dashed: bool, width: float = 0.14) -> None:
    """A painted line along the road: solid, or dashes of 3 m with gaps of 5 m."""
    spans = [(max(z, 2.5), z + 3) for z in spaced(scene.rng.uniform(1, 9), 75, 8)] if dashed else [(NEAR, 80)]
    shapes = [scene.camera.flat(x - width / 2, x + width / 2, *span) for span in spans]
    scene.add("road", LEVEL - 2, polygons(shapes, scene.tone(PAINT, 14)))


def zebra(scene: Scene, x0: float, x1: float, z: float) -> None:
    """A pedestrian crossing: stripes along the road from x0 to x1, and a stop line before it."""
    camera = scene.camera
    count = int((x1 - x0) / 1.0)
    stripes = [camera.flat(x0 + 0.25 + index, x0 + 0.75 + index, z, z + 3.2) for index in range(count)]
    stripes.append(camera.flat(0.2, x1, max(2.2, z - 1.8), max(2.5, z - 1.4)))
    scene.add("road", LEVEL - 2.5, polygons(stripes, scene.tone(PAINT, z)))


def wear(scene: Scene, x0: float, x1: float) -> None:
    """Traces of use on the asphalt: wheel tracks, repaired patches and tar seams."""
    camera, rng = scene.camera, scene.rng
    shapes = []
    for x in (-0.75, 0.75):
        shapes.append(polygon(camera.flat(x - 0.25, x + 0.25, NEAR, 60), scene.tone(ASPHALT, 4, 0, 0.8), 0.2))
    for _ in range(rng.randint(1, 4)):
        x, z = rng.uniform(x0, x1 - 1), rng.uniform(4, 26)
        patch = camera.flat(x, min(x1, x + rng.uniform(0.8, 3)), z, z + rng.uniform(1, 6))
        shapes.append(polygon(patch, scene.tone(ASPHALT, z, 0, rng.choice((0.8, 0.86, 1.14))), 0.42))
    for _ in range(rng.randint(0, 2)):
        x, z = rng.uniform(x0, x1), rng.uniform(4, 12)
        ends: list[Point] = [camera.point(x + rng.uniform(-0.4, 0.4), 0, z + step * 4) for step in range(4)]
        shapes.append(line(ends, 0.35, scene.tone((60, 60, 62), 4), 0.45))
    scene.add("road", LEVEL - 1, *shapes)


def rails(scene: Scene, x0: float, x1: float, grassy: bool) -> None:
    """A tramway: its own bed, with two tracks if there is room, labelled as rail track."""
    surface(scene, "rail_track", x0, x1, over=3)
    camera = scene.camera
    bed = (104, 122, 66) if grassy else (120, 108, 98)
    scene.add("rail_track", LEVEL - 3.5, polygon(camera.flat(x0 + 0.2, x1 - 0.2, NEAR, 60), scene.tone(bed, 10)))
    middles = [(x0 + x1) / 2] if x1 - x0 < 5 else [x0 + (x1 - x0) * 0.27, x0 + (x1 - x0) * 0.73]
    steel = [camera.flat(m + s * 0.72 - 0.05, m + s * 0.72 + 0.05, NEAR, 90) for m in middles for s in (-1, 1)]
    if not grassy:
        sleepers = [camera.flat(m - 1.1, m + 1.1, z, z + 0.22) for m in middles for z in spaced(3, 28, 0.75)]
        scene.add("rail_track", LEVEL - 3.6, polygons(sleepers, scene.tone((88, 76, 68), 8)))
    scene.add("rail_track", LEVEL - 3.7, polygons(steel, scene.tone((176, 172, 170), 8)))


def bays(scene: Scene, x0: float, x1: float) -> None:
    """Parking along the kerb, between white lines."""
    surface(scene, "parking", x0, x1, over=1.5)
    camera = scene.camera
    start = scene.rng.uniform(2, 7)
    marks = [camera.flat(x0, x1, z, z + 0.14 + z * 0.004) for z in spaced(start, 60, 5.6)]
    scene.add("parking", LEVEL - 2.2, polygons(marks, scene.tone(PAINT, 14)))


def shadow_of_houses(scene: Scene, x_front: float, reach: float) -> None:
    """The shadow of a row of houses on the street when the sun is behind it."""
    toward = -1 if x_front > 0 else 1
    shade = scene.camera.flat(x_front, x_front + toward * reach, NEAR, 90, 0.0)
    scene.add("road", LEVEL - 8, polygon(shade, "#0c1024", min(0.45, 1.1 * scene.light.contrast)))
