"""Infer the side of a `front_door` or a `back_light` from the other parts, where the data set does not give it.

A car that points left shows its left side. Seen from the front, its left is on the right; seen from the back, on the
left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from composegan.plugins.cars.polygons import Part

# Positions along a car, from front to back.
ALONG = {
    "front_bumper": 0.0, "hood": 0.0, "front_light": 0.0, "front_left_light": 0.0, "front_right_light": 0.0,
    "front_glass": 1.0, "front_door": 1.5, "front_left_door": 1.5, "front_right_door": 1.5,
    "back_door": 2.5, "back_left_door": 2.5, "back_right_door": 2.5, "back_glass": 3.0,
    "tailgate": 4.0, "trunk": 4.0, "back_bumper": 4.0,
    "back_light": 4.0, "back_left_light": 4.0, "back_right_light": 4.0,
}  # fmt: skip
FACES = {"front": ("front_bumper", "hood", "front_glass"), "back": ("back_bumper", "tailgate", "trunk", "back_glass")}


def side_of(part: Part, parts: Sequence[Part]) -> str:
    """Return "left", "right" or, if it cannot be inferred, "". parts: all parts of the picture, including this one."""
    end, kind = part.name.split("_")
    if kind == "light":
        lights = [other for other in parts if other is not part and is_light(other.name, end)]
        faces = [other for other in parts if other.name in FACES[end]]
        if lights or not seen_side(parts):
            across = part.middle[0] - np.mean([other.middle[0] for other in lights or faces or [part]])
            return "" if across == 0 else "left" if (across > 0) == (end == "front") else "right"
    return seen_side(parts)


def is_light(name: str, end: str) -> bool:
    return name.startswith(end) and name.endswith("light")


def seen_side(parts: Sequence[Part]) -> str:
    """Return the side that faces the camera, or "" if the parts are too few or do not show a direction."""
    positions = [(ALONG[part.name], part.middle[0]) for part in parts if part.name in ALONG]
    along, x = np.array(positions, float).reshape(-1, 2).T
    doors = any(part.name.endswith("door") for part in parts)
    if not doors or len(set(along)) < 2:
        return ""
    slope = ((along - along.mean()) * (x - x.mean())).sum()
    return "left" if slope > 0 else "right" if slope < 0 else ""
