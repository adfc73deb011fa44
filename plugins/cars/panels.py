"""A car as panels: pieces of its surfaces, each of one class and one material, in drawing order.

As in the data set of Pasupa et al. (2021), the lid of a saloon is the `tailgate`, and the back of trucks, estates and
SUVs the `trunk`; a door includes its window, and the front bumper the grille.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from composegan.plugins.cars.body import Body, Line, stack
from composegan.plugins.cars.camera import Points

Surface = Callable[[Line, Line], Points]
HIDDEN_BEYOND = 3.0  # metres: a camera further to the right than this sees nothing of the left side, tapered as it is
CORE = (0.0, 0.0, 0.6)  # a point inside every car

# A panel in fractions of its width and height, from its centre: its outline, points along its vertical centre line, and
# small steps right, left, up and down from them for finite differences.
EVEN = np.linspace(-0.5, 0.5, 5)
ENDS = np.full(5, 0.5)
OUTLINE = np.concatenate([np.stack(edge, -1) for edge in ((EVEN, -ENDS), (ENDS, EVEN), (-EVEN, ENDS), (-ENDS, -EVEN))])
CORNER = np.repeat([[0.5, 0.0], [0.0, 1.0]] * 2, 5, axis=0)
SPINE = np.stack([np.zeros(5), EVEN], -1)
STEPS = ((1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3))


@dataclass(frozen=True)
class Panel:
    """A piece of a surface.

    part: its class. material: see paint.py. zone: panels that are drawn together, by depth. outline: (N, 3), metres.
    spine, normals: (M, 3), points along its vertical centre line and the unit normals there. bulging: its silhouette is
    the convex hull of `outline`.
    """

    part: str
    material: str
    zone: str
    outline: Points
    spine: Points
    normals: Points
    bulging: bool = False


def cut(
    surface: Surface,
    u: tuple[float, float],
    v: tuple[float, float],
    part: str,
    material: str,
    zone: str,
    pieces: int = 1,
    corners: float = 0.0,
) -> Iterator[Panel]:
    """Cut the panel u[0]..u[1] by v[0]..v[1] out of a surface, as `pieces` side by side in u, shaded separately.

    corners: the fraction of the height that is cut off at each corner. Painted panels and lights are followed by their
    outline as a panel of material "seam".
    """
    wide, high = (u[1] - u[0]) / pieces, v[1] - v[0]
    frame = OUTLINE * np.where(np.abs(OUTLINE) == 0.5, 1, 1 - 2 * corners * CORNER)
    frame, middle = frame + 0.5, SPINE + 0.5
    slopes = [middle * (wide, high) + step for step in STEPS]
    piece = np.concatenate([frame * (wide, high), middle * (wide, high), *slopes]) + np.array([u[0], v[0]])
    places = piece + np.arange(pieces)[:, None, None] * (wide, 0.0)
    seamed = (material == "paint" and part != "body") or material in ("headlight", "taillight")
    rim = (OUTLINE + 0.5) * (u[1] - u[0], high) + (u[0], v[0])
    flat = np.concatenate([places.reshape(-1, 2), rim] if seamed else [places.reshape(-1, 2)])
    points = surface(flat[:, 0], flat[:, 1])  # one call, because calls cost more than points
    groups = points[: places[..., 0].size].reshape(pieces, -1, 3)
    first, count = len(OUTLINE), len(SPINE)
    outlines, spines = groups[:, :first], groups[:, first : first + count]
    right, left, above, below = groups[:, first + count :].reshape(pieces, 4, count, 3).swapaxes(0, 1)
    (a, b, c), (d, e, f) = (right - left).transpose(2, 0, 1), (above - below).transpose(2, 0, 1)
    normals = np.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-12
    outwards = np.sign(((spines - CORE) * normals).sum((1, 2)))
    for outline, spine, normal, way in zip(outlines, spines, normals, outwards, strict=True):
        yield Panel(part, material, zone, outline, spine, normal * (way or 1.0))
    if seamed:
        yield Panel(part, "seam", zone, points[-len(OUTLINE) :], spines[0], normals[0] * (outwards[0] or 1.0))


def car_panels(body: Body, seen_from: Points | None = None) -> list[Panel]:
    """Return the panels of a car without wheels and mirrors, each zone in drawing order.

    seen_from: position of the camera; ends and sides that are hidden from there are left out.
    """
    panels: list[Panel] = []
    for side, name in ((1, "left"), (-1, "right")):
        if seen_from is None or seen_from[1] * side > -HIDDEN_BEYOND:
            panels += lower_side(body, side, name)
            panels += windows(body, side, name)
    if seen_from is None or seen_from[0] > 0:
        panels += front_end(body)
    if seen_from is None or seen_from[0] < 0:
        panels += back_end(body)
    panels += top(body)
    return panels


def lower_side(body: Body, side: int, name: str) -> Iterator[Panel]:
    zone, surface = f"{name}_side", partial(body.side, side)
    front, back = body.corner(True), body.corner(False)
    front_axle, back_axle = (body.at(axle) for axle in body.shape.axles)
    yield from cut(surface, (back, front), (0, 1), "body", "paint", zone, 3)
    yield from cut(surface, (back, front), (0, 0.09), "body", "trim", zone)
    yield from cut(surface, (front_axle, front), (0, 0.62), "front_bumper", "paint", zone)
    yield from cut(surface, (back, back_axle), (0, 0.46), "back_bumper", "paint", zone)
    for label, start, end in doors(body, name):
        yield from cut(surface, (end, start), (0.1, 1), label, "paint", zone)
        yield from cut(surface, (end, start), (0.1, 0.2), label, "shade", zone)
        yield from cut(surface, (end + 0.06, end + 0.26), (0.8, 0.86), label, "handle", zone)
    front_light, back_light = f"front_{name}_light", f"back_{name}_light"
    yield from cut(surface, (front - 0.24, front), (0.62, 0.86), front_light, "headlight", zone, 1, 0.12)
    low, high = light_heights(body)
    yield from cut(surface, (back, back + 0.2), (low, high), back_light, "taillight", zone, 1, 0.12)


def doors(body: Body, name: str) -> Iterator[tuple[str, float, float]]:
    """Yield the doors of a side: (class, x of the front edge, x of the back edge)."""
    edges = [body.at(distance) for distance in body.shape.doors]
    for label, start, end in zip(("front", "back"), edges[:-1], edges[1:], strict=False):
        yield f"{label}_{name}_door", start, end


def windows(body: Body, side: int, name: str) -> Iterator[Panel]:
    """The cabin's side: pillars, a window in each door, labelled as the door, and one behind the last door."""
    zone, far, last = f"{name}_cabin", body.shape.length / 2, body.at(body.shape.doors[-1])

    def between(start: float, end: float, inset: float = 0.0) -> Surface:
        return partial(body.window, side, (start, end), inset)

    yield from cut(between(-far, far), (0, 1), (0, 1), "body", "paint", zone)
    for label, start, end in doors(body, name):
        ahead = far if label.startswith("front") else start
        yield from cut(between(end, ahead), (0, 1), (0, 0.93), label, "paint", zone)
        yield from cut(between(end, end + 0.05), (0, 1), (0.03, 0.88), label, "trim", zone)
        yield from cut(between(end + 0.04, ahead - 0.03, 0.06), (0, 1), (0.05, 0.86), label, "window", zone)
    if body.glass(False, np.ones(1), np.zeros(1))[0, 0] < last - 0.35:
        yield from cut(between(-far, last - 0.05, 0.08), (0, 1), (0.08, 0.84), "body", "window", zone)


