"""The wall: random pictures by number, drawn when they come into view, and what the model draws at all."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from composegan.metrics.thresholds import PRESENT
from composegan.model.saved_model import Model
from composegan.session.request import PICTURES
from composegan.studio.wire import thumbnail

AT_ONCE, KEPT = 8, 200
"""Pictures that are drawn at a time, and groups of them that are kept."""


class Wall:
    """Pictures of seed 0, in groups of `AT_ONCE`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._groups: OrderedDict[int, list[dict[str, Any]]] = OrderedDict()

    def group(self, number: int) -> list[dict[str, Any]]:
        """The pictures of a group: number, thumbnail, and the classes that cover some of it."""
        if number not in self._groups:
            first = number * AT_ONCE
            numbers = [item for item in range(first, first + AT_ONCE) if 0 <= item < PICTURES]
            samples = self.model.sample(pictures=numbers, batch=AT_ONCE) if numbers else ()
            self._groups[number] = [
                {"number": item, "image": thumbnail(np.asarray(sample.image)), "shows": self._shown(sample.labels)}
                for item, sample in zip(numbers, samples, strict=True)
            ]
            while len(self._groups) > KEPT:
                self._groups.popitem(last=False)
        self._groups.move_to_end(number)
        return self._groups[number]

    def _shown(self, labels: np.ndarray) -> list[str]:
        shares = np.bincount(labels.ravel(), minlength=len(self.model.classes)) / labels.size
        return [name for name, share in zip(self.model.classes, shares, strict=True) if share >= PRESENT]
