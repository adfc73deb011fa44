"""Parse SVG scenes and split them into pieces that are rendered and cached separately.

The attribute `data-part="hair/turban"` names the component of an element and its children and, after the slash, the
variant of the component. The label rules need only this name, so any drawing that carries it can be labelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

PART = "data-part"
NOT_RENDERED = {
    "defs", "mask", "clipPath", "pattern", "filter", "linearGradient", "radialGradient", "metadata", "title",
}  # fmt: skip
# A group with one of these attributes is composited as a whole and cannot be split.
INDIVISIBLE = {"opacity", "mask", "filter", "clip-path", "style"}


@dataclass
class Piece:
    """Consecutive elements of one part.

    groups: attributes of the enclosing groups, outermost first. first_leaf: index of the piece's first shape within its
    part element.
    """

    part: str
    groups: tuple[dict[str, str], ...]
    first_leaf: int
    elements: list[Element] = field(default_factory=list)


def parse_svg(text: str) -> Element:
    """Parse an SVG into its root element, without namespaces. Raises ValueError if the text is not well-formed."""
    try:
        return ElementTree.fromstring(text.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))
    except ElementTree.ParseError as error:
        raise ValueError(f"not an SVG document: {error}") from error


def inline_uses(element: Element, defined: Mapping[str, Element]) -> Element:
    """Return a copy in which every `<use href="#id">` of a group in `defined` is replaced by that group."""
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
    """Split a scene into pieces, back to front: a new piece starts where the part or the enclosing groups change."""
    pieces: list[Piece] = []
    owners: list[int] = []  # per piece, the id of the element that carries its data-part
    leaves: dict[int, int] = {}  # per such element, the number of its shapes so far

    def visit(element: Element, groups: tuple[dict[str, str], ...], part: str, owner: int) -> None:
        for child in element:
            if child.tag in NOT_RENDERED:
                continue
            name = child.get(PART)
            inner_part, inner_owner = (part, owner) if name is None else (name, id(child))
            if child.tag in {"g", "svg"} and INDIVISIBLE.isdisjoint(child.attrib):
                attributes = {key: value for key, value in child.attrib.items() if key != PART}
                visit(child, (*groups, attributes) if attributes else groups, inner_part, inner_owner)
                continue
            last = pieces[-1] if pieces else None
            if last is None or last.part != inner_part or last.groups != groups or owners[-1] != inner_owner:
                pieces.append(Piece(inner_part, groups, leaves.get(inner_owner, 0)))
                owners.append(inner_owner)
            pieces[-1].elements.append(child)
            leaves[inner_owner] = leaves.get(inner_owner, 0) + count_leaves(child)

    visit(root, root_groups(root), root.get(PART, ""), id(root))
    return pieces


def whole_scene(root: Element) -> Piece:
    """Return a scene as a single piece."""
    return Piece(root.get(PART, ""), root_groups(root), 0, [child for child in root if child.tag not in NOT_RENDERED])


def root_groups(root: Element) -> tuple[dict[str, str], ...]:
    """Return the paint attributes of a root element as a group, if it has any."""
    paints = {name: value for name, value in root.attrib.items() if name in ("fill", "stroke")}
    return (paints,) if paints else ()


def count_leaves(element: Element) -> int:
    """Count the shapes of the same part in an element: 1, or those within a group."""
    if element.tag != "g":
        return 1
    return sum(count_leaves(child) for child in element if child.tag not in NOT_RENDERED and child.get(PART) is None)


def to_text(elements: Iterable[Element], groups: Iterable[Mapping[str, str]] = ()) -> str:
    """Serialize elements as SVG text, nested in `groups` (outermost first)."""
    body = "".join(ElementTree.tostring(element, encoding="unicode") for element in elements)
    for attributes in reversed(list(groups)):
        group = Element("g", dict(attributes))
        group.text = "\n"  # prevents a self-closing tag
        start, end = ElementTree.tostring(group, encoding="unicode").split("\n")
        body = start + body + end
    return body


def referenced_defs(text: str, defined: Mapping[str, Element]) -> Iterator[Element]:
    """Yield the definitions (gradients, masks, clip paths) that `text` references by url(#id), recursively."""
    pending, seen = [text], set[str]()
    while pending:
        for name in re.findall(r"url\(#([^)]+)\)", pending.pop()):
            if name in defined and name not in seen:
                seen.add(name)
                pending.append(to_text([defined[name]]))
                yield defined[name]
