"""Random backgrounds for drawn scenes: gradients and patterns.

They give the model's background generator something to learn. Lengths are fractions of the shorter side, so the same
random state gives the same background at every size. A pattern takes coordinates x (1, W) and y (H, 1), both 0 at the
centre, the size of a pixel and a generator, and returns the blend weight of the second colour, 0..1.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable

import numpy as np

Plane = np.ndarray  # float32, broadcasts to (H, W)
Rgb = np.ndarray  # float32 (3,), 0..1


def draw_background(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a random background: uint8 (height, width, 3), a pure function of the state of `rng`."""
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
    """Pick three matching colours: two that are close or opposite on the colour wheel, and a shade of the first."""
    hue, distance, *t = rng.random(8).tolist()
    second_hue = hue + (0.04 if distance < 0.35 else 0.1 if distance < 0.75 else 0.5)
    value, saturation = lerp(0.6, 1.0, t[0]), lerp(0.12, 0.5, t[1])
    first = hsv(hue, saturation, value)
    second = hsv(second_hue, saturation + lerp(-0.15, 0.1, t[4]), value + lerp(-0.2, 0.1, t[2]))
    shade = hsv(hue + 0.03, saturation + lerp(-0.1, 0.1, t[5]), value + lerp(-0.3, 0.1, t[3]))
    return first, second, shade


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    return np.array(colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0.0), 1.0), min(value, 1.0)), np.float32)


def lerp(low: float, high: float, t: float) -> float:
    return low + t * (high - low)


def uniform(rng: np.random.Generator, low: float = 0.0, high: float = 1.0) -> float:
    """Sample a Python float: unlike a NumPy scalar, it does not promote float32 arrays to float64."""
    return float(rng.uniform(low, high))


def rotate(x: Plane, y: Plane, angle: float) -> tuple[Plane, Plane]:
    """Return the coordinates along and across the direction `angle`, radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * x + sin * y, cos * y - sin * x


def linear_gradient(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    return ramp(rotate(x, y, uniform(rng, 0, math.tau))[0], -0.6, 0.6)


def radial_gradient(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    center_x, center_y = uniform(rng, -0.4, 0.4), uniform(rng, -0.4, 0.4)
    return ramp(np.hypot(x - center_x, y - center_y), 0.0, uniform(rng, 0.5, 1.0))


def stripes(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    period = uniform(rng, 0.12, 0.4)
    phase = rotate(x, y, uniform(rng, 0, math.pi))[0] / period + uniform(rng)
    distance = np.abs(phase % 1 - 0.5) * period  # from the centre of the stripe
    return ramp(distance, period / 4 + pixel / 2, period / 4 - pixel / 2)


def dots(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    period, radius = uniform(rng, 0.12, 0.3), uniform(rng, 0.2, 0.4)
    row = y / period + uniform(rng)
    column = x / period + uniform(rng) + 0.5 * (np.floor(row) % 2)  # every other row is shifted by half a period
    distance = np.hypot(column % 1 - 0.5, row % 1 - 0.5) * period
    return ramp(distance, radius * period + pixel / 2, radius * period - pixel / 2)


def checkerboard(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    period = uniform(rng, 0.25, 0.6)

    def square_wave(position: Plane) -> Plane:  # -1 or 1, with edges one pixel wide
        distance = (np.abs((position / period + uniform(rng)) % 1 - 0.5) - 0.25) * period
        return np.clip(2 * distance / pixel, -1, 1)

    u, v = rotate(x, y, uniform(rng, 0, math.pi / 2))
    return 0.5 + 0.5 * square_wave(u) * square_wave(v)


def blobs(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for center_x, center_y, sigma in rng.uniform((-0.7, -0.7, 0.1), (0.7, 0.7, 0.35), (5, 3)).tolist():
        scale = -0.5 / (sigma * sigma)
        total += np.exp((x - center_x) ** 2 * scale) * np.exp((y - center_y) ** 2 * scale)
    return np.minimum(total, 1.0)


def hills(x: Plane, y: Plane, pixel: float, rng: np.random.Generator) -> Plane:
    horizon = uniform(rng, -0.2, 0.3) + np.zeros_like(x)
    for octave in (1, 2, 3):
        horizon += uniform(rng, 0.02, 0.12) / octave * np.sin(math.tau * octave * x + uniform(rng, 0, math.tau))
    return ramp(y - horizon, -pixel / 2, pixel / 2)


def ramp(value: Plane, start: float, end: float) -> Plane:
    """Rise linearly from 0 at `start` to 1 at `end`, clipped to 0..1. `end` may be less than `start`."""
    return np.clip((value - start) * (1 / (end - start)), 0, 1)


Pattern = Callable[[Plane, Plane, float, np.random.Generator], Plane]
PATTERNS: tuple[Pattern, ...] = (linear_gradient, radial_gradient, stripes, dots, checkerboard, blobs, hills)