def front_end(body: Body) -> Iterator[Panel]:
    surface, zone, part = partial(body.end, True), "front", "front_bumper"
    yield from cut(surface, (-1, 1), (0, 0.88), part, "paint", zone, 6)
    yield from cut(surface, (-1, 1), (0.86, 1), "body", "paint", zone, 4)
    yield from cut(surface, (-0.86, 0.86), (0.86, 1), "hood", "paint", zone, 4)
    yield from cut(surface, (-0.5, 0.5), (0.55, 0.8), part, "grille", zone, 1, 0.2)
    yield from cut(surface, (-0.5, 0.5), (0.66, 0.69), part, "chrome", zone)
    yield from cut(surface, (-0.66, 0.66), (0.1, 0.32), part, "grille", zone, 1, 0.25)
    yield from cut(surface, (-0.17, 0.17), (0.38, 0.5), part, "plate", zone)
    for side, name in ((1, "left"), (-1, "right")):
        light = f"front_{name}_light"
        yield from cut(surface, span(side, 0.54, 1.0), (0.62, 0.86), light, "headlight", zone, 1, 0.12)
        for lamp in (0.64, 0.83):
            yield from cut(surface, span(side, lamp - 0.06, lamp + 0.06), (0.67, 0.81), light, "lamp", zone, 1, 0.3)


def span(side: int, inner: float, outer: float) -> tuple[float, float]:
    """Return the range from `inner` to `outer` on one side of the middle, in ascending order."""
    return (inner, outer) if side > 0 else (outer * side, inner * side)


def light_heights(body: Body) -> tuple[float, float]:
    """Return the lower and upper edge of the tail lights, as fractions of the back end."""
    return {"lid": (0.62, 0.9), "door": (0.52, 0.95), "bed": (0.5, 0.93)}[body.shape.back]


