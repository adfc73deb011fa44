"""The demo: cars drawn on the spot, with exact labels, in seven body types seen from any side."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from composegan.draw import DrawnSource, LabelRules, Painter, draw_scene
from composegan.plugin import read_domain_file
from composegan.plugins.cars.backdrops import draw_backdrop
from composegan.plugins.cars.body import Body
from composegan.plugins.cars.camera import Camera
from composegan.plugins.cars.drawing import draw_car, extreme_points
from composegan.plugins.cars.shapes import PAINTS, choose, draw_shape

spec = read_domain_file(files("composegan.domain_files") / "cars.yaml")

VIEW = (0.0, 0.0, 300.0, 200.0)  # x, y, width, height of the drawing
UNLABELLED = ("backdrop", "shadow", "seam")

VIEWPOINTS = {  # how often each is drawn, and its azimuths, degrees: 0 is the car's front, 90 its left side
    "front": (0.12, (-12, 12)),
    "front left": (0.2, (22, 62)),
    "left": (0.08, (78, 102)),
    "back left": (0.14, (118, 158)),
    "back": (0.12, (168, 192)),
    "back right": (0.14, (202, 242)),
    "right": (0.08, (258, 282)),
    "front right": (0.2, (298, 338)),
}


def rules() -> LabelRules:
    """Label rules in which every part is the class of its name; backdrop, shadow and panel gaps are unlabelled."""
    labels = {name: name for name in spec.names[1:]} | dict.fromkeys(UNLABELLED)
    return LabelRules.load({"labels": labels}, spec)


class DrawnCars(DrawnSource):
    """`count` cars, each a pure function of (seed, index): image uint8 (3, H, W), labels uint8 (H, W).

    Pictures wider than 3:2 show more at both sides, taller ones more above.
    """

    title = "car"

    def __init__(self, count: int, height: int, width: int, seed: int) -> None:
        super().__init__(count, height, width, seed)
        self.painter = Painter(rules(), VIEW, height, width)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        body_type, viewpoint, svg = draw_svg(rng)
        image, labels = draw_scene(svg, self.painter, np.zeros((self.height, self.width, 3), np.uint8))
        return image, labels, f", {body_type} from the {viewpoint}"


def draw_svg(rng: np.random.Generator) -> tuple[str, str, str]:
    """Draw a random car in front of a random backdrop: (body type, viewpoint, SVG scene)."""
    body_type, shape = draw_shape(rng)
    viewpoint = choose({name: weight for name, (weight, _) in VIEWPOINTS.items()}, rng)
    azimuth = rng.uniform(*VIEWPOINTS[viewpoint][1])
    body = Body(shape)
    target = np.array([0.0, 0.0, shape.height * 0.4])
    camera = Camera.around(azimuth, rng.uniform(1.3, 2.3), rng.uniform(6.5, 10), target)
    wide, high = 300 * rng.uniform(0.84, 0.95), 200 * rng.uniform(0.7, 0.86)
    left, floor = (300 - wide) * rng.uniform(0.2, 0.8), 200 * rng.uniform(0.87, 0.95)
    camera = camera.fitted(extreme_points(body), (left, floor - high, wide, high))
    backdrop = draw_backdrop(camera, rng)
    rim = ("#b9bec3", "#8f959b", "#4a4d51")[rng.choice(3, p=(0.6, 0.25, 0.15))]
    drawing = draw_car(body, camera, choose(PAINTS, rng), rim, int(rng.choice((5, 6, 7, 10))))
    gradients = "".join(backdrop.gradients + drawing.gradients)
    return body_type, viewpoint, f"<svg><defs>{gradients}</defs>{''.join(backdrop.elements + drawing.elements)}</svg>"
