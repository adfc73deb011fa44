"""A data source of drawn streets with exact labels."""

from __future__ import annotations

import random

import numpy as np

from composegan.draw import DrawnSource, LabelRules, Painter, draw_scene
from composegan.plugin import DomainSpec
from composegan.plugins.cityscapes.street.builder import build_street
from composegan.plugins.cityscapes.street.camera import VIEW
from composegan.plugins.cityscapes.street.light import GRAIN, add_grain, paint_sky

SOLID = ("bicycle", "motorcycle")
"""Classes whose labels include the inside of wheels and frames."""


class StreetSource(DrawnSource):
    """`count` streets in the 30 classes of `spec`: image uint8 (3, height, width), labels uint8 (height, width).

    Class 0 must be the sky, the background. `spec.foreign["streets"]` has the probabilities of everything else.
    """

    title = "street"

    def __init__(self, spec: DomainSpec, *, count: int, height: int, width: int, seed: int) -> None:
        super().__init__(count, height, width, seed)
        self.settings = spec.foreign["streets"]
        rules = LabelRules.load({"labels": {name: name for name in spec.names}, "solid": SOLID}, spec)
        self.painter = Painter(rules, VIEW, height, width)
        self.grain = np.array([GRAIN.get(name, 0.0) for name in spec.names], np.float32)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        scene = build_street(self.settings, random.Random(int(rng.integers(2**62))))
        sky = paint_sky(scene.light, self.height, self.width, scene.camera.horizon / VIEW[3], rng)
        image, labels = draw_scene(scene.svg(), self.painter, sky)
        clarity = min(1.0, scene.light.reach / 180)  # mist hides the grain, too
        return add_grain(image, labels, self.grain * clarity, rng), labels, ""
