"""A source of avatars drawn on the spot, each a pure function of the seed and its index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from composegan.data.sample import Sample
from composegan.draw.backgrounds import draw_background
from composegan.draw.labels import LabelRules
from composegan.draw.layers import Labels, Painter, Picture, Stencil, compose
from composegan.plugin.domain import DomainSpec
from composegan.plugins.faces.dicebear import AvatarStyle, Shown
from composegan.plugins.faces.style_choices import Choice


class AvatarSource:
    """`count` avatars of a dicebear style, with exact labels.

    settings: the style's block of the domain's YAML; see `composegan.plugins.faces.dicebear` and `.labels` for its keys.
    Pickles without what it has drawn: every process draws its own layers.
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
    """A style, a painter, and the stencils of every canvas element drawn so far."""

    def __init__(self, settings: Mapping[str, Any], spec: DomainSpec, height: int, width: int) -> None:
        self.style = AvatarStyle(settings)
        canvas = self.style.definition["canvas"]
        view = settings.get("view", (0, 0, canvas["width"], canvas["height"]))
        self.painter = Painter(LabelRules.load(settings, spec), tuple(view), height, width)
        self.stencils: dict[Shown, list[Stencil]] = {}

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One avatar on a background: (image uint8 (3, H, W), labels uint8 (H, W))."""
        background = draw_background(self.painter.height, self.painter.width, rng)
        return compose(self.layers(self.style.choices.draw(rng)), background)

    def layers(self, choice: Choice) -> Iterator[tuple[Picture, Labels | None]]:
        """What an avatar is made of, back to front."""
        for shown in self.style.shown(choice):
            if shown not in self.stencils:
                pieces, defined = self.style.pieces(shown)
                self.stencils[shown] = [self.painter.stencil(piece, defined, self.style.stand_ins) for piece in pieces]
            for stencil in self.stencils[shown]:
                colors = tuple(choice.color(stencil.part, name) for name, _ in stencil.paints)
                yield self.painter.picture(stencil, colors), stencil.labels
