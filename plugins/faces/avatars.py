"""A data source of drawn avatars with exact labels. Rendered pieces are cached and shared between avatars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from composegan.draw import ColorLayer, DrawnSource, LabelLayer, LabelRules, Painter, Template, compose, draw_background
from composegan.plugin import DomainSpec
from composegan.plugins.faces.dicebear import AvatarStyle, Shown
from composegan.plugins.faces.sampler import AvatarOptions


class AvatarSource(DrawnSource):
    """`count` avatars of a dicebear style: image uint8 (3, height, width), labels uint8 (height, width).

    settings: the style's block in the domain's YAML; dicebear.py and composegan/draw/labels.py document its keys.
    Pickles without its cache, so every worker process renders its own layers.
    """

    def __init__(
        self, settings: Mapping[str, Any], spec: DomainSpec, *, count: int, height: int, width: int, seed: int
    ) -> None:
        super().__init__(count, height, width, seed)
        self.settings, self.spec = settings, spec
        self.title = f"{settings['style']} avatar"
        self._studio: Studio | None = None

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        if self._studio is None:
            self._studio = Studio(self.settings, self.spec, self.height, self.width)
        return *self._studio.draw(rng), ""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_studio": None}


class Studio:
    """An avatar style with its painter and the templates of all canvas elements drawn so far."""

    def __init__(self, settings: Mapping[str, Any], spec: DomainSpec, height: int, width: int) -> None:
        self.style = AvatarStyle(settings)
        canvas = self.style.definition["canvas"]
        view = settings.get("view", (0, 0, canvas["width"], canvas["height"]))
        self.painter = Painter(LabelRules.load(settings, spec), tuple(view), height, width)
        self.templates: dict[Shown, list[Template]] = {}

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw one avatar on a background: (image uint8 (3, H, W), labels uint8 (H, W))."""
        background = draw_background(self.painter.height, self.painter.width, rng)
        return compose(self.layers(self.style.sampler.draw(rng)), background)

    def layers(self, options: AvatarOptions) -> Iterator[tuple[ColorLayer, LabelLayer | None]]:
        """Yield the layers of an avatar, back to front."""
        for shown in self.style.shown(options):
            if shown not in self.templates:
                pieces, defined = self.style.pieces(shown)
                placeholders = self.style.placeholders
                self.templates[shown] = [self.painter.template(piece, defined, placeholders) for piece in pieces]
            for template in self.templates[shown]:
                colors = tuple(options.color(template.part, name) for name, _ in template.placeholders)
                yield self.painter.render(template, colors), template.labels
