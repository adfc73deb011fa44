"""Drawn data: an SVG scene whose elements say what they are becomes a picture and an exact label map.

scene.py splits a scene into pieces, labels.py repaints them in the greys of their classes, render.py rasterizes, and
layers.py caches the layers and composes them over a background of backgrounds.py.
"""

from composegan.draw.backgrounds import draw_background
from composegan.draw.labels import LabelRules
from composegan.draw.layers import Labels, Painter, Picture, Stencil, compose, draw_scene
from composegan.draw.scene import PART, Piece, inline_uses, parse_svg, split_scene

__all__ = [
    "PART",
    "LabelRules",
    "Labels",
    "Painter",
    "Picture",
    "Piece",
    "Stencil",
    "compose",
    "draw_background",
    "draw_scene",
    "inline_uses",
    "parse_svg",
    "split_scene",
]
