"""Draw an image and its exact label map from an SVG whose elements name their class in `data-part`.

scene.py splits a scene into pieces, labels.py repaints a piece in class colours, render.py rasterizes, layers.py caches
rendered pieces and composites them over a background from backgrounds.py, and source.py is the base of data sources
that draw their samples.

Plug-ins use the names exported here.
"""

from composegan.draw.backgrounds import draw_background
from composegan.draw.labels import LabelRules
from composegan.draw.layers import ColorLayer, LabelLayer, Painter, Template, compose, draw_scene
from composegan.draw.scene import PART, Piece, inline_uses, parse_svg, split_scene
from composegan.draw.source import DrawnSource

__all__ = [
    "PART",
    "ColorLayer",
    "DrawnSource",
    "LabelLayer",
    "LabelRules",
    "Painter",
    "Piece",
    "Template",
    "compose",
    "draw_background",
    "draw_scene",
    "inline_uses",
    "parse_svg",
    "split_scene",
]
