"""A car seen by a camera, as SVG elements with their class in `data-part`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from composegan.plugins.cars.body import Body, cabin_points, lower_points
from composegan.plugins.cars.camera import Camera, Plane, Points, convex_hull
from composegan.plugins.cars.paint import COLORS, Rgb, from_hex, gradient_colors, to_hex
from composegan.plugins.cars.panels import Panel, car_panels, circle, mirror


@dataclass
class Drawing:
    """SVG elements in drawing order, and the gradients they use."""

    camera: Camera
    paint: Rgb
    elements: list[str] = field(default_factory=list)
    gradients: list[str] = field(default_factory=list)

    def polygon(self, part: str, plane: Plane, fill: str, more: str = "") -> None:
        points = " ".join(["%.2f,%.2f" % (x, y) for x, y in plane.tolist()])  # noqa: UP031 (three times as fast)
        self.elements.append(f'<polygon data-part="{part}" points="{points}" fill="{fill}" {more}/>')

    def gradient(self, start: Plane, end: Plane, colors: Sequence[Rgb] | np.ndarray) -> str:
        """Define a linear gradient between two points of the drawing and return it as a fill."""
        name = f"g{len(self.gradients)}"
        offsets = np.linspace(0, 1, len(colors))
        inner = "".join(
            f'<stop offset="{offset:.3g}" stop-color="{to_hex(color)}"/>'
            for offset, color in zip(offsets, colors, strict=True)
        )
        (x1, y1), (x2, y2) = start.tolist(), end.tolist()
        self.gradients.append(
            f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" '
            f'y2="{y2:.2f}">{inner}</linearGradient>'
        )
        return f"url(#{name})"

    def panel(self, panel: Panel) -> None:
        """Draw a panel, unless it faces away from the camera."""
        if not panel.bulging and ((self.camera.position - panel.spine) * panel.normals).sum() <= 0:
            return
        outline = self.camera.project(panel.outline)
        outline = convex_hull(outline) if panel.bulging else outline
        if panel.material == "seam":
            color = f'stroke="{to_hex(self.paint * 0.35)}" stroke-width="0.5" stroke-opacity="0.45"'
            self.polygon("seam", outline, "none", color)
            return
        if panel.material == "gleam":
            self.polygon(panel.part, outline, "#ffffff", 'fill-opacity="0.13"')
            return
        spine = self.camera.project(panel.spine)
        colors = gradient_colors(panel.material, self.paint, panel.normals, self.camera)
        fill = self.gradient(spine[0], spine[-1], colors)
        # Without a stroke, antialiasing leaves a hairline between adjacent painted panels.
        more = f'stroke="{to_hex(colors[2])}" stroke-width="0.5"' if panel.material == "paint" else ""
        self.polygon(panel.part, outline, fill, more)


def draw_car(body: Body, camera: Camera, paint: str, rim: str, spokes: int) -> Drawing:
    """Draw a car, far parts first. paint, rim: colours of the body and the wheels, #rrggbb."""
    drawing = Drawing(camera, from_hex(paint))
    near = 1 if camera.position[1] > 0 else -1
    ahead = camera.position[0] > 0
    groups: dict[str, list[Panel]] = {}
    for panel in car_panels(body, camera.position):
        groups.setdefault(panel.zone, []).append(panel)
    shadow(drawing, body)
    for side in (-near, near):
        for axle in (0, 1):
            treads(drawing, body, side, axle)
    base(drawing, body)
    mirrors(drawing, body, -near, ahead)
    first, last = ("back", "front") if ahead else ("front", "back")
    order = [f"{first}_lid", "left_cabin", "right_cabin", "front_cabin", "back_cabin", "roof", f"{last}_lid"]
    order += ["left_side", "right_side", "front", "back"]
    for zone in order:
        for panel in groups.get(zone, []):
            drawing.panel(panel)
    for axle in (0, 1):
        wheel(drawing, body, near, axle, rim, spokes)
    mirrors(drawing, body, near, ahead)
    return drawing


def extreme_points(body: Body) -> Points:
    """Return points (N, 3) whose convex hull encloses the car."""
    sides = (1, -1)
    wheels = [circle(body, side, axle, body.shape.wheel) for side in sides for axle in (0, 1)]
    roof = body.roof(np.linspace(-1, 1, 5), np.full(5, 0.5))
    mirrors = [mirror(body, side)[0] for side in sides]
    return np.concatenate([lower_points(body), cabin_points(body), roof, *wheels, *mirrors])


