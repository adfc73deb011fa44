"""Rasterize SVG text with resvg. No other module imports resvg."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

MARGIN = 2
"""Pixels rendered around the picture and cropped: resvg smears shapes that cross the upper edge over the first row."""

View = tuple[float, float, float, float]
"""The visible part of the drawing: (x, y, width, height) in its own units."""


def rasterize(body: str, view: View, height: int, width: int, attributes: str = "", defs: str = "") -> np.ndarray:
    """Render SVG elements on a transparent background: RGBA uint8 (height, width, 4), alpha not premultiplied.

    body: the elements. defs: the gradients, masks and clip paths they refer to. attributes: of the root element.
    view: shown whole and undistorted; a wider picture shows more at both sides, a taller one more above.
    """
    from resvg_py import svg_to_bytes

    x, y, view_width, view_height = widen_view(view, height, width)
    margin_x, margin_y = MARGIN * view_width / width, MARGIN * view_height / height
    box = f"{x - margin_x} {y - margin_y} {view_width + 2 * margin_x} {view_height + 2 * margin_y}"
    document = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width + 2 * MARGIN}" '
        f'height="{height + 2 * MARGIN}" preserveAspectRatio="none" {attributes}><defs>{defs}</defs>{body}</svg>'
    )
    png = svg_to_bytes(svg_string=document, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[MARGIN:-MARGIN, MARGIN:-MARGIN]


def widen_view(view: Sequence[float], height: int, width: int) -> View:
    """Extend the view to the aspect ratio of (height, width), keeping its lower edge in place."""
    x, y, view_width, view_height = view
    if width * view_height > height * view_width:
        wider = view_height * width / height
        return x - (wider - view_width) / 2, y, wider, view_height
    taller = view_width * height / width
    return x, y - (taller - view_height), view_width, taller