def back_end(body: Body) -> Iterator[Panel]:
    surface, zone, back = partial(body.end, False), "back", body.shape.back
    part = "tailgate" if back == "lid" else "trunk"
    yield from cut(surface, (-1, 1), (0, 1), "body", "paint", zone, 6)
    yield from cut(surface, (-0.8, 0.8), (0.44, 1), part, "paint", zone, 4)
    yield from cut(surface, (-1, 1), (0, 0.46), "back_bumper", "paint", zone, 6)
    yield from cut(surface, (-0.7, 0.7), (0.06, 0.2), "back_bumper", "trim", zone, 1, 0.2)
    low, high = light_heights(body)
    reach = {"lid": 0.5, "door": 0.68, "bed": 0.82}[back]
    for side, name in ((1, "left"), (-1, "right")):
        light = f"back_{name}_light"
        yield from cut(surface, span(side, reach, 1.0), (low, high), light, "taillight", zone, 1, 0.1)
        if back != "bed":
            heights = (low + 0.04, (low + high) / 2)
            yield from cut(surface, span(side, reach, reach + 0.14), heights, light, "whitelight", zone, 1, 0.2)
    carrier, heights = ("back_bumper", (0.28, 0.4)) if back == "bed" else (part, (0.6, 0.73))
    yield from cut(surface, (-0.17, 0.17), heights, carrier, "plate", zone)


def top(body: Body) -> Iterator[Panel]:
    """Bonnet, boot lid or load bed, both screens and the roof."""
    back = body.shape.back
    part = "tailgate" if back == "lid" else "trunk"
    hood, deck = partial(body.lid, True), partial(body.lid, False)
    yield from cut(hood, (-1, 1), (0, 1), "body", "paint", "front_lid", 4)
    yield from cut(hood, (-0.88, 0.88), (0, 0.96), "hood", "paint", "front_lid", 6)
    yield from cut(deck, (-1, 1), (0, 1), "body", "paint", "back_lid", 4)
    if back == "bed":
        yield from cut(deck, (-0.86, 0.86), (0.03, 0.97), "body", "trim", "back_lid")
    else:
        yield from cut(deck, (-0.88, 0.88), (0, 0.96), part, "paint", "back_lid", 4)
    for front, label in ((True, "front_glass"), (False, "back_glass")):
        surface = partial(body.glass, front)
        zone = "front_cabin" if front else "back_cabin"
        frame = part if not front and back == "door" else "body"
        yield from cut(surface, (-1, 1), (0, 1), frame, "paint", zone)
        edge, heights = (0.93, (0.03, 0.95)) if front else (0.86, (0.1, 0.9))
        yield from cut(surface, (-edge, edge), heights, label, "glass", zone, 1, 0.04)
        gleam = skewed(surface, ((-0.72, 0.1), (-0.4, 0.1), (0.02, 0.9), (-0.3, 0.9)))
        yield from cut(gleam, (0, 1), (0, 1), "seam", "gleam", zone)
    (roof,) = cut(body.roof, (-1, 1), (0, 1), "body", "paint", "roof")
    across, along = np.meshgrid(np.linspace(-1, 1, 11), np.linspace(0, 1, 9))
    yield replace(roof, outline=body.roof(across, along).reshape(-1, 3), bulging=True)


def skewed(surface: Surface, corners: tuple[tuple[float, float], ...]) -> Surface:
    """Return the quadrilateral with these corners (u, v) of a surface as a surface."""
    first, second, third, fourth = np.array(corners)

    def inner(across: Line, up: Line) -> Points:
        low, high = first + np.outer(across, second - first), fourth + np.outer(across, third - fourth)
        u, v = (low + (high - low) * np.asarray(up)[:, None]).T
        return surface(u, v)

    return inner


def circle(body: Body, side: int, axle: int, radius: float, depth: float = 0.0, start: float = 0.0) -> Points:
    """Return a circle (32, 3) around an axle, `depth` metres inside the body's side. start: its lowest height."""
    x = body.at(body.shape.axles[axle])
    angles = np.linspace(0, 2 * np.pi, 33)[:-1]
    z = np.maximum(body.shape.wheel + radius * np.sin(angles), start)
    y = side * (body.half_width(np.asarray(x)) * 0.985 - depth)
    return stack(x + radius * np.cos(angles), np.full(32, y), z)


def mirror(body: Body, side: int) -> tuple[Points, Points]:
    """Return the corners of a wing mirror (8, 3) and of its glass, which faces backwards (4, 3)."""
    x, z = body.at(body.shape.doors[0] + 0.22), body.shape.cowl[1] + 0.05
    y = float(body.half_width(np.asarray(x)))
    inner, outer = side * (y * 0.97), side * (y + 0.2)
    box = [(x + dx * k, ys, z + h) for dx, k in ((0.0, 1), (0.13, 0.9)) for ys in (inner, outer) for h in (0.02, 0.16)]
    inset = 0.02 * side
    pane = [
        (x, ys, z + h)
        for ys, h in ((inner + inset, 0.04), (outer - inset, 0.04), (outer - inset, 0.14), (inner + inset, 0.14))
    ]
    return np.array(box), np.array(pane)
