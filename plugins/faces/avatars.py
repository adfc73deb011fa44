"""Avatars drawn on the spot, with exact labels: each a pure function of the seed and its index.

domains/faces.yaml says which of their parts is which class. Art: micah by Micah Lanier (CC BY 4.0), which has all 13
classes; avataaars by Pablo Stanley (free for personal and commercial use), which has no earrings. Both as remixed by
DiceBear, in colors of our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from composegan.data import Sample
from composegan.draw import LabelRules, Labels, Painter, Picture, Stencil, compose, draw_background
from composegan.plugin import DomainSpec, read_domain_file
from composegan.plugins.faces.choices import Choice
from composegan.plugins.faces.dicebear import AvatarStyle, Shown

spec = read_domain_file(files("composegan.domains") / "faces.yaml")


def draw_avatars(count: int, height: int, width: int, seed: int, style: str = "micah") -> AvatarSource:
    """The demo: `count` faces of a style (micah or avataaars)."""
    return AvatarSource(spec.foreign[style], spec, count=count, height=height, width=width, seed=seed)


def draw_avataaars(count: int, height: int, width: int, seed: int) -> AvatarSource:
    """The second demo: the style avataaars."""
    return draw_avatars(count, height, width, seed, "avataaars")


class AvatarSource:
    """`count` avatars of a DiceBear style: image uint8 (3, H, W), labels uint8 (H, W).

    settings: the style's block of the domain's YAML; for its keys see dicebear.py, choices.py and composegan.draw.
    Pickles without its Studio: every process draws its own layers.
    """

    def __init__(
        self, settings: Mapping[str, Any], spec: DomainSpec, *, count: int, height: int, width: int, seed: int
    ) -> None:
        self.settings, self.spec = settings, spec
        self.count, self.height, self.width, self.seed = count, height, width, seed
        self._studio: Studio | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(f"avatar {index} of {self.count}")
        if self._studio is None:
            self._studio = Studio(self.settings, self.spec, self.height, self.width)
        image, labels = self._studio.draw(np.random.default_rng([self.seed, index]))
        return Sample(image, labels, f"{self.settings['style']} avatar {index} (seed {self.seed})")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_studio": None}


class Studio:
    """A style, a painter, and a cache of the layers drawn so far."""

    def __init__(self, settings: Mapping[str, Any], spec: DomainSpec, height: int, width: int) -> None:
        self.style = AvatarStyle(settings)
        canvas = self.style.definition["canvas"]
        x, y, view_width, view_height = settings.get("view", (0, 0, canvas["width"], canvas["height"]))
        rules = LabelRules.load(settings, spec)
        self.painter = Painter(rules, (x, y, view_width, view_height), height, width)
        self.stencils: dict[Shown, list[Stencil]] = {}

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One avatar on a background: (image uint8 (3, H, W), labels uint8 (H, W))."""
        background = draw_background(self.painter.height, self.painter.width, rng)
        return compose(self.layers(self.style.choices.draw(rng)), background)

    def layers(self, choice: Choice) -> Iterator[tuple[Picture, Labels | None]]:
        """The layers of an avatar, back to front."""
        for shown in self.style.shown(choice):
            if shown not in self.stencils:
                pieces, defined = self.style.pieces(shown)
                self.stencils[shown] = [self.painter.stencil(piece, defined, self.style.stand_ins) for piece in pieces]
            for stencil in self.stencils[shown]:
                colors = tuple(choice.color(stencil.part, name) for name, _ in stencil.paints)
                yield self.painter.picture(stencil, colors), stencil.labels
