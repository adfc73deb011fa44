"""Drawn data: an SVG scene whose elements say what they are becomes a picture and an exact label map.

scene.py takes a scene apart, labels.py repaints it in its classes, render.py rasterizes, layers.py keeps what was
drawn and lays it over a background of backgrounds.py. choices.py and dicebear.py make scenes of the avatar styles,
and avatars.py a source of them; another domain's drawings need only elements that carry `data-part`.

These are the names that plugins use.
"""

from composegan.draw.backgrounds import draw_background
from composegan.draw.labels import LabelRules
from composegan.draw.layers import Painter, draw_scene
from composegan.draw.scene import inline_uses, parse_svg

__all__ = ["LabelRules", "Painter", "draw_background", "draw_scene", "inline_uses", "parse_svg"]
