"""Backdrops of a drawn car: a showroom, a road or a car park, as SVG elements in the car's perspective."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, field

import numpy as np

from composegan.plugins.cars.camera import Camera, Plane, Points

WIDE = 2000.0  # units beyond the view on each side, so that pictures of any shape are filled
NEAR = 1.0  # metres in front of the camera; nearer points are not drawn


@dataclass
class Backdrop:
    """SVG elements, far ones first, and the gradients they use."""

    camera: Camera
    rng: np.random.Generator
    elements: list[str] = field(default_factory=list)
    gradients: list[str] = field(default_factory=list)

    def polygon(self, plane: Plane, fill: str, opacity: float = 1.0) -> None:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in plane.tolist())
        self.elements.append(
            f'<polygon data-part="backdrop" points="{points}" fill="{fill}" fill-opacity="{opacity:.2f}"/>'
        )

    def band(self, top: float, bottom: float, upper: str, lower: str) -> None:
        """Add a vertical gradient over the whole width, between two heights of the drawing."""
        name = f"p{len(self.gradients)}"
        self.gradients.append(
            f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{upper}"/>'
            f'<stop offset="1" stop-color="{lower}"/></linearGradient>'
        )
        self.rectangle(-WIDE, top, 2 * WIDE, bottom - top, f"url(#{name})")

    def rectangle(self, x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0) -> None:
        self.elements.append(
            f'<rect data-part="backdrop" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{fill}" fill-opacity="{opacity:.2f}"/>'
        )

    def windows(self, columns: np.ndarray, rows: np.ndarray, width: float, height: float, fill: str) -> None:
        """Add a grid of equal rectangles. columns, rows: their left and upper edges."""
        corners = [(x, y) for y in rows.tolist() for x in columns.tolist()]
        path = "".join(f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z" for x, y in corners)
        self.elements.append(f'<path data-part="backdrop" d="{path}" fill="{fill}"/>')

    def on_ground(self, points: Points, fill: str, opacity: float = 1.0) -> None:
        """Add a polygon (N, 3) on the ground; corners behind the camera are dropped."""
        ahead = (points - self.camera.position) @ self.camera.axes[2] > NEAR
        if ahead.sum() > 2:
            self.polygon(self.camera.project(points[ahead]), fill, opacity)

    def ground_line(self, behind: float) -> float:
        """Return the height in the drawing of the ground `behind` metres behind the car's centre."""
        away = self.camera.axes[2] * (1, 1, 0)
        return float(self.camera.project(away / np.linalg.norm(away) * behind)[1])


def color(hue: float, saturation: float, value: float) -> str:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, min(value, 1.0)))
    return f"#{red:02x}{green:02x}{blue:02x}"


def draw_backdrop(camera: Camera, rng: np.random.Generator) -> Backdrop:
    """Draw a random backdrop."""
    backdrop = Backdrop(camera, rng)
    BACKDROPS[int(rng.integers(len(BACKDROPS)))](backdrop)
    return backdrop


def showroom(backdrop: Backdrop) -> None:
    """A plain wall lit from above and a shining floor."""
    rng = backdrop.rng
    hue, grey, light = rng.random(), rng.uniform(0.02, 0.22), rng.uniform(0.55, 0.95)
    edge = backdrop.ground_line(rng.uniform(3.5, 6))
    backdrop.band(-WIDE, edge - 140, color(hue, grey, light * 0.8), color(hue, grey, light * 0.8))
    backdrop.band(edge - 140, edge, color(hue, grey, light * 0.8), color(hue, grey, light))
    step, shift = rng.uniform(45, 90), rng.uniform(0, 90)
    for x in np.arange(-600 + shift, 900, step):
        backdrop.rectangle(x, -WIDE, 0.8, WIDE + edge, color(hue, grey, light * 0.6), 0.6)
    backdrop.band(edge, 200, color(hue, grey * 0.6, light * 0.62), color(hue, grey * 0.6, light * 0.9))
    backdrop.rectangle(-WIDE, edge - 3, 2 * WIDE, 3, color(hue, grey, light * 0.45), 0.7)
    angles = np.linspace(0, 2 * np.pi, 40)[:-1]
    for size in (4.4, 3.6, 2.9):
        circle = np.stack([np.cos(angles) * size, np.sin(angles) * size, angles * 0], -1)
        backdrop.on_ground(circle, "#ffffff", 0.12)


