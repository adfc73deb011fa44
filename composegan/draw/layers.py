"""Pieces of scenes, drawn once each and laid over one another: so a thousand avatars a second can be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np
from PIL import Image

from composegan.draw.labels import LabelRules, label_text, read_labels
from composegan.draw.render import View, rasterize
from composegan.draw.scene import Piece, parse_svg, referred_defs, to_text, whole_scene

Corner = tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """What a piece looks like: RGBA, cropped to what it covers, at (left, top); None when that is nothing."""

    image: Image.Image | None
    corner: Corner


@dataclass(frozen=True)
class Labels:
    """What a piece is, cropped, at (left, top): each pixel's class ("L"), and where it is drawn ("L", 0 or 255)."""

    classes: Image.Image
    drawn: Image.Image
    corner: Corner


@dataclass
class Stencil:
    """A piece whose colours are still to be chosen. Its labels do not depend on them.

    paints: the names of the colours it uses, each with the colour that stands for it in `body` and `defs`.
    """

    part: str
    body: str
    defs: str
    paints: tuple[tuple[str, str], ...]
    labels: Labels | None
    pictures: dict[tuple[str, ...], Picture] = field(default_factory=dict)


class Painter:
    """Draws pieces at one size, under one set of label rules, and keeps what it drew. Not for several threads.

    view: the part of the drawing shown, (x, y, width, height) in its units.
    """

    def __init__(self, rules: LabelRules, view: View, height: int, width: int) -> None:
        self.rules, self.view, self.height, self.width = rules, view, height, width

    def stencil(self, piece: Piece, defined: Mapping[str, Element], paints: Mapping[str, str]) -> Stencil:
        """A piece, ready to be drawn in any colours.

        defined: the scene's gradients, masks and clip paths by id. paints: name -> the colour (#rrggbb) that stands
        for it.
        """
        body = to_text(piece.elements, piece.groups)
        defs = to_text(referred_defs(body, defined))
        used = tuple((name, color) for name, color in paints.items() if color in body or color in defs)
        return Stencil(piece.part, body, defs, used, self._labels(piece, defs))

    def picture(self, stencil: Stencil, colors: tuple[str, ...]) -> Picture:
        """The stencil in colours (#rrggbb), one for each of `stencil.paints`, drawn now or before."""
        if colors not in stencil.pictures:
            body, defs = stencil.body, stencil.defs
            for (_, stand_in), color in zip(stencil.paints, colors, strict=True):
                body, defs = body.replace(stand_in, color), defs.replace(stand_in, color)
            stencil.pictures[colors] = crop(rasterize(body, self.view, self.height, self.width, "", defs))
        return stencil.pictures[colors]

    def _labels(self, piece: Piece, defs: str) -> Labels | None:
        body = label_text(piece, self.rules)
        if not body:
            return None
        crisp, defs = 'shape-rendering="crispEdges"', defs if "url(" in body else ""  # gradients are gone by now
        pixels = rasterize(body, self.view, self.height, self.width, crisp, defs)
        labels, drawn = read_labels(pixels, self.rules, piece.part)
        mask = Image.fromarray(np.where(drawn, 255, 0).astype(np.uint8))
        box = mask.getbbox()
        return Labels(Image.fromarray(labels).crop(box), mask.crop(box), box[:2]) if box else None


def crop(pixels: np.ndarray) -> Picture:
    image = Image.fromarray(pixels)
    box = image.getchannel("A").getbbox()
    return Picture(image.crop(box), box[:2]) if box else Picture(None, (0, 0))


def draw_scene(svg: str, painter: Painter, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw one scene over a background uint8 (H, W, 3), which is class 0.

    svg: a document whose elements carry `data-part`; its own size and viewBox do not count, the painter's view does.
    Returns (image uint8 (3, H, W), labels uint8 (H, W)). Raises UserError for a part that no rule speaks of.
    """
    root = parse_svg(svg)
    defined = {item.attrib["id"]: item for item in root.iter() if "id" in item.attrib}
    stencil = painter.stencil(whole_scene(root), defined, {})  # in one go: nothing of it is drawn a second time
    return compose([(painter.picture(stencil, ()), stencil.labels)], background)


def compose(layers: Iterable[tuple[Picture, Labels | None]], background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay layers, back to front, over a background uint8 (H, W, 3), which is class 0.

    Returns (image uint8 (3, H, W), labels uint8 (H, W)).
    """
    image = Image.fromarray(background)
    classes = Image.new("L", image.size, 0)
    for picture, labels in layers:
        if picture.image is not None:
            image.paste(picture.image, picture.corner, picture.image)
        if labels is not None:
            classes.paste(labels.classes, labels.corner, labels.drawn)
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1)), np.array(classes)
