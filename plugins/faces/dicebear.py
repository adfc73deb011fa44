"""Render avatars of a dicebear style as pieces of a scene. The style's settings are data, in the domain's YAML:

    style: micah
    view: [0, 0, 360, 360]     # visible part of the canvas: x y width height
    labels, faint, solid       # classes of the parts; see composegan/draw/labels.py
    probability, weights,      # what to sample and how often; see sampler.py
    colors, colors_of

dicebear draws, but we sample its options, so that parts that avatars share are rendered once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element

from composegan.draw import PART, Piece, inline_uses, parse_svg, split_scene
from composegan.plugin import UserError, nearest
from composegan.plugins.faces.sampler import AvatarOptions, AvatarSampler, check_names

SETTINGS = ("style", "view", "labels", "faint", "solid", "probability", "weights", "colors", "colors_of")
Shown = tuple[int, tuple[tuple[str, str], ...]]
"""A canvas element: its index and, for a component, (component, variant) of it and of the components nested in it."""


class AvatarStyle:
    """A style of the package dicebear-styles under the settings above.

    Raises UserError for an unknown style, setting, component, variant or colour.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.name = str(settings.get("style", ""))
        self.definition = read_style(self.name)
        self.canvas: list[dict[str, Any]] = self.definition["canvas"]["elements"]
        self.components: Mapping[str, Any] = self.definition["components"]
        check_names(self.name, "settings", settings, SETTINGS)
        for part in settings.get("labels", {}):
            component, *variant = str(part).split("/")[:2]
            check_names(self.name, "labels", [component], [*self.components, "canvas"])
            if component != "canvas":
                check_names(self.name, f"labels.{component}", variant, self.components[component]["variants"])
        self.sampler = AvatarSampler(self.name, self.definition, settings)
        self.nested = {
            (name, variant): nested_components(content["elements"])
            for name, item in self.components.items()
            for variant, content in item["variants"].items()
        }
        # Each colour name is rendered in its own placeholder colour, to be replaced in the SVG by the sampled colour.
        self.placeholders = {name: f"#fe01{index:02x}" for index, name in enumerate(self.sampler.palettes)}
        self._style: Any = None

    def shown(self, options: AvatarOptions) -> Iterator[Shown]:
        """Yield the visible canvas elements, back to front."""
        for index, element in enumerate(self.canvas):
            if element["type"] != "component":
                yield index, ()
            elif element["name"] in options.variants:
                yield index, tuple(self._with_nested(element["name"], options.variants))

    def _with_nested(self, component: str, variants: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        yield component, variants[component]
        for inner in self.nested[component, variants[component]]:
            if inner in variants:
                yield from self._with_nested(inner, variants)

    def pieces(self, shown: Shown) -> tuple[list[Piece], dict[str, Element]]:
        """Return the pieces of a canvas element, in placeholder colours, and the definitions they refer to, by id."""
        index, parts = shown
        root = parse_svg(self._draw(parts))
        defined = {item.attrib["id"]: item for item in root.find("defs") or () if "id" in item.attrib}
        for component, variant in parts:
            for name, item in defined.items():
                if name.startswith(f"{component}-{variant}-"):
                    item.set(PART, f"{component}/{variant}")
        canvas = root.find("g")  # the single group, which clips to the canvas
        assert canvas is not None
        wrapper = Element("g", {"fill": root.get("fill", "black"), PART: f"canvas/{index}"})
        wrapper.append(inline_uses(canvas[index], defined))
        scene = Element("svg")
        scene.append(wrapper)
        return split_scene(scene), defined

    def _draw(self, parts: tuple[tuple[str, str], ...]) -> str:
        """Return the SVG of an avatar with these variants. It shows all canvas components, so indices stay valid."""
        from dicebear import Avatar, Style

        if self._style is None:
            self._style = Style(self.definition)  # takes 0.2 s: it validates the definition against a schema
        wanted = {element["name"] for element in self.canvas if element["type"] == "component"}
        wanted |= {component for component, _ in parts}
        options: dict[str, Any] = {"seed": ""}
        options |= {f"{name}Probability": 100 if name in wanted else 0 for name in self.components}
        options |= {f"{component}Variant": variant for component, variant in parts}
        options |= {f"{name}Color": [color] for name, color in self.placeholders.items()}
        return str(Avatar(self._style, options))


def read_style(name: str) -> dict[str, Any]:
    """Read a style definition of the package dicebear-styles.

    Raises UserError if there is no such style, or if it uses derived components, which are not supported.
    """
    folder = files("dicebear_styles")
    path = folder.joinpath(f"{name}.json")
    if not path.is_file():
        styles = [item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")]
        raise UserError(f"avatar style {name!r} does not exist; {nearest(name, styles)}")
    definition = json.loads(path.read_text(encoding="utf-8"))
    derived = [part for part, item in definition["components"].items() if "extends" in item]
    if derived:
        raise UserError(
            f"avatar style {name!r}: component {derived[0]!r} extends another one, which is not supported; "
            "choose another style"
        )
    definition.get("colors", {}).pop("background", None)  # composegan draws its own backgrounds
    return definition


def nested_components(elements: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the components that elements of a definition contain, without duplicates, in order."""
    found: dict[str, None] = {}
    for element in elements:
        if element["type"] == "component":
            found[element["name"]] = None
        found |= dict.fromkeys(nested_components(element.get("children", ())))
    return list(found)
