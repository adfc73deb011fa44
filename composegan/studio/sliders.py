"""Sliders of a part in plain words: larger, lighter, more vivid. Directions that are found when they are asked for."""

from __future__ import annotations

import threading
from typing import Any

from torch import Tensor

from composegan.editing.directions.attributes import class_attribute
from composegan.editing.directions.direction import Direction
from composegan.editing.directions.effect import measured
from composegan.editing.directions.supervised import attribute_direction
from composegan.editing.directions.unsupervised import covariance
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.random_codes import draw_codes
from composegan.model.saved_model import Model

KINDS = {"area": ("Size", "shape"), "brightness": ("Lightness", "texture"), "saturation": ("Vividness", "texture")}
"""Attributes by their names: what the slider is called, and the codes that it moves."""
PICTURES, MEASURED, REACH = 160, 16, 3
"""Pictures that a direction is found from and measured on, and standard deviations to the ends of a slider."""


class Sliders:
    """Found directions of a model, by name. It has its own lock: finding runs beside the worker's thread."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.found: dict[str, Direction] = {}
        self._known: dict[str, list[dict[str, Any]]] = {}
        self._spread: Tensor | None = None
        self._lock = threading.Lock()

    def of(self, name: str) -> list[dict[str, Any]]:
        """The sliders of a class: direction, title, reach, and gain, the relative change of its attribute for a
        standard deviation (None if it is not known). Raises UserError for an unknown class, and if none is found."""
        with self._lock:
            if name not in self._known:
                found = [self._slider(name, kind, title, part) for kind, (title, part) in KINDS.items()]
                self._known[name] = [item for item in found if item]
            if not self._known[name]:
                raise UserError(f"{name}: too few pictures have it to find sliders")
            return self._known[name]

    def _slider(self, name: str, kind: str, title: str, part: str) -> dict[str, Any] | None:
        """One slider; None if too few pictures have the class."""
        target, attribute = Target.of(self.model, [name], part), class_attribute(f"{kind}({name})", self.model.classes)
        self._spread = covariance(self.model) if self._spread is None else self._spread
        try:
            found = attribute_direction(self.model, target, attribute, self._spread, n=PICTURES)
        except UserError:
            return None
        found = measured(self.model, found, draw_codes(self.model, MEASURED, seed=1), 2.0, attribute)
        self.found[found.name] = found
        before, plus, minus = (found.facts["effect"]["attribute"][key] for key in ("before", "plus", "minus"))
        gain = None if not before else (plus - minus) / 4 / before
        return {"direction": found.name, "title": title, "reach": REACH, "gain": gain}