def road(backdrop: Backdrop) -> None:
    """Sky, distant hills or houses, grass, and a road with lane lines."""
    rng = backdrop.rng
    horizon = sky(backdrop)
    far = backdrop.ground_line(rng.uniform(16, 30))
    green = rng.uniform(0.2, 0.36)
    if rng.random() < 0.5:
        x = np.linspace(-300, 600, 46)
        waves = [rng.uniform(4, 11) * np.sin(x / rng.uniform(25, 90) + rng.uniform(0, 6.3)) for _ in range(3)]
        top = horizon - 16 + (waves[0] + waves[1] + waves[2])
        hills = np.stack([[-300, *x, 600], [far, *top, far]], -1)
        backdrop.polygon(hills, color(green + 0.05, 0.25, rng.uniform(0.45, 0.65)))
    else:
        houses(backdrop, far)
    backdrop.band(far, 200, color(green, 0.4, 0.55), color(green, 0.45, 0.62))
    grey = rng.uniform(0.36, 0.52)
    side = -1 if backdrop.camera.position[1] > 0 else 1  # the far side of the car
    verge = side * rng.uniform(1.7, 3.2)
    other = -side * 9.0
    along = np.concatenate([np.linspace(-60, 8, 60), np.linspace(8.5, 60, 30)])
    strip(backdrop, along, verge, other, color(0.6, 0.04, grey))
    strip(backdrop, along, verge - side * 0.12, verge - side * 0.3, "#e8e8e4")
    middle = -side * 2.1
    for start in np.arange(-30, 30, 6.0):
        strip(backdrop, np.linspace(start, start + 3, 8), middle, middle - side * 0.16, "#eceae0", 0.9)


def strip(backdrop: Backdrop, along: np.ndarray, start: float, end: float, fill: str, opacity: float = 1.0) -> None:
    """Add a strip of ground between two lines parallel to the car."""
    there = np.stack([along, np.full_like(along, start), along * 0], -1)
    back = np.stack([along[::-1], np.full_like(along, end), along * 0], -1)
    backdrop.on_ground(np.concatenate([there, back]), fill, opacity)


def sky(backdrop: Backdrop) -> float:
    """Add a sky and return the height of its horizon in the drawing."""
    rng, horizon = backdrop.rng, backdrop.camera.horizon()
    hue, clear = rng.uniform(0.53, 0.62), rng.uniform(0.06, 0.45)
    backdrop.band(-WIDE, horizon - 110, color(hue, clear, 0.85), color(hue, clear, 0.85))
    backdrop.rectangle(-WIDE, horizon, 2 * WIDE, WIDE, color(0.1, 0.05, 0.6))
    backdrop.band(horizon - 110, horizon + 30, color(hue, clear, 0.85), color(hue, clear * 0.3, 0.98))
    return horizon


def houses(backdrop: Backdrop, ground: float) -> None:
    """A row of house fronts with windows, from the height `ground` up."""
    rng, x = backdrop.rng, -260.0
    while x < 560:
        width, height = rng.uniform(35, 80), rng.uniform(28, 75)
        hue, value = rng.uniform(0.02, 0.14), rng.uniform(0.5, 0.85)
        backdrop.rectangle(x, ground - height, width + 0.5, height, color(hue, rng.uniform(0.05, 0.35), value))
        size = rng.uniform(5, 8)
        rows = np.arange(ground - height + 5, ground - size - 3, size * 2)
        columns = np.arange(x + 4, x + width - size, size * 1.8)
        backdrop.windows(columns, rows, size, size * 1.2, color(0.58, 0.25, value * 0.6))
        x += width


def car_park(backdrop: Backdrop) -> None:
    """A building, asphalt and the lines of the bays."""
    rng = backdrop.rng
    sky(backdrop)
    edge = backdrop.ground_line(rng.uniform(5, 9))
    hue, grey, light = rng.uniform(0, 0.15), rng.uniform(0.03, 0.3), rng.uniform(0.5, 0.85)
    if rng.random() < 0.6:
        top = edge - rng.uniform(60, 170)
        backdrop.rectangle(-WIDE, top, 2 * WIDE, edge - top, color(hue, grey, light))
        size = rng.uniform(14, 30)
        rows = np.arange(top + 8, edge - size, size * 1.7)
        columns = np.arange(-400 + rng.uniform(0, 20), 700, size * 1.9)
        backdrop.windows(columns, rows, size * 1.3, size, color(0.57, 0.3, light * 0.62))
    else:
        houses(backdrop, edge)
    dark = rng.uniform(0.34, 0.5)
    backdrop.band(edge, 200, color(0.6, 0.04, dark * 0.95), color(0.6, 0.04, dark * 1.1))
    backdrop.rectangle(-WIDE, edge - 2, 2 * WIDE, 2.5, color(0.6, 0.03, dark * 1.5))
    for y in (-7.0, -4.2, -1.4, 1.4, 4.2, 7.0):
        strip(backdrop, np.linspace(-2.7, 2.7, 12), y - 0.06, y + 0.06, "#e6e6e0", 0.9)


BACKDROPS = (showroom, road, car_park)
