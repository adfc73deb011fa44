"""Landscapes of the dicebear style `landscape`, each a pure function of (seed, index), with exact labels."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from composegan.draw import DrawnSource, LabelRules, Painter, draw_scene, inline_uses, parse_svg
from composegan.plugin import DomainSpec

CANVAS = (0, 0, 100, 100)


class Landscapes(DrawnSource):
    """`count` landscapes of height x width pixels. Pickles as it is: the style is read by every process on its own."""

    title = "landscape"

    def __init__(self, spec: DomainSpec, count: int, height: int, width: int, seed: int) -> None:
        super().__init__(count, height, width, seed)
        self.painter = Painter(LabelRules.load(spec.foreign, spec), CANVAS, height, width)

    def draw(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        """One landscape, uint8 (3, H, W), its labels, uint8 (H, W), and no detail for its name."""
        sky = draw_sky(self.height, self.width, random)
        image, labels = draw_scene(draw_scenery(str(random.integers(2**62))), self.painter, sky)
        return image, labels, ""


def draw_sky(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """A sky that is paler towards the horizon: uint8 (height, width, 3)."""
    color = random.choice(read_definition()["colors"]["background"]["values"])  # such as "#e1f3ff"
    zenith = np.array([*bytes.fromhex(color[1:])]) * random.uniform(0.7, 1.0)  # (3,)
    pale = np.linspace(0, random.uniform(0.2, 0.8), height)[:, None]  # (H, 1)
    rows = zenith + (255 - zenith) * pale  # (H, 3)
    return np.broadcast_to(rows[:, None] + 0.5, (height, width, 3)).astype(np.uint8)


def draw_scenery(seed: str) -> str:
    """An SVG of what stands before the sky, in which `data-part` says what each element is."""
    from dicebear import Avatar

    root = parse_svg(str(Avatar(read_style(), {"seed": seed})))
    defined = {item.attrib["id"]: item for item in root.findall("defs/g")}
    for name, item in defined.items():  # such as hill1-ridge-7981e75b
        item.set("data-part", name.split("-")[0])
    scene = Element("svg", {"fill": "none"})
    scene.extend(inline_uses(item, defined) for item in root.findall("g/use"))  # without the sky, a plain rect
    return ElementTree.tostring(scene, encoding="unicode")


@cache
def read_style() -> Any:
    from dicebear import Style

    return Style(read_definition())


@cache
def read_definition() -> dict[str, Any]:
    definition = json.loads((files("dicebear_styles") / "landscape.json").read_text(encoding="utf-8"))
    for name in ("hill1", "hill2", "hill3", "hill4"):
        definition["components"][name]["translate"]["x"] = {"min": -40, "max": 40}  # no gap in a picture twice as wide
    return definition
