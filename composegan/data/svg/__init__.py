"""Drawn data: an SVG scene whose elements say what they are becomes a picture and an exact label map.

scene.py takes a scene apart, labels.py repaints it in its classes, render.py rasterizes, layers.py keeps what was
drawn and lays it over a background of backgrounds.py. choices.py and dicebear.py make scenes of the avatar styles,
and avatars.py a source of them; another domain's drawings need only elements that carry `data-part`.

These are the names that plugins use.
"""

from composegan.data.svg.labels import LabelRules
from composegan.data.svg.layers import Painter, draw_scene
from composegan.data.svg.scene import inline_uses, parse_svg

__all__ = ["LabelRules", "Painter", "draw_scene", "inline_uses", "parse_svg"]
