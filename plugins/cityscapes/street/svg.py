"""Shapes as SVG text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composegan.plugins.cityscapes.street.camera import Point


def outline(points: Sequence[Point]) -> str:
    return "M" + "L".join(["%.2f %.2f" % point for point in points]) + "Z"  # noqa: UP031 (twice as fast)


def faint(opacity: float) -> str:
    return "" if opacity == 1 else f' opacity="{opacity:.2f}"'


def polygon(points: Sequence[Point], fill: str, opacity: float = 1.0) -> str:
    """One polygon. fill: #rrggbb. Below an opacity of 0.5, a shape (a shadow, a light) has no label of its own."""
    return polygons([points], fill, opacity)


def polygons(shapes: Iterable[Sequence[Point]], fill: str, opacity: float = 1.0) -> str:
    """Several polygons of one colour as a single element; "" for none."""
    body = "".join(map(outline, shapes))
    return f'<path d="{body}" fill="{fill}"{faint(opacity)}/>' if body else ""


def ellipse(centre: Point, rx: float, ry: float, fill: str, opacity: float = 1.0) -> str:
    """An ellipse. rx, ry: half axes, in units of the drawing."""
    x, y = centre
    return f'<ellipse cx="{x:.2f}" cy="{y:.2f}" rx="{rx:.2f}" ry="{ry:.2f}" fill="{fill}"{faint(opacity)}/>'


def line(points: Sequence[Point], width: float, color: str, opacity: float = 1.0) -> str:
    """An open line with round ends, `width` units wide."""
    course = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return (
        f'<path d="{course}" fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="round" '
        f'stroke-linejoin="round"{faint(opacity)}/>'
    )
