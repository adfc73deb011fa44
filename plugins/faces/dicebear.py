"""Avatars of the DiceBear styles, as pieces of a scene. Their settings are data, in the domain's YAML:

    style: micah
    view: [0, 0, 360, 360]     # part of the canvas shown: x y width height
    labels, faint, solid       # which part is which class: composegan/draw/labels.py
    probability, weights,      # the options and how often each is drawn: choices.py
    colors, colors_of

DiceBear draws the pieces; choices.py chooses them, so that a piece that several avatars share is drawn once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element

from composegan.draw import PART, Piece, inline_uses, parse_svg, split_scene
from composegan.plugin import UserError, nearest
from composegan.plugins.faces.choices import Choice, Choices

SETTINGS = ("style", "view", "labels", "faint", "solid", "probability", "weights", "colors", "colors_of")
Shown = tuple[int, tuple[tuple[str, str], ...]]
"""A canvas element: its index, and (component, variant) of the component it shows and of those inside that."""


class AvatarStyle:
    """A style of the package dicebear-styles, under the settings above.

    Raises UserError for an unknown style, setting, component, variant or color.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.name = str(settings.get("style", ""))
        self.definition = read_style(self.name)
        self.canvas: list[dict[str, Any]] = self.definition["canvas"]["elements"]
        self.components: Mapping[str, Any] = self.definition["components"]
        self._check("settings", settings, SETTINGS)
        for part in settings.get("labels", {}):
            component, *variant = str(part).split("/")[:2]
            self._check("labels", [component], [*self.components, "canvas"])
            if component != "canvas":
                self._check(f"labels.{component}", variant, self.components[component]["variants"])
        self.choices = Choices(self.name, self.definition, settings)
        self.nested = {
            (name, variant): nested_components(content["elements"])
            for name, item in self.components.items()
            for variant, content in item["variants"].items()
        }
        # A placeholder for each color name, replaced in the SVG by the color chosen.
        self.stand_ins = {name: f"#fe01{place:02x}" for place, name in enumerate(self.choices.palettes)}
        self._style: Any = None

    def _check(self, where: str, names: Iterable[str], known: Iterable[str]) -> None:
        for name in names:
            if name not in known:
                raise UserError(f"avatar style {self.name!r}: {where} names {name!r}; {nearest(name, known)}")

    def shown(self, choice: Choice) -> Iterator[Shown]:
        """The canvas elements of an avatar, back to front."""
        for place, element in enumerate(self.canvas):
            if element["type"] != "component":
                yield place, ()
            elif element["name"] in choice.variants:
                yield place, tuple(self._within(element["name"], choice.variants))

    def _within(self, component: str, variants: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        yield component, variants[component]
        for inner in self.nested[component, variants[component]]:
            if inner in variants:
                yield from self._within(inner, variants)

    def pieces(self, shown: Shown) -> tuple[list[Piece], dict[str, Element]]:
        """The pieces of one canvas element, in the colors of `stand_ins`, and definitions by id."""
        place, parts = shown
        root = parse_svg(self._draw(parts))
        defined = {item.attrib["id"]: item for item in root.find("defs") or () if "id" in item.attrib}
        for component, variant in parts:
            for name, item in defined.items():
                if name.startswith(f"{component}-{variant}-"):
                    item.set(PART, f"{component}/{variant}")
        canvas = root.find("g")  # the only group, which clips to the canvas
        assert canvas is not None
        wrapper = Element("g", {"fill": root.get("fill", "black"), PART: f"canvas/{place}"})
        wrapper.append(inline_uses(canvas[place], defined))
        scene = Element("svg")
        scene.append(wrapper)
        return split_scene(scene), defined

    def _draw(self, parts: tuple[tuple[str, str], ...]) -> str:
        """The SVG of an avatar that shows these variants and every canvas element, so that each keeps its index."""
        from dicebear import Avatar, Style

        if self._style is None:
            self._style = Style(self.definition)  # takes 0.2 s to validate the definition
        wanted = {element["name"] for element in self.canvas if element["type"] == "component"}
        wanted |= {component for component, _ in parts}
        options: dict[str, Any] = {"seed": ""}
        options |= {f"{name}Probability": 100 if name in wanted else 0 for name in self.components}
        options |= {f"{component}Variant": variant for component, variant in parts}
        options |= {f"{name}Color": [color] for name, color in self.stand_ins.items()}
        return str(Avatar(self._style, options))


def read_style(name: str) -> dict[str, Any]:
    """A style definition of the package dicebear-styles.

    Raises UserError for an unknown style, and for one whose components extend others, which is not supported.
    """
    folder = files("dicebear_styles")
    path = folder.joinpath(f"{name}.json")
    if not path.is_file():
        styles = [item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")]
        raise UserError(f"there is no avatar style {name!r}; {nearest(name, styles)}")
    definition = json.loads(path.read_text(encoding="utf-8"))
    derived = [part for part, item in definition["components"].items() if "extends" in item]
    if derived:
        raise UserError(f"avatar style {name!r}: component {derived[0]!r} extends another, which is not supported")
    definition.get("colors", {}).pop("background", None)  # backgrounds come from composegan.draw
    return definition


def nested_components(elements: Iterable[Mapping[str, Any]]) -> list[str]:
    """The components that elements of a definition show, in order, without duplicates."""
    found: dict[str, None] = {}
    for element in elements:
        if element["type"] == "component":
            found[element["name"]] = None
        found |= dict.fromkeys(nested_components(element.get("children", ())))
    return list(found)
