"""Objects on the sidewalk: those that stay (class static) and those that come and go (class dynamic)."""

from __future__ import annotations

from composegan.plugins.cityscapes.street.figure import Figure
from composegan.plugins.cityscapes.street.light import Rgb, vary
from composegan.plugins.cityscapes.street.scene import Scene
from composegan.plugins.cityscapes.street.svg import polygon

METAL: Rgb = (132, 136, 138)
WHITE: Rgb = (236, 236, 232)
BLACK: Rgb = (40, 40, 42)


def static_object(scene: Scene, x: float, z: float, ground: float) -> None:
    """A random street fixture."""
    scene.add("static", z, *scene.rng.choice(STATIC)(Figure(scene, x, z, 1.0, 1, ground)))


def dynamic_object(scene: Scene, x: float, z: float, ground: float) -> None:
    """A random movable object or a dog."""
    figure = Figure(scene, x, z, 1.0, scene.rng.choice((-1, 1)), ground)
    scene.add("dynamic", z, *scene.rng.choice(DYNAMIC)(figure))


def pick(figure: Figure, colors: tuple[Rgb, ...], spread: float = 12.0) -> Rgb:
    """Choose one of the colours and vary it."""
    return vary(figure.scene.rng.choice(colors), figure.scene.rng, spread)


def bench(figure: Figure) -> list[str]:
    wood = (128, 92, 62)
    return [
        figure.rect(-0.8, -0.7, 0, 0.45, METAL, 0.6),
        figure.rect(0.7, 0.8, 0, 0.45, METAL, 0.6),
        figure.rect(-0.9, 0.9, 0.42, 0.5, wood),
        figure.rect(-0.9, 0.9, 0.6, 0.72, wood, 0.85),
        figure.rect(-0.9, 0.9, 0.78, 0.9, wood, 0.9),
    ]


def litter_bin(figure: Figure) -> list[str]:
    color = pick(figure, ((222, 122, 34), (70, 86, 76), (110, 112, 114)))
    return [
        figure.rect(-0.24, 0.24, 0.1, 0.9, color),
        figure.rect(0.04, 0.24, 0.1, 0.9, color, 0.8),
        figure.rect(-0.28, 0.28, 0.88, 0.98, BLACK),
    ]


def advertising_column(figure: Figure) -> list[str]:
    posters = [pick(figure, ((206, 60, 48), (232, 222, 190), (60, 96, 148), (226, 190, 60))) for _ in range(4)]
    shapes = [figure.rect(-0.62, 0.62, 0, 2.7, (176, 172, 164)), figure.rect(-0.72, 0.72, 2.65, 2.95, (80, 92, 84))]
    for index, color in enumerate(posters):
        row, column = divmod(index, 2)
        left, right = -0.55 + 0.58 * column, -0.03 + 0.58 * column
        shapes.append(figure.rect(left, right, 0.5 + row * 1.1, 1.45 + row * 1.1, color))
    return [*shapes, figure.rect(0.3, 0.62, 0, 2.7, (20, 20, 20), opacity=0.25)]


def switch_box(figure: Figure) -> list[str]:
    color = vary((148, 152, 146), figure.scene.rng)
    return [
        figure.rect(-0.5, 0.5, 0, 1.2, color),
        figure.rect(-0.01, 0.01, 0.05, 1.15, color, 0.6),
        figure.rect(-0.54, 0.54, 1.17, 1.24, color, 0.8),
    ]


def bollards(figure: Figure) -> list[str]:
    """Four posts in a row along the street, shaded as the nearest."""
    scene, shapes = figure.scene, []
    for index in range(4):
        post = Figure(scene, figure.x, figure.z + 1.4 * (3 - index), 1.0, 1, figure.ground)
        for low, high, color in ((0, 0.9, (64, 64, 66)), (0.72, 0.82, WHITE)):
            corners = post.shape((-0.09, low), (0.09, low), (0.09, high), (-0.09, high))
            shapes.append(polygon(corners, scene.tone(color, figure.z)))
    return shapes


