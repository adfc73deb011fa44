"""The context of every drawing function: camera, light, random generator and sketch."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from composegan.plugins.cityscapes.street.camera import Camera
from composegan.plugins.cityscapes.street.light import Light, Rgb
from composegan.plugins.cityscapes.street.sketch import Sketch


@dataclass
class Stage:
    """One scene while it is drawn. `z` is a distance; lengths are metres."""

    camera: Camera
    light: Light
    rng: random.Random
    sketch: Sketch = field(default_factory=Sketch)

    def tone(self, color: Rgb, z: float = 0.0, side: float = 0.0, shade: float = 1.0) -> str:
        return self.light.tone(color, z, side, shade)

    def add(self, part: str, distance: float, *shapes: str) -> None:
        self.sketch.add(part, distance, *shapes)
