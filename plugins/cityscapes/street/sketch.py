"""Shapes as SVG text, and a sketch that collects them with class and distance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composegan.plugins.cityscapes.street.camera import Point


def path(points: Sequence[Point]) -> str:
    return "M" + "L".join(["%.2f %.2f" % point for point in points]) + "Z"  # noqa: UP031, twice as fast


def polygon(points: Sequence[Point], fill: str, opacity: float = 1.0) -> str:
    """One closed shape. fill: #rrggbb. opacity below 0.5: a shadow or light without a class of its own."""
    return polygons([points], fill, opacity)


def polygons(shapes: Iterable[Sequence[Point]], fill: str, opacity: float = 1.0) -> str:
    """Several shapes of one color, as one element; "" for none."""
    body = "".join(map(path, shapes))
    if not body:
        return ""
    return (
        f'<path d="{body}" fill="{fill}"/>'
        if opacity == 1
        else f'<path d="{body}" fill="{fill}" opacity="{opacity:.2f}"/>'
    )


def ellipse(centre: Point, across: float, down: float, fill: str, opacity: float = 1.0) -> str:
    """across, down: the half axes, units."""
    x, y = centre
    faint = "" if opacity == 1 else f' opacity="{opacity:.2f}"'
    return f'<ellipse cx="{x:.2f}" cy="{y:.2f}" rx="{across:.2f}" ry="{down:.2f}" fill="{fill}"{faint}/>'


def line(points: Sequence[Point], width: float, color: str, opacity: float = 1.0) -> str:
    """An open line with round ends, `width` units wide."""
    course = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    faint = "" if opacity == 1 else f' opacity="{opacity:.2f}"'
    return (
        f'<path d="{course}" fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="round" '
        f'stroke-linejoin="round"{faint}/>'
    )


class Sketch:
    """The shapes of one scene with their distances; near ones hide far ones."""

    def __init__(self) -> None:
        self._parts: list[tuple[float, str, str]] = []

    def add(self, part: str, distance: float, *shapes: str) -> None:
        """part: a class's name. distance: metres; of equal distances the later one is on top."""
        body = "".join(shapes)
        if body:
            self._parts.append((-distance, part, body))

    def svg(self) -> str:
        """An SVG document with each element's class in `data-part`."""
        parts = sorted(self._parts, key=lambda item: item[0])
        return "<svg>" + "".join(f'<g data-part="{part}">{body}</g>' for _, part, body in parts) + "</svg>"
