"""Light: the colours of surfaces by distance and direction, the sky, and the grain of surfaces."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

Rgb = tuple[float, float, float]
"""Red, green, blue, 0..255."""


@dataclass(frozen=True)
class Weather:
    """top, low: colours of the sky at the zenith and the horizon. tint: factors of surface colours, by channel.

    contrast: between sunny and shaded sides. reach: distance at which haze replaces 63 % of a colour by that of the
    horizon, metres. lamps: whether lamps and windows are lit.
    """

    top: Rgb
    low: Rgb
    tint: Rgb
    contrast: float
    reach: float
    lamps: bool = False


WEATHER = {
    "sunny": Weather((88, 142, 205), (196, 216, 232), (1.05, 1.02, 0.96), 0.34, 240),
    "fair": Weather((134, 168, 204), (222, 228, 232), (1.0, 1.0, 1.0), 0.2, 200),
    "overcast": Weather((186, 194, 202), (226, 229, 231), (0.93, 0.96, 0.99), 0.08, 150),
    "misty": Weather((206, 210, 212), (224, 226, 226), (0.95, 0.97, 0.98), 0.05, 62),
    "dusk": Weather((86, 98, 142), (242, 184, 138), (0.74, 0.65, 0.64), 0.2, 170, lamps=True),
    "twilight": Weather((44, 58, 98), (142, 140, 160), (0.46, 0.5, 0.62), 0.06, 150, lamps=True),
}

GRAIN = {
    "road": 0.055, "sidewalk": 0.06, "parking": 0.06, "rail_track": 0.14, "ground": 0.07, "building": 0.03,
    "wall": 0.08, "bridge": 0.05, "tunnel": 0.07, "vegetation": 0.12, "terrain": 0.12,
}  # fmt: skip
"""The grain of each class's surface: the standard deviation of its brightness."""


@dataclass(frozen=True)
class Light(Weather):
    """A random variation of a weather. sun: where it stands, -1 left to 1 right. clouds: 0 to 1."""

    sun: float = 0.0
    clouds: float = 0.25

    @classmethod
    def draw(cls, weather: str, rng: random.Random) -> Light:
        """Sample the light of a weather, one of WEATHER."""
        base = WEATHER[weather]
        bright, warm = rng.uniform(0.93, 1.07), rng.uniform(-0.03, 0.03)
        red, green, blue = base.tint
        tint = red * bright * (1 + warm), green * bright, blue * bright * (1 - warm)
        reach = base.reach * rng.uniform(0.8, 1.3)
        sun = rng.choice((-1, 1)) * rng.uniform(0.4, 1)
        clouds = rng.uniform(0.1, 0.7) if weather in ("sunny", "fair", "dusk") else 0.25
        return cls(base.top, base.low, tint, base.contrast, reach, base.lamps, sun, clouds)

    def tone(self, color: Rgb, z: float = 0.0, side: float = 0.0, shade: float = 1.0) -> str:
        """Return the colour (#rrggbb) of a surface at distance z.

        side: the direction it faces, -1 left to 1 right, 0 towards the camera or up. shade: an extra factor.
        """
        bright = shade * (1 + self.contrast * side * self.sun)
        clear = 2.718 ** (-z / self.reach)
        mixed = (
            clear * value * tint * bright + (1 - clear) * low
            for value, tint, low in zip(color, self.tint, self.low, strict=True)
        )
        red, green, blue = (0 if value < 0 else 255 if value > 255 else int(value) for value in mixed)
        return f"#{red:02x}{green:02x}{blue:02x}"

    def glow(self, color: Rgb, z: float = 0.0) -> str:
        """Return the colour (#rrggbb) of a light source at distance z, which only haze dims."""
        clear = 2.718 ** (-0.3 * z / self.reach)
        red, green, blue = (int(clear * value + (1 - clear) * low) for value, low in zip(color, self.low, strict=True))
        return f"#{red:02x}{green:02x}{blue:02x}"


def dim(color: Rgb, factor: float) -> Rgb:
    """Multiply a colour by a factor."""
    red, green, blue = color
    return factor * red, factor * green, factor * blue


def vary(color: Rgb, rng: random.Random, spread: float = 12.0, hue: float = 0.3) -> Rgb:
    """Vary a colour randomly: brightness by about `spread`, and each channel by about `hue * spread`."""
    shift = rng.gauss(0, spread)
    red, green, blue = (min(255.0, max(0.0, value + shift + rng.gauss(0, hue * spread))) for value in color)
    return red, green, blue


def paint_sky(light: Light, height: int, width: int, horizon: float, rng: np.random.Generator) -> np.ndarray:
    """Paint a cloudy sky, uint8 (height, width, 3). horizon: its position as a fraction of the height."""
    down = np.clip(np.linspace(0, 1, height, dtype=np.float32) / max(horizon, 0.05), 0, 1)[:, None, None] ** 0.8
    top, low = np.array(light.top, np.float32), np.array(light.low, np.float32)
    sky = np.broadcast_to(top + (low - top) * down, (height, width, 3))
    clouds = noise((5, 7), height, width, rng) + 0.6 * noise((11, 14), height, width, rng) + light.clouds - 0.5
    cover = np.clip(clouds, 0, 1)
    bright = np.minimum(255, 0.35 * low + 0.65 * max(light.low) + 6)
    return (sky + (bright - sky) * (0.75 * cover[..., None])).astype(np.uint8)


def add_grain(image: np.ndarray, labels: np.ndarray, grain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add grain to the surfaces of an image uint8 (3, H, W). labels: uint8 (H, W). grain: float32 (K,), by class.

    Fine grain plus broad patches of brightness; hues stay the same.
    """
    height, width = labels.shape
    fine = rng.standard_normal((height, width), np.float32)
    mixed = 0.6 * fine + 1.1 * noise((max(2, height // 4), max(2, width // 4)), height, width, rng)
    mixed += 0.8 * noise((6, 12), height, width, rng)
    return np.clip(image * (1 + mixed * grain[labels])[None], 0, 255).astype(np.uint8)


def noise(cells: tuple[int, int], height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Sample smooth noise, float32 (height, width), mean about 0, deviation about 0.7. cells: its coarse grid."""
    values = Image.fromarray(rng.standard_normal(cells, np.float32))
    return np.asarray(values.resize((width, height), Image.Resampling.BICUBIC))
