"""A scene as a tree of SVG elements, and how it falls into pieces that can be drawn one by one.

An element with the attribute `data-part="hair/turban"` says what it and everything in it is: a component and, after
the slash, which variant of it. That name is all that the label rules need, so any drawing that carries it can be
used, however it was made. Pieces are drawn separately and laid over one another, so that a piece that many scenes
share is drawn once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

PART = "data-part"
UNDRAWN = {"defs", "mask", "clipPath", "pattern", "filter", "linearGradient", "radialGradient", "metadata", "title"}
# A group with one of these is composed as a whole, so it cannot be taken apart.
INDIVISIBLE = {"opacity", "mask", "filter", "clip-path", "style"}


@dataclass
class Piece:
    """Consecutive elements of one part, with the attributes of the groups around them, outermost first.

    first_leaf: how many leaves of the same part were drawn before this piece.
    """

    part: str
    groups: tuple[dict[str, str], ...]
    first_leaf: int
    elements: list[Element] = field(default_factory=list)


def parse_svg(text: str) -> Element:
    """The root element, names without their namespace. Raises ValueError when the text is not well-formed."""
    try:
        return ElementTree.fromstring(text.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))
    except ElementTree.ParseError as error:
        raise ValueError(f"not an SVG document: {error}") from error


def inline_uses(element: Element, defined: Mapping[str, Element]) -> Element:
    """A copy in which every `<use href="#id">` of a group in `defined` is that group itself, moved to its place."""
    target = defined.get(element.get("href", "").removeprefix("#")) if element.tag == "use" else None
    if target is None:
        result = Element(element.tag, element.attrib)
        result.text = element.text
        result.extend(inline_uses(child, defined) for child in element)
        return result
    result = Element("g", {name: value for name, value in element.attrib.items() if name != "href"})
    result.append(inline_uses(target, defined))
    return result


def split_scene(root: Element) -> list[Piece]:
    """The pieces of a scene, back to front: a new one wherever the part or the groups around it change."""
    pieces: list[Piece] = []
    owners: list[int] = []  # of each piece: the element that names its part
    drawn: dict[int, int] = {}  # leaves drawn so far of each part element

    def visit(element: Element, groups: tuple[dict[str, str], ...], part: str, owner: int) -> None:
        for child in element:
            if child.tag in UNDRAWN:
                continue
            name = child.get(PART)
            inner_part, inner_owner = (part, owner) if name is None else (name, id(child))
            if child.tag in {"g", "svg"} and INDIVISIBLE.isdisjoint(child.attrib):
                attributes = {key: value for key, value in child.attrib.items() if key != PART}
                visit(child, (*groups, attributes) if attributes else groups, inner_part, inner_owner)
                continue
            last = pieces[-1] if pieces else None
            if last is None or last.part != inner_part or last.groups != groups or owners[-1] != inner_owner:
                pieces.append(Piece(inner_part, groups, drawn.get(inner_owner, 0)))
                owners.append(inner_owner)
            pieces[-1].elements.append(child)
            drawn[inner_owner] = drawn.get(inner_owner, 0) + count_leaves(child)

    paints = {name: root.attrib[name] for name in ("fill", "stroke") if name in root.attrib}
    visit(root, (paints,) if paints else (), root.get(PART, ""), id(root))
    return pieces


def whole_scene(root: Element) -> Piece:
    """A scene as a single piece."""
    paints = {name: root.attrib[name] for name in ("fill", "stroke") if name in root.attrib}
    drawn = [child for child in root if child.tag not in UNDRAWN]
    return Piece(root.get(PART, ""), (paints,) if paints else (), 0, drawn)


def count_leaves(element: Element) -> int:
    """How many shapes of the same part an element draws: 1, or the shapes within a group."""
    if element.tag != "g":
        return 1
    return sum(count_leaves(child) for child in element if child.tag not in UNDRAWN and child.get(PART) is None)


def to_text(elements: Iterable[Element], groups: Iterable[Mapping[str, str]] = ()) -> str:
    """The elements as SVG text, within the groups (outermost first)."""
    body = "".join(ElementTree.tostring(element, encoding="unicode") for element in elements)
    for attributes in reversed(list(groups)):
        group = Element("g", dict(attributes))
        group.text = "\n"  # keeps the tag open, so that the body can be set in
        start, end = ElementTree.tostring(group, encoding="unicode").split("\n")
        body = start + body + end
    return body


def referred_defs(text: str, defined: Mapping[str, Element]) -> Iterator[Element]:
    """The definitions (gradients, masks, clip paths) that `text` refers to by url(#id), and those they refer to."""
    waiting, seen = [text], set()
    while waiting:
        for name in re.findall(r"url\(#([^)]+)\)", waiting.pop()):
            if name in defined and name not in seen:
                seen.add(name)
                waiting.append(to_text([defined[name]]))
                yield defined[name]
