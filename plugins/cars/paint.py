"""What panels look like: the light on a material, as the stops of a gradient."""

from __future__ import annotations

import numpy as np

from composegan.plugins.cars.camera import Camera, Points

Rgb = np.ndarray  # float64 (3,), 0..1

COLORS = {
    "trim": "#26282b",
    "shade": "#000000",
    "grille": "#15171a",
    "chrome": "#c9ced3",
    "plate": "#eceae0",
    "headlight": "#a9b8c4",
    "lamp": "#fbfdff",
    "taillight": "#c01722",
    "whitelight": "#efe6dc",
    "tyre": "#1d1e20",
    "rim": "#b4b9be",
    "arch": "#0d0e10",
    "mirror": "#9fb3c4",
    "glass": "#28343d",
    "window": "#1f282e",
}


def rgb(color: str) -> Rgb:
    return np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255


def text(color: Rgb) -> str:
    red, green, blue = (np.clip(color, 0, 1) * 255 + 0.5).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def lit(color: Rgb, normals: Points, camera: Camera, gloss: float = 1.0) -> list[Rgb]:
    """A colour under a bright sky, where a surface faces `normals` (N, 3): the sun stands high behind the camera.

    gloss: how much of the sky and the ground is mirrored.
    """
    right, up, forwards = camera.axes
    sun = up * 0.75 - forwards * 0.5 - right * 0.45
    sun = sun / np.linalg.norm(sun)
    bright = 0.5 + 0.45 * np.clip(normals @ sun, 0, 1) + 0.1 * normals[:, 2]
    sky = gloss * np.clip(normals[:, 2] - 0.25, 0, 1) ** 1.5 * 0.3
    ground = gloss * np.clip(-normals[:, 2] + 0.05, 0, 1) * 0.55
    shine = gloss * 0.35 * np.exp(-(((normals[:, 2] - 0.28) / 0.13) ** 2))  # the horizon's edge in the shoulder
    mixed = []
    for light, white, dark, edge in zip(bright, sky, ground, shine, strict=True):
        value = color * light * (1 - dark)
        value = value + (np.array([0.86, 0.92, 1.0]) - value) * (white + edge * 0.5)
        mixed.append(value)
    return mixed


def stops(material: str, body: Rgb, normals: Points, camera: Camera) -> list[Rgb]:
    """The colours of a panel from its lower edge to its upper one, (N,) of them for normals (N, 3)."""
    if material == "paint":
        return lit(body, normals, camera)
    count = len(normals)
    if material == "handle":
        return [body * 0.55] * count
    if material == "shade":
        return [lit(body, normals, camera)[0] * 0.72] * count
    if material == "gleam":
        return [np.ones(3)] * count
    base = rgb(COLORS[material])
    if material in ("glass", "window"):  # dark below, the sky above
        sky = np.array([0.62, 0.74, 0.84]) if material == "glass" else np.array([0.42, 0.5, 0.57])
        return [base + (sky - base) * amount for amount in np.linspace(0.05, 0.75, count) ** 1.3]
    if material in ("headlight", "lamp"):
        return [base * amount for amount in np.linspace(0.75, 1.1, count)]
    if material == "taillight":
        return [base * amount for amount in np.linspace(0.7, 1.15, count)]
    return lit(base, normals, camera, 0.3)
