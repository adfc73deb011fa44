"""Backgrounds to draw a scene on: gradients and patterns, each a pure function of its random generator.

Without them the background generator of a model would have nothing to learn. All lengths are parts of the shorter
side, so that the same draw looks the same at any size.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable

import numpy as np

Plane = np.ndarray  # float32 (H, W)
Rgb = np.ndarray  # float32 (3,), 0..1


def draw_background(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random background: uint8 (height, width, 3)."""
    shorter = min(height, width)
    x = ((np.arange(width, dtype=np.float32) + (0.5 - width / 2)) / shorter)[None, :]
    y = ((np.arange(height, dtype=np.float32) + (0.5 - height / 2)) / shorter)[:, None]
    first, second, shade = harmonious_colors(rng)
    pattern = PATTERNS[rng.integers(len(PATTERNS))]
    weight = pattern(x, y, 1 / shorter, rng)[..., None]
    light = linear_gradient(x, y, 1 / shorter, rng)[..., None]
    mixed = (first + (second - first) * weight) + (shade - first) * (light * 0.4)
    return (np.clip(mixed, 0, 1) * 255 + 0.5).astype(np.uint8)


def harmonious_colors(rng: np.random.Generator) -> tuple[Rgb, Rgb, Rgb]:
    """Three colours that go together: neighbours on the colour wheel, or opposites; light or middling."""
    hue, across, *spread = rng.random(8).tolist()
    apart = 0.04 if across < 0.35 else 0.1 if across < 0.75 else 0.5
    value, saturation = between(spread[0], 0.6, 1.0), between(spread[1], 0.12, 0.5)
    hues = hue, hue + apart, hue + 0.03
    values = value, value + between(spread[2], -0.2, 0.1), value + between(spread[3], -0.3, 0.1)
    saturations = saturation, saturation + between(spread[4], -0.15, 0.1), saturation + between(spread[5], -0.1, 0.1)
    colors = [
        np.array(colorsys.hsv_to_rgb(hue % 1, min(max(strength, 0.0), 1.0), min(shade, 1.0)), np.float32)
        for hue, strength, shade in zip(hues, saturations, values, strict=True)
    ]
    return colors[0], colors[1], colors[2]


def between(draw: float, low: float, high: float) -> float:
    return low + draw * (high - low)


def uniform(rng: np.random.Generator, low: float = 0.0, high: float = 1.0) -> float:
    """A Python float, which leaves float32 arrays what they are (a NumPy float would make them float64)."""
    return float(rng.uniform(low, high))


def turned(x: Plane, y: Plane, angle: float) -> tuple[Plane, Plane]:
    """The coordinates along and across a direction."""
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def linear_gradient(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    return slope(turned(x, y, uniform(rng, 0, math.tau))[0], -0.6, 0.6)


def radial_gradient(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    across, down = uniform(rng, -0.4, 0.4), uniform(rng, -0.4, 0.4)
    return slope(np.hypot(x - across, y - down), 0.0, uniform(rng, 0.5, 1.0))


def stripes(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    period = uniform(rng, 0.12, 0.4)
    along = turned(x, y, uniform(rng, 0, math.pi))[0] / period + uniform(rng)
    distance = np.abs(along % 1 - 0.5) * period  # from the middle of the stripe
    return slope(distance, period / 4 + pixel / 2, period / 4 - pixel / 2)


def dots(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    period, radius = uniform(rng, 0.12, 0.3), uniform(rng, 0.2, 0.4)
    down = y / period + uniform(rng)
    across = x / period + uniform(rng) + 0.5 * (np.floor(down) % 2)  # every other row is moved by half
    distance = np.hypot(across % 1 - 0.5, down % 1 - 0.5) * period
    return slope(distance, radius * period + pixel / 2, radius * period - pixel / 2)


def checks(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    period = uniform(rng, 0.25, 0.6)

    def wave(along: Plane) -> Plane:  # -1 and 1 by turns, with an edge one pixel wide
        distance = (np.abs((along / period + uniform(rng)) % 1 - 0.5) - 0.25) * period
        return np.clip(2 * distance / pixel, -1, 1)

    along, across = turned(x, y, uniform(rng, 0, math.pi / 2))
    return 0.5 + 0.5 * wave(along) * wave(across)


def blobs(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for across, down, size in rng.uniform((-0.7, -0.7, 0.1), (0.7, 0.7, 0.35), (5, 3)).tolist():
        narrow = -0.5 / (size * size)
        total += np.exp((x - across) ** 2 * narrow) * np.exp((y - down) ** 2 * narrow)
    return np.minimum(total, 1.0)


def hills(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    horizon = uniform(rng, -0.2, 0.3) + np.zeros_like(x)
    for octave in (1, 2, 3):
        horizon += uniform(rng, 0.02, 0.12) / octave * np.sin(math.tau * octave * x + uniform(rng, 0, math.tau))
    return slope(y - horizon, -pixel / 2, pixel / 2)


def slope(value: Plane, start: float, end: float) -> Plane:
    """0 at `start` and before, 1 at `end` and beyond (or the other way round when end < start), straight between."""
    return np.clip((value - start) * (1 / (end - start)), 0, 1)


PATTERNS: tuple[Callable[[Plane, Plane, float, np.random.Generator], Plane], ...] = (
    linear_gradient,
    radial_gradient,
    stripes,
    dots,
    checks,
    blobs,
    hills,
)
