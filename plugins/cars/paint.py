"""Shading of panels: the light on a material, as the stops of a gradient."""

from __future__ import annotations

import numpy as np

from composegan.plugins.cars.camera import Camera, Points

Rgb = np.ndarray  # float64 (3,), 0..1

COLORS = {
    "trim": "#26282b", "shade": "#000000", "grille": "#15171a", "chrome": "#c9ced3", "plate": "#eceae0",
    "headlight": "#a9b8c4", "lamp": "#fbfdff", "taillight": "#c01722", "whitelight": "#efe6dc", "tyre": "#1d1e20",
    "rim": "#b4b9be", "arch": "#0d0e10", "mirror": "#9fb3c4", "glass": "#28343d", "window": "#1f282e",
}  # fmt: skip
SKY = np.array([0.86, 0.92, 1.0])


def from_hex(color: str) -> Rgb:
    return np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255


def to_hex(color: Rgb) -> str:
    return "#" + np.clip(color * 255 + 0.5, 0, 255).astype(np.uint8).tobytes().hex()


def shade(color: Rgb, normals: Points, camera: Camera, gloss: float = 1.0) -> np.ndarray:
    """Shade a colour on surfaces with `normals` (N, 3), under a bright sky and a sun high behind the camera: (N, 3).

    gloss: strength of the reflections of sky and ground.
    """
    right, up, forwards = camera.axes
    sun = up * 0.75 - forwards * 0.5 - right * 0.45
    sun = sun / np.linalg.norm(sun)
    bright = 0.5 + 0.45 * np.clip(normals @ sun, 0, 1) + 0.1 * normals[:, 2]
    sky = gloss * np.clip(normals[:, 2] - 0.25, 0, 1) ** 1.5 * 0.3
    ground = gloss * np.clip(-normals[:, 2] + 0.05, 0, 1) * 0.55
    shine = gloss * 0.35 * np.exp(-(((normals[:, 2] - 0.28) / 0.13) ** 2))  # the horizon reflected in the shoulder
    value = color * (bright * (1 - ground))[:, None]
    return value + (SKY - value) * (sky + shine * 0.5)[:, None]


def gradient_colors(material: str, paint: Rgb, normals: Points, camera: Camera) -> np.ndarray:
    """Return the colours of a panel from its lower to its upper edge: (N, 3) for normals (N, 3)."""
    if material == "paint":
        return shade(paint, normals, camera)
    rising = np.linspace(0, 1, len(normals))[:, None]
    if material in ("handle", "shade"):
        return shade(paint, normals, camera)[:1] * (0.55 if material == "handle" else 0.72) + rising * 0
    base = from_hex(COLORS[material])
    if material in ("glass", "window"):  # dark at the bottom, reflecting the sky at the top
        sky = np.array([0.62, 0.74, 0.84]) if material == "glass" else np.array([0.42, 0.5, 0.57])
        return base + (sky - base) * (0.05 + 0.7 * rising) ** 1.3
    if material in ("headlight", "lamp", "taillight", "plate"):
        return base * (0.75 + 0.35 * rising)
    return shade(base, normals, camera, 0.3)
