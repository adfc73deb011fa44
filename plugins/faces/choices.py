"""The options of an avatar style and how often each is drawn; the domain's YAML may override the style's own:

probability: {glasses: 30}          # in percent
weights: {hair: {turban: 2}}        # of variants; default 1, 0 never
colors:
  hair: ["#2a1a14", "#6b4226"]      # a palette
  facialHair: hair                  # the color chosen for another name
colors_of: {hair/turban: {hair: ["#c0392b"]}}   # a palette for one variant only
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from composegan.plugin import UserError, nearest


@dataclass(frozen=True)
class Choice:
    """One avatar: the variant of each component (absent: not shown), and the color (#rrggbb) of each color name.

    special: colors that apply within one "component/variant" only, by (part, color name).
    """

    variants: Mapping[str, str]
    colors: Mapping[str, str]
    special: Mapping[tuple[str, str], str]

    def color(self, part: str, name: str) -> str:
        return self.special.get((part, name)) or self.colors[name]


class Choices:
    """The components, variants and palettes of a style definition, under the settings above.

    Raises UserError for an unknown component, variant or color.
    """

    def __init__(self, style: str, definition: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        components, palettes = definition["components"], definition.get("colors", {})

        def check(setting: str, names: Iterable[str], known: Iterable[str]) -> None:
            for name in names:
                if name not in known:
                    raise UserError(f"avatar style {style!r}: {setting} names {name!r}; {nearest(name, known)}")

        percent = settings.get("probability", {})
        check("probability", percent, components)
        self.probability = {name: percent.get(name, item.get("probability", 100)) for name, item in components.items()}

        weights = settings.get("weights", {})
        check("weights", weights, components)
        self.variants: dict[str, tuple[list[str], list[float]]] = {}  # names, cumulative weights
        for name, item in components.items():
            own = weights.get(name, {})
            check(f"weights.{name}", own, item["variants"])
            weighted = {variant: float(own.get(variant, 1)) for variant in item["variants"]}
            possible = [variant for variant, weight in weighted.items() if weight > 0]
            if not possible:
                raise UserError(f"avatar style {style!r}: weights.{name} leaves no variant; probability 0 hides it")
            self.variants[name] = possible, list(accumulate(weighted[variant] for variant in possible))

        colors = settings.get("colors", {})
        check("colors", colors, palettes)
        self.palettes = {name: list(item["values"]) for name, item in palettes.items()}
        self.palettes |= {name: list(value) for name, value in colors.items() if not isinstance(value, str)}
        self.aliases = {name: value for name, value in colors.items() if isinstance(value, str)}
        check("colors", self.aliases.values(), palettes)
        self.unequal = {name: item.get("notEqualTo", []) for name, item in palettes.items()}

        self.special: Mapping[str, Mapping[str, list[str]]] = settings.get("colors_of", {})
        check(
            "colors_of",
            self.special,
            [f"{name}/{variant}" for name, item in components.items() for variant in item["variants"]],
        )
        for part, own in self.special.items():
            check(f"colors_of.{part}", own, palettes)

    def draw(self, rng: np.random.Generator) -> Choice:
        """One random avatar: parts are independent; colors that must differ (hair and skin) do."""
        places = iter(rng.random(2 * len(self.variants) + len(self.palettes) + len(self.special)).tolist())
        variants: dict[str, str] = {}
        for name, (possible, sums) in self.variants.items():
            shown, place = next(places) * 100 < self.probability[name], next(places) * sums[-1]
            if shown:
                variants[name] = possible[bisect_right(sums, place)]
        colors: dict[str, str] = {}
        for name, palette in self.palettes.items():
            taken = {colors.get(other) for other in self.unequal[name]}
            colors[name] = pick([color for color in palette if color not in taken] or palette, next(places))
        colors |= {name: colors[other] for name, other in self.aliases.items()}
        special: dict[tuple[str, str], str] = {}
        for part, own in self.special.items():
            place = next(places)
            special |= {(part, name): pick(palette, place) for name, palette in own.items()}
        return Choice(variants, colors, special)


def pick(items: list[str], place: float) -> str:
    """The item at `place`, a fraction from 0 to below 1."""
    return items[int(place * len(items))]
