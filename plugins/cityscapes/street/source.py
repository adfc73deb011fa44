"""Drawn streets as a source of labelled images, each a pure function of the seed and its index."""

from __future__ import annotations

import random

import numpy as np

from composegan.data import Sample
from composegan.draw import LabelRules, Painter, draw_scene
from composegan.plugin import DomainSpec
from composegan.plugins.cityscapes.street.camera import VIEW
from composegan.plugins.cityscapes.street.light import GRAIN, add_grain, paint_sky
from composegan.plugins.cityscapes.street.scene import draw_street

WHEELED = ("bicycle", "motorcycle")
"""Classes that include what is seen through their wheels and frames."""


class StreetSource:
    """`count` streets in the 30 classes of `spec`: image uint8 (3, height, width), labels uint8 (height, width).

    Class 0 must be the sky, the background. `spec.foreign["streets"]` has the chances of everything else.
    """

    def __init__(self, spec: DomainSpec, *, count: int, height: int, width: int, seed: int) -> None:
        self.spec, self.count, self.height, self.width, self.seed = spec, count, height, width, seed
        rules = LabelRules.load({"labels": {name: name for name in spec.names}, "solid": WHEELED}, spec)
        self.painter = Painter(rules, VIEW, height, width)
        self.grain = np.array([GRAIN.get(name, 0.0) for name in spec.names], np.float32)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(f"street {index} of {self.count}")
        noise = np.random.default_rng([self.seed, index])
        stage = draw_street(self.spec.foreign["streets"], random.Random(int(noise.integers(2**62))))
        sky = paint_sky(stage.light, self.height, self.width, stage.camera.horizon / VIEW[3], noise)
        image, labels = draw_scene(stage.sketch.svg(), self.painter, sky)
        clear = min(1.0, stage.light.reach / 180)  # mist hides the grain, too
        return Sample(add_grain(image, labels, self.grain * clear, noise), labels, f"street {index} (seed {self.seed})")