def shadow(drawing: Drawing, body: Body) -> None:
    """Draw the shadow on the ground, fading outwards."""
    angles = np.linspace(0, 2 * np.pi, 40)[:-1]
    # A superellipse, which looks like a rounded box.
    across, along = (np.sign(wave) * np.abs(wave) ** 0.35 for wave in (np.sin(angles), np.cos(angles)))
    for scale, opacity in ((1.14, 0.1), (1.08, 0.14), (1.02, 0.2), (0.95, 0.28)):
        flat = np.stack([along * body.shape.length / 2 * scale, across * body.shape.width / 2 * scale, angles * 0], -1)
        drawing.polygon("shadow", drawing.camera.project(flat), "#000000", f'fill-opacity="{opacity}"')


def base(drawing: Drawing, body: Body) -> None:
    """Draw the shaded body and cabin that show between panels, and the dark underside."""
    lower, project = lower_points(body), drawing.camera.project
    for points in (lower, cabin_points(body)):
        drawing.polygon("body", convex_hull(project(points)), to_hex(drawing.paint * 0.55))
    floor = lower[lower[:, 2] < body.shape.sill + 0.09 * (body.shape.nose - body.shape.sill)]
    drawing.polygon("body", convex_hull(project(floor)), COLORS["arch"])


def treads(drawing: Drawing, body: Body, side: int, axle: int) -> None:
    """Draw the tread of a wheel: the hull of its outer and inner circle."""
    radius = body.shape.wheel
    both = np.concatenate([circle(body, side, axle, radius, 0.02), circle(body, side, axle, radius, 0.26)])
    drawing.polygon("wheel", convex_hull(drawing.camera.project(both)), COLORS["tyre"])


def wheel(drawing: Drawing, body: Body, side: int, axle: int, rim: str, spokes: int) -> None:
    """Draw the arch, tyre and rim of a wheel on the near side, unless its outer face is hidden."""
    camera, radius = drawing.camera, body.shape.wheel
    disc = circle(body, side, axle, radius, 0.03)
    if (camera.position - disc.mean(0))[1] * side <= 0:
        return
    project = camera.project
    drawing.polygon("body", project(circle(body, side, axle, radius * 1.16, 0.0, body.shape.sill)), COLORS["arch"])
    drawing.polygon("wheel", project(disc), COLORS["tyre"])
    middle, color = project(disc.mean(0)), from_hex(rim)
    outer = project(circle(body, side, axle, radius * 0.7, 0.03))
    low, high = outer[24], outer[8]
    drawing.polygon("wheel", outer, drawing.gradient(low, high, [color * 0.7, color * 1.1]))
    drawing.polygon("wheel", project(circle(body, side, axle, radius * 0.58, 0.05)), "#34373b")
    ring = circle(body, side, axle, radius * 0.62, 0.04)
    for spoke in range(spokes):
        position = (spoke * 32 / spokes + 8) % 32
        half = 32 / spokes * 0.2
        ends = [ring_point(ring, position - half), ring_point(ring, position + half)]
        foot = [disc.mean(0) + (end - disc.mean(0)) * 0.2 for end in ends[::-1]]
        drawing.polygon("wheel", project(np.array([*ends, *foot])), to_hex(color * 0.95))
    hub = middle + (project(circle(body, side, axle, radius * 0.17, 0.03)) - middle)
    drawing.polygon("wheel", hub, to_hex(color * 0.8))


def ring_point(ring: Points, position: float) -> Points:
    """Interpolate a closed line at a fractional corner index."""
    low = int(np.floor(position))
    first, second = ring[low % len(ring)], ring[(low + 1) % len(ring)]
    return first + (second - first) * (position - low)


def mirrors(drawing: Drawing, body: Body, side: int, ahead: bool) -> None:
    """Draw a wing mirror, with its glass unless the camera is in front of the car."""
    box, pane = mirror(body, side)
    name = "left_mirror" if side > 0 else "right_mirror"
    hull = convex_hull(drawing.camera.project(box))
    top, bottom = hull[hull[:, 1].argmin()], hull[hull[:, 1].argmax()]
    fill = drawing.gradient(bottom, np.array([bottom[0], top[1]]), [drawing.paint * 0.45, drawing.paint * 0.95])
    drawing.polygon(name, hull, fill, f'stroke="{to_hex(drawing.paint * 0.4)}" stroke-width="0.4"')
    if not ahead:
        drawing.polygon(name, drawing.camera.project(pane), COLORS["mirror"])