def letter_box(figure: Figure) -> list[str]:
    return [
        figure.rect(-0.05, 0.05, 0, 0.9, METAL, 0.7),
        figure.rect(-0.32, 0.32, 0.85, 1.55, (232, 186, 36)),
        figure.rect(-0.22, 0.22, 1.36, 1.42, (40, 40, 40)),
    ]


STATIC = (bench, litter_bin, advertising_column, switch_box, bollards, letter_box)


def pram(figure: Figure) -> list[str]:
    color = pick(figure, ((44, 52, 84), (130, 40, 52), (50, 54, 56)))
    return [
        figure.polygon(color, (-0.4, 0.55), (0.35, 0.5), (0.3, 0.75), (-0.05, 0.78), (-0.1, 1.05), (-0.35, 0.95)),
        figure.limb(BLACK, 0.05, (0.3, 0.7), (0.6, 1.05)),
        figure.limb((60, 60, 62), 0.05, (-0.2, 0.5), (0.25, 0.16)),
        figure.ellipse(-0.28, 0.14, 0.14, 0.14, (28, 28, 30)),
        figure.ellipse(0.3, 0.14, 0.14, 0.14, (28, 28, 30)),
    ]


def dog(figure: Figure) -> list[str]:
    color = pick(figure, ((92, 66, 44), (40, 36, 34), (188, 160, 120)))
    return [
        figure.limb(color, 0.24, (-0.3, 0.45), (0.25, 0.45)),
        figure.limb(color, 0.16, (0.25, 0.5), (0.42, 0.68)),
        *(figure.limb(color, 0.07, (leg, 0.4), (leg, 0.03), shade=0.8) for leg in (-0.3, -0.22, 0.2, 0.28)),
        figure.limb(color, 0.05, (-0.34, 0.5), (-0.5, 0.7)),
    ]


def wheeled_bins(figure: Figure) -> list[str]:
    shapes = []
    for index in range(figure.scene.rng.randint(1, 3)):
        color = pick(figure, ((52, 56, 58), (48, 76, 132), (92, 70, 48), (206, 172, 50)), 6)
        left = -0.3 + 0.68 * index
        shapes += [
            figure.rect(left, left + 0.6, 0.05, 0.98, color),
            figure.rect(left + 0.4, left + 0.6, 0.05, 0.98, color, 0.8),
            figure.rect(left - 0.03, left + 0.63, 0.96, 1.08, color, 0.7),
        ]
    return shapes


def building_site(figure: Figure) -> list[str]:
    """A barrier between two cones."""
    shapes = [figure.rect(-0.9, 0.9, 0.6, 0.95, WHITE)]
    shapes += [figure.rect(-0.9 + 0.6 * index, -0.6 + 0.6 * index, 0.6, 0.95, (214, 44, 36)) for index in range(3)]
    shapes += [figure.rect(across - 0.05, across + 0.05, 0, 0.6, (90, 90, 92)) for across in (-0.7, 0.7)]
    for across in (-1.3, 1.25):
        cone = (across - 0.2, 0), (across + 0.2, 0), (across + 0.04, 0.7), (across - 0.04, 0.7)
        shapes += [figure.polygon((230, 90, 30), *cone), figure.rect(across - 0.11, across + 0.11, 0.3, 0.44, WHITE)]
    return shapes


def suitcase(figure: Figure) -> list[str]:
    color = pick(figure, ((40, 44, 60), (150, 40, 44), (60, 96, 92)))
    return [figure.rect(-0.22, 0.22, 0.06, 0.68, color), figure.rect(-0.05, 0.05, 0.66, 0.98, (60, 60, 62))]


DYNAMIC = (pram, dog, wheeled_bins, wheeled_bins, building_site, building_site, suitcase)
"""Entries that occur twice are twice as likely."""
