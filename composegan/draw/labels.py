"""Which class each element of a scene is, and the scene repainted so that its rendering is the label map.

Every paint becomes the grey of its class and every edge is drawn without antialiasing, by the renderer that draws the
picture: the labels are exact by construction, and no pixel is a blend of two classes. What is nearly transparent in the
picture (shadows, highlights, blend modes) is left out, and the class below it shows.

The rules are data, written in a domain's YAML:

    labels:                      # part: class; the most specific name wins
      hair: hair                 #   a component
      hair/turban: hat           #   one variant of it
      head/standard/0: neck      #   one shape (counted from 0) of one variant
      hair/mrClean: null         #   not labelled: what is below shows
      canvas/0:                  #   one shape that is several things: painted in this order,
        - {class: neck}          #   whole, or within x y width height [radius]
        - {class: face, within: [84, 36, 112, 150, 56]}
    faint: [nose]                # classes that are drawn nearly transparent and labelled all the same
    solid: [nose]                # classes drawn as an open line whose inside belongs to them: filled to the chord
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from composegan.draw.scene import PART, UNDRAWN, Piece, to_text
from composegan.errors import UserError, nearest
from composegan.plugin.domain import DomainSpec

FAINT = 0.5  # less opaque than this: the class below shows
PAINTS = ("fill", "stroke")


@dataclass(frozen=True)
class Paint:
    """One class that a shape is painted in.

    within: the part of it, (x, y, width, height[, radius]) in the shape's own coordinates; None: all of it.
    """

    label: int
    within: tuple[float, ...] | None = None


@dataclass(frozen=True)
class LabelRules:
    """The rules above, with classes as indices. `paints[part]` is empty where nothing is labelled."""

    classes: int
    paints: Mapping[str, tuple[Paint, ...]]
    faint: frozenset[int] = frozenset()
    solid: frozenset[int] = frozenset()

    @property
    def step(self) -> int:
        """The distance between the greys of neighbouring classes: as far apart as 8 bits allow."""
        return 255 // max(1, self.classes - 1)

    def find(self, part: str, leaf: int) -> tuple[Paint, ...]:
        """What one shape of a part is painted in. Raises UserError when no rule speaks of the part."""
        for name in (f"{part}/{leaf}", part, part.split("/")[0]):
            if name in self.paints:
                return self.paints[name]
        raise UserError(
            f"label rules: nothing is said about {part!r}; add it under labels ({nearest(part, self.paints)})"
        )

    @classmethod
    def load(cls, config: Mapping[str, Any], spec: DomainSpec) -> LabelRules:
        """Rules from their YAML form. Raises UserError naming a class that the domain does not have."""

        def read(value: Any) -> tuple[Paint, ...]:
            if value is None:
                return ()
            if isinstance(value, str):
                return (Paint(spec.index(value)),)
            boxes = [(item["class"], item.get("within")) for item in value]
            return tuple(Paint(spec.index(name), tuple(box) if box else None) for name, box in boxes)

        return cls(
            len(spec.classes),
            {str(part): read(value) for part, value in config["labels"].items()},
            frozenset(spec.index(name) for name in config.get("faint", ())),
            frozenset(spec.index(name) for name in config.get("solid", ())),
        )


def label_text(piece: Piece, rules: LabelRules) -> str:
    """The piece repainted in the greys of its classes, as SVG text; "" when nothing of it is labelled."""
    inherited: dict[str, str] = {}
    for attributes in piece.groups:
        inherited |= {name: attributes[name] for name in PAINTS if name in attributes}
    counter = {"leaf": piece.first_leaf}
    painted = [shape for element in piece.elements for shape in repaint(element, piece.part, counter, inherited, rules)]
    groups = [{name: value for name, value in group.items() if name not in PAINTS} for group in piece.groups]
    return to_text(painted, [group for group in groups if group]) if painted else ""


def repaint(
    element: Element, part: str, counter: dict[str, int], inherited: Mapping[str, str], rules: LabelRules
) -> list[Element]:
    """The labelled copies of one element, none when it is faint or unlabelled; `counter["leaf"]` counts shapes."""
    if element.tag in UNDRAWN:
        return [element]
    paints = {**inherited, **{name: element.attrib[name] for name in PAINTS if name in element.attrib}}
    if element.tag == "g":
        if element.get(PART) is not None:
            part, counter = element.attrib[PART], {"leaf": 0}
        kept = {name: value for name, value in element.attrib.items() if name in ("transform", "clip-path", "mask")}
        group = Element("g", kept)
        for child in element:
            group.extend(repaint(child, part, counter, paints, rules))
        drawn = any(child.tag not in UNDRAWN for child in group)
        return [group] if drawn and not blended(element) and opacity(element) >= FAINT else []
    if element.get(PART) is not None:
        part, counter = element.attrib[PART], {"leaf": 0}
    leaf = counter["leaf"]
    counter["leaf"] += 1
    shapes = []
    for paint in rules.find(part, leaf):
        if (opacity(element, paints) < FAINT and paint.label not in rules.faint) or blended(element):
            continue
        shapes.extend(repaint_shape(element, paint, paints, rules))
    return shapes


def repaint_shape(element: Element, paint: Paint, paints: Mapping[str, str], rules: LabelRules) -> list[Element]:
    grey = f"#{paint.label * rules.step:02x}" + f"{paint.label * rules.step:02x}" * 2
    dropped = {"opacity", "fill-opacity", "stroke-opacity", "style", *PAINTS}
    shape = Element(element.tag, {name: value for name, value in element.attrib.items() if name not in dropped})
    filled = paints.get("fill", "black") != "none" or paint.label in rules.solid
    shape.set("fill", grey if filled else "none")
    shape.set("stroke", grey if paints.get("stroke", "none") != "none" else "none")
    if paint.within is None:
        return [shape]
    x, y, width, height, *radius = (f"{number:g}" for number in paint.within)
    name = "within-" + "-".join((x, y, width, height, *radius))
    clip = Element("clipPath", {"id": name})
    clip.append(Element("rect", {"x": x, "y": y, "width": width, "height": height, "rx": radius[0] if radius else "0"}))
    group = Element("g", {"clip-path": f"url(#{name})"})
    group.append(shape)
    return [clip, group]


def blended(element: Element) -> bool:
    return "mix-blend-mode" in element.get("style", "")


def opacity(element: Element, paints: Mapping[str, str] | None = None) -> float:
    """How opaque an element's own paint is, 0..1; of a group, without `paints`, its own opacity."""
    result = float(element.get("opacity", "1"))
    if paints is not None:
        main = "fill" if paints.get("fill", "black") != "none" else "stroke"
        result *= float(element.get(f"{main}-opacity", "1"))
    return result


def read_labels(pixels: np.ndarray, rules: LabelRules, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rendered greys uint8 (H, W, 4) -> (labels uint8 (H, W), drawn bool (H, W)).

    Raises ValueError when a drawn pixel is not exactly the grey of a class.
    """
    drawn = pixels[..., 3] > 0
    grey = pixels[..., 0]
    exact = (pixels[..., 3] == 255) & (grey % rules.step == 0) & (grey // rules.step < rules.classes)
    exact &= (pixels[..., 1] == grey) & (pixels[..., 2] == grey)
    if not exact[drawn].all():
        raise ValueError(f"{name}: {int((~exact & drawn).sum())} label pixels are blends of two classes")
    return np.where(drawn, grey // rules.step, 0).astype(np.uint8), drawn
