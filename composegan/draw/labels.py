"""Repaint a scene in the colours of its classes, so that its rendering is the label map.

Every paint becomes the grey of its class, and the renderer that draws the image draws the labels without antialiasing:
labels are exact, and no pixel blends two classes. Nearly transparent elements (shadows, highlights, blend modes) are
left out, so the class below shows.

The rules are data, in the domain's YAML:

    labels:                      # part: class; the most specific name wins
      hair: hair                 #   a component
      hair/turban: hat           #   one variant of it
      head/standard/0: neck      #   one shape of a variant, counted from 0
      hair/mrClean: null         #   unlabelled: the class below shows
      canvas/0:                  #   one shape in several classes, painted in this order,
        - {class: neck}          #   whole, or within x y width height [corner radius]
        - {class: face, within: [84, 36, 112, 150, 56]}
    faint: [nose]                # classes that are labelled although they are drawn nearly transparent
    solid: [nose]                # classes drawn as an open line but labelled including their inside, up to the chord
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from composegan.draw.scene import NOT_RENDERED, PART, Piece, to_text
from composegan.errors import UserError, nearest
from composegan.plugin.domain import DomainSpec

MIN_OPACITY = 0.5  # below this, the class below shows
PAINTS = ("fill", "stroke")


@dataclass(frozen=True)
class Paint:
    """A class to paint a shape in.

    within: the rectangle to paint, (x, y, width, height[, corner radius]) in the shape's coordinates; None: all of it.
    """

    label: int
    within: tuple[float, ...] | None = None


@dataclass(frozen=True)
class LabelRules:
    """The parsed rules, with classes as indices. `paints[part]` is empty for an unlabelled part."""

    classes: int
    paints: Mapping[str, tuple[Paint, ...]]
    faint: frozenset[int] = frozenset()
    solid: frozenset[int] = frozenset()

    @property
    def step(self) -> int:
        """The difference in grey between consecutive classes: the largest that fits 8 bits."""
        return 255 // max(1, self.classes - 1)

    def find(self, part: str, leaf: int) -> tuple[Paint, ...]:
        """Return the paints of shape number `leaf` of a part. Raises UserError if no rule covers the part."""
        for name in (f"{part}/{leaf}", part, part.split("/")[0]):
            if name in self.paints:
                return self.paints[name]
        raise UserError(f"label rules: no rule for part {part!r}; add it under `labels` ({nearest(part, self.paints)})")

    @classmethod
    def load(cls, config: Mapping[str, Any], spec: DomainSpec) -> LabelRules:
        """Parse the rules from their YAML form. Raises UserError for an unknown class."""

        def parse(value: Any) -> tuple[Paint, ...]:
            if value is None:
                return ()
            if isinstance(value, str):
                return (Paint(spec.index(value)),)
            return tuple(
                Paint(spec.index(item["class"]), tuple(item["within"]) if item.get("within") else None)
                for item in value
            )

        return cls(
            len(spec.classes),
            {str(part): parse(value) for part, value in config["labels"].items()},
            frozenset(spec.index(name) for name in config.get("faint", ())),
            frozenset(spec.index(name) for name in config.get("solid", ())),
        )


def label_svg(piece: Piece, rules: LabelRules) -> str:
    """Repaint a piece in the greys of its classes. Returns SVG text, "" if nothing in the piece is labelled."""
    inherited: dict[str, str] = {}
    for attributes in piece.groups:
        inherited |= {name: attributes[name] for name in PAINTS if name in attributes}
    leaves = count(piece.first_leaf)
    painted = [shape for element in piece.elements for shape in repaint(element, piece.part, leaves, inherited, rules)]
    groups = [{name: value for name, value in group.items() if name not in PAINTS} for group in piece.groups]
    return to_text(painted, [group for group in groups if group]) if painted else ""


def repaint(
    element: Element, part: str, leaves: Iterator[int], inherited: Mapping[str, str], rules: LabelRules
) -> list[Element]:
    """Return the repainted copies of an element: none if it is faint or unlabelled. leaves: numbers the shapes."""
    if element.tag in NOT_RENDERED:
        return [element]
    if PART in element.attrib:
        part, leaves = element.attrib[PART], count()
    paints = {**inherited, **{name: element.attrib[name] for name in PAINTS if name in element.attrib}}
    if element.tag == "g":
        kept = {name: value for name, value in element.attrib.items() if name in ("transform", "clip-path", "mask")}
        group = Element("g", kept)
        for child in element:
            group.extend(repaint(child, part, leaves, paints, rules))
        rendered = any(child.tag not in NOT_RENDERED for child in group)
        return [group] if rendered and not blended(element) and opacity(element) >= MIN_OPACITY else []
    shapes = []
    for paint in rules.find(part, next(leaves)):
        faint = opacity(element, paints) < MIN_OPACITY and paint.label not in rules.faint
        if not faint and not blended(element):
            shapes.extend(repaint_shape(element, paint, paints, rules))
    return shapes


def repaint_shape(element: Element, paint: Paint, paints: Mapping[str, str], rules: LabelRules) -> list[Element]:
    """Return a shape in the grey of a class, after its clip path if `paint` has one. paints: the original paints."""
    grey = "#" + f"{paint.label * rules.step:02x}" * 3
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
    """Return whether an element is blended with the picture below it, as shadows are."""
    return "mix-blend-mode" in element.get("style", "")


def opacity(element: Element, paints: Mapping[str, str] | None = None) -> float:
    """Return the opacity of an element's paint, 0..1; without `paints`, only that of its `opacity` attribute."""
    result = float(element.get("opacity", "1"))
    if paints is not None:
        main = "fill" if paints.get("fill", "black") != "none" else "stroke"
        result *= float(element.get(f"{main}-opacity", "1"))
    return result


def decode_labels(pixels: np.ndarray, rules: LabelRules, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Decode rendered greys, RGBA uint8 (H, W, 4), to (labels uint8 (H, W), labelled bool (H, W)).

    Raises ValueError, beginning with `name`, if an opaque pixel is not exactly the grey of a class.
    """
    grey, alpha = pixels[..., 0], pixels[..., 3]
    labelled = alpha > 0
    exact = (alpha == 255) & (grey % rules.step == 0) & (grey // rules.step < rules.classes)
    exact &= (pixels[..., 1] == grey) & (pixels[..., 2] == grey)
    if not exact[labelled].all():
        raise ValueError(f"{name}: {int((~exact & labelled).sum())} label pixels are blends of two classes")
    return np.where(labelled, grey // rules.step, 0).astype(np.uint8), labelled
