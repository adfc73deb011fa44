"""Render pieces of scenes once, cache them and composite them: about a thousand avatars per second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np
from PIL import Image

from composegan.draw.labels import LabelRules, decode_labels, label_svg
from composegan.draw.render import View, rasterize
from composegan.draw.scene import Piece, parse_svg, referenced_defs, to_text, whole_scene

Corner = tuple[int, int]
"""(left, top) of a cropped layer in the picture, pixels."""


@dataclass(frozen=True)
class ColorLayer:
    """A rendered piece: RGBA, cropped to its opaque pixels. image: None if the piece is empty."""

    image: Image.Image | None
    corner: Corner


@dataclass(frozen=True)
class LabelLayer:
    """The labels of a piece, cropped. classes: mode "L", class indices. mask: mode "L", 255 where labelled, else 0."""

    classes: Image.Image
    mask: Image.Image
    corner: Corner


@dataclass
class Template:
    """A piece whose colours are still placeholders. Its labels do not depend on the colours.

    placeholders: (name, placeholder colour as #rrggbb) of each colour that `body` or `defs` uses.
    rendered: the cache of `Painter.render`, by colours.
    """

    part: str
    body: str
    defs: str
    placeholders: tuple[tuple[str, str], ...]
    labels: LabelLayer | None
    rendered: dict[tuple[str, ...], ColorLayer] = field(default_factory=dict)


class Painter:
    """Renders pieces at one size under one set of label rules. Its templates are not thread-safe.

    view: the visible part of the drawing, (x, y, width, height) in its units.
    """

    def __init__(self, rules: LabelRules, view: View, height: int, width: int) -> None:
        self.rules, self.view, self.height, self.width = rules, view, height, width

    def template(self, piece: Piece, defined: Mapping[str, Element], placeholders: Mapping[str, str]) -> Template:
        """Prepare a piece for rendering in any colours.

        defined: the scene's gradients, masks and clip paths by id. placeholders: colour name -> placeholder (#rrggbb).
        """
        body = to_text(piece.elements, piece.groups)
        defs = to_text(referenced_defs(body, defined))
        used = tuple((name, color) for name, color in placeholders.items() if color in body or color in defs)
        return Template(piece.part, body, defs, used, self._labels(piece, defs))

    def render(self, template: Template, colors: tuple[str, ...]) -> ColorLayer:
        """Render a template in colours (#rrggbb), one per placeholder, or return the cached layer."""
        if colors not in template.rendered:
            body, defs = template.body, template.defs
            for (_, placeholder), color in zip(template.placeholders, colors, strict=True):
                body, defs = body.replace(placeholder, color), defs.replace(placeholder, color)
            image = Image.fromarray(rasterize(body, self.view, self.height, self.width, "", defs))
            box = image.getchannel("A").getbbox()
            template.rendered[colors] = ColorLayer(image.crop(box), box[:2]) if box else ColorLayer(None, (0, 0))
        return template.rendered[colors]

    def _labels(self, piece: Piece, defs: str) -> LabelLayer | None:
        body = label_svg(piece, self.rules)
        if not body:
            return None
        # Without gradients, few label drawings still refer to definitions.
        crisp, defs = 'shape-rendering="crispEdges"', defs if "url(" in body else ""
        pixels = rasterize(body, self.view, self.height, self.width, crisp, defs)
        labels, labelled = decode_labels(pixels, self.rules, piece.part)
        mask = Image.fromarray(np.where(labelled, 255, 0).astype(np.uint8))
        box = mask.getbbox()
        return LabelLayer(Image.fromarray(labels).crop(box), mask.crop(box), box[:2]) if box else None


def draw_scene(svg: str, painter: Painter, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw a scene over a background uint8 (H, W, 3), which is class 0.

    svg: a document whose elements carry `data-part`; the painter's view replaces its own size and viewBox.
    Returns (image uint8 (3, H, W), labels uint8 (H, W)). Raises UserError for a part without a label rule.
    """
    root = parse_svg(svg)
    defined = {item.attrib["id"]: item for item in root.iter() if "id" in item.attrib}
    template = painter.template(whole_scene(root), defined, {})  # one piece: nothing in it is drawn again
    return compose([(painter.render(template, ()), template.labels)], background)


def compose(
    layers: Iterable[tuple[ColorLayer, LabelLayer | None]], background: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Composite layers, back to front, over a background uint8 (H, W, 3), which is class 0.

    Returns (image uint8 (3, H, W), labels uint8 (H, W)).
    """
    image = Image.fromarray(background)
    classes = Image.new("L", image.size, 0)
    for color, labels in layers:
        if color.image is not None:
            image.paste(color.image, color.corner, color.image)
        if labels is not None:
            classes.paste(labels.classes, labels.corner, labels.mask)
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1)), np.array(classes)
