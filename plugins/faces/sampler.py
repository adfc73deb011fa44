"""Sample the variants and colours of an avatar. The domain's YAML may override what the style offers:

probability: {glasses: 30}          # percent, replaces the style's own
weights: {hair: {turban: 2}}        # sampling weights of variants; default 1, 0 never
colors:
  hair: ["#2a1a14", "#6b4226"]      # a palette, replaces the style's own
  facialHair: hair                  # use the colour sampled for `hair`
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


def check_names(style: str, setting: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError for a name in a setting that the style does not have."""
    known = list(known)
    for name in names:
        if name not in known:
            raise UserError(f"avatar style {style!r}: {setting} names {name!r}; {nearest(name, known)}")


@dataclass(frozen=True)
class AvatarOptions:
    """The sampled options of one avatar.

    variants: component -> variant; hidden components are absent. colors: colour name -> #rrggbb.
    special: colours of one variant only, by ("component/variant", colour name).
    """

    variants: Mapping[str, str]
    colors: Mapping[str, str]
    special: Mapping[tuple[str, str], str]

    def color(self, part: str, name: str) -> str:
        """Return the colour (#rrggbb) of a colour name within a part."""
        return self.special.get((part, name)) or self.colors[name]


class AvatarSampler:
    """Samples the options of a style definition under the settings above.

    Raises UserError for a component, variant or colour that the style does not have.
    """

    def __init__(self, style: str, definition: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        components, palettes = definition["components"], definition.get("colors", {})
        percent, weights = settings.get("probability", {}), settings.get("weights", {})
        check_names(style, "probability", percent, components)
        self.probability = {name: percent.get(name, item.get("probability", 100)) for name, item in components.items()}

        check_names(style, "weights", weights, components)
        self.variants: dict[str, tuple[list[str], list[float]]] = {}  # names and their cumulative weights
        for name, item in components.items():
            own = weights.get(name, {})
            check_names(style, f"weights.{name}", own, item["variants"])
            weighted = {variant: float(own.get(variant, 1)) for variant in item["variants"]}
            possible = [variant for variant, weight in weighted.items() if weight > 0]
            if not possible:
                raise UserError(
                    f"avatar style {style!r}: weights.{name} leaves no variant; set probability.{name} to 0 to hide it"
                )
            self.variants[name] = possible, list(accumulate(weighted[variant] for variant in possible))

        colors = settings.get("colors", {})
        check_names(style, "colors", colors, palettes)
        self.palettes = {name: list(item["values"]) for name, item in palettes.items()}
        self.palettes |= {name: list(value) for name, value in colors.items() if not isinstance(value, str)}
        self.aliases = {name: value for name, value in colors.items() if isinstance(value, str)}
        check_names(style, "colors", self.aliases.values(), palettes)
        self.unequal = {name: item.get("notEqualTo", []) for name, item in palettes.items()}

        self.special: Mapping[str, Mapping[str, list[str]]] = settings.get("colors_of", {})
        known = [f"{name}/{variant}" for name, item in components.items() for variant in item["variants"]]
        check_names(style, "colors_of", self.special, known)
        for part, own in self.special.items():
            check_names(style, f"colors_of.{part}", own, palettes)

    def draw(self, rng: np.random.Generator) -> AvatarOptions:
        """Sample one avatar: all options independently, except that colours declared unequal (hair, skin) differ."""
        numbers = iter(rng.random(2 * len(self.variants) + len(self.palettes) + len(self.special)).tolist())
        variants: dict[str, str] = {}
        for name, (possible, cumulative) in self.variants.items():
            shown, point = next(numbers) * 100 < self.probability[name], next(numbers) * cumulative[-1]
            if shown:
                variants[name] = possible[bisect_right(cumulative, point)]
        colors: dict[str, str] = {}
        for name, palette in self.palettes.items():
            taken = {colors.get(other) for other in self.unequal[name]}
            colors[name] = pick([color for color in palette if color not in taken] or palette, next(numbers))
        colors |= {name: colors[other] for name, other in self.aliases.items()}
        special: dict[tuple[str, str], str] = {}
        for part, own in self.special.items():
            fraction = next(numbers)
            special |= {(part, name): pick(palette, fraction) for name, palette in own.items()}
        return AvatarOptions(variants, colors, special)


def pick(items: list[str], fraction: float) -> str:
    """Return the item at `fraction` (0 <= fraction < 1) of the list."""
    return items[int(fraction * len(items))]
