"""A street scene while it is drawn: camera, light, random numbers and the shapes so far."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from composegan.plugins.cityscapes.street.camera import Camera
from composegan.plugins.cityscapes.street.light import Light, Rgb


@dataclass
class Scene:
    """The argument of every drawing function. There, x, y, z are metres as in `Camera`."""

    camera: Camera
    light: Light
    rng: random.Random
    _parts: list[tuple[float, str, str]] = field(default_factory=list)

    def tone(self, color: Rgb, z: float = 0.0, side: float = 0.0, shade: float = 1.0) -> str:
        """Return the colour (#rrggbb) of a surface; see `Light.tone`."""
        return self.light.tone(color, z, side, shade)

    def add(self, part: str, distance: float, *shapes: str) -> None:
        """Add shapes of a class. distance: metres; nearer parts hide farther ones, and later ones equally far ones."""
        body = "".join(shapes)
        if body:
            self._parts.append((-distance, part, body))

    def svg(self) -> str:
        """Return the scene as an SVG document whose groups carry their class in `data-part`."""
        parts = sorted(self._parts, key=lambda item: item[0])
        return "<svg>" + "".join(f'<g data-part="{part}">{body}</g>' for _, part, body in parts) + "</svg>"
