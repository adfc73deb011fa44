"""The classes of cars, and drawn cars."""

import numpy as np
import pytest

from composegan.data import check_sample
from composegan.plugins.cars import DrawnCars, spec
from composegan.plugins.cars.body import Body
from composegan.plugins.cars.camera import Camera, convex_hull
from composegan.plugins.cars.demo import VIEW, VIEWPOINTS, rules
from composegan.plugins.cars.panels import car_panels
from composegan.plugins.cars.shapes import SHAPES

# The categories of the Car Parts Dataset, in the order of their numbers.
PARTS = ["back_bumper", "back_glass", "back_left_door", "back_left_light", "back_right_door", "back_right_light"]
PARTS += ["front_bumper", "front_glass", "front_left_door", "front_left_light", "front_right_door"]
PARTS += ["front_right_light", "hood", "left_mirror", "right_mirror", "tailgate", "trunk", "wheel"]

COUNT, HEIGHT, WIDTH = 90, 48, 72


@pytest.fixture(scope="module")
def cars():
    """Drawn cars: (viewpoint, labels, image) of each."""
    source = DrawnCars(COUNT, HEIGHT, WIDTH, seed=0)
    samples = [check_sample(source[index], len(spec.classes)) for index in range(COUNT)]
    return [(sample.name.split("from the ")[1].split(" (")[0], sample.labels, sample.image) for sample in samples]


def presence(cars, name, *viewpoints):
    """The fraction of the pictures from these viewpoints that contain a class."""
    present = [(labels == spec.index(name)).any() for viewpoint, labels, _ in cars if viewpoint in viewpoints]
    assert len(present) > 3
    return np.mean(present)


def test_classes_are_those_of_the_dataset_and_body():
    assert list(spec.names) == ["background", *PARTS, "body"]
    assert [spec.names[index] for index in spec.transparent] == ["back_glass", "front_glass"]
    assert [item.name for item in spec.classes if not item.optional] == ["background"]


def test_mirroring_swaps_left_and_right():
    mirrored = [spec.names[index] for index in spec.mirrored]
    expected = [name.replace("left", "?").replace("right", "left").replace("?", "right") for name in spec.names]
    assert mirrored == expected


def test_drawn_cars_show_each_part_at_expected_rate(cars):
    shares = {name: presence(cars, name, *VIEWPOINTS) for name in spec.names}
    assert shares["background"] == shares["wheel"] == shares["body"] == 1
    ranges = dict.fromkeys(("front_bumper", "back_bumper", "front_glass", "back_glass", "hood"), (0.3, 0.9))
    ranges |= {name: (0.25, 0.95) for name in PARTS if name.endswith(("door", "light", "mirror"))}
    assert {name: shares[name] for name, (low, high) in ranges.items() if not low < shares[name] < high} == {}
    assert 0.08 < shares["tailgate"] < 0.4 and 0.2 < shares["trunk"] < 0.7


def test_drawn_cars_show_parts_of_the_visible_side(cars):
    left, right = ("front left", "left", "back left"), ("front right", "right", "back right")
    for end in ("front", "back"):
        assert presence(cars, f"{end}_right_door", *left) == 0 == presence(cars, f"{end}_left_door", *right)
        for side, views in (("left", left), ("right", right)):
            assert presence(cars, f"front_{side}_door", *views) == 1
            assert presence(cars, f"{end}_{side}_light", f"{end} {side}", end) == 1
    assert presence(cars, "back_left_door", *left) > 0.7  # a coupe has none
    for name in ("front_bumper", "front_left_light", "front_right_light", "hood", "front_glass"):
        assert presence(cars, name, "front") == 1 and presence(cars, name, "back") == 0, name
    for name in ("back_bumper", "back_left_light", "back_right_light", "back_glass"):
        assert presence(cars, name, "back") == 1 and presence(cars, name, "front") == 0, name


def test_left_is_the_drivers_left(cars):
    """Seen from the front, the car's left is on the right of the picture; seen from the back, on the left."""
    for side, labels, _ in cars:
        for end, sign in (("front", 1), ("back", -1)):
            if side == end:
                left, right = (
                    np.nonzero(labels == spec.index(f"{end}_{name}_light"))[1].mean() for name in ("left", "right")
                )
                assert (left - right) * sign > WIDTH / 8


def test_drawn_car_fits_in_picture(cars):
    for side, labels, _ in cars:
        rows, columns = np.nonzero(labels)
        assert rows.min() > 0 and rows.max() < HEIGHT - 1 and columns.min() > 0 and columns.max() < WIDTH - 1
        assert (columns.max() - columns.min() > 0.55 * WIDTH) or side in ("front", "back")
        assert 0.15 < (labels > 0).mean() < 0.75


def test_drawn_cars_differ_and_are_not_flat(cars):
    images = np.stack([image for _, _, image in cars]).astype(float)
    assert len(np.unique(images.reshape(COUNT, -1), axis=0)) == COUNT
    assert images.std(axis=(1, 2, 3)).min() > 15  # no picture is flat
    assert not (images.reshape(COUNT, 3, -1).max(1) == 0).all(-1).any()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 64), (64, 32)])
def test_drawn_cars_fill_any_aspect_ratio(height, width):
    sample = DrawnCars(3, height, width, 0)[1]
    assert (sample.image.max(0) > 0).mean() > 0.98 and len(np.unique(sample.labels)) > 5


def test_every_drawn_element_has_a_rule():
    known = rules()
    for name in spec.names[1:]:
        assert [paint.label for paint in known.find(name, 0)] == [spec.index(name)]
    assert known.find("shadow", 0) == known.find("backdrop", 0) == known.find("seam", 0) == ()


@pytest.mark.parametrize("kind", SHAPES)
def test_panels_face_outwards_and_are_symmetric(kind):
    body = Body(SHAPES[kind][1])
    panels = car_panels(body)
    for panel in panels:
        length = np.linalg.norm(panel.normals, axis=-1)  # 0 at the tip of a window, where the pillars meet
        assert (np.abs(length - 1) < 1e-3).sum() >= 4 and length.max() < 1 + 1e-9
        assert np.isfinite(panel.outline).all() and ((panel.spine - (0, 0, 0.6)) * panel.normals).sum() > 0
    left, right = ([panel for panel in panels if panel.zone == f"{side}_side"] for side in ("left", "right"))
    assert len(left) == len(right) > 5
    for one, other in zip(left, right, strict=True):
        np.testing.assert_allclose(one.outline * (1, -1, 1), other.outline, atol=1e-12)
        assert one.part.replace("left", "right") == other.part
    points = np.concatenate([panel.outline for panel in panels])
    reach = np.ptp(points, axis=0)
    np.testing.assert_allclose(reach[:2], (body.shape.length, body.shape.width), rtol=0.05)
    assert points[:, 2].max() == pytest.approx(body.shape.height, rel=0.03)


def test_camera_projects_fits_and_finds_the_horizon():
    camera = Camera.around(0, 1.5, 8.0, np.array([0.0, 0.0, 0.5]))
    left, right, above = camera.project(np.array([[0, 1, 0.5], [0, -1, 0.5], [0, 0, 2.0]]))
    assert left[0] > right[0] and above[1] < left[1]  # from the front, left is on the right; y is downwards
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    fitted = camera.fitted(points, (10, 20, 100, 60))
    plane = fitted.project(points)
    assert plane[:, 1].max() == pytest.approx(80) and (plane.min(0) >= (10 - 1e-9, 20 - 1e-9)).all()
    assert plane[:, 0].min() + plane[:, 0].max() == pytest.approx(120)
    far = fitted.project(np.array([-1e7, 0.0, 0.0]))
    assert far[1] == pytest.approx(fitted.horizon(), abs=1e-3)


@pytest.mark.parametrize("count", [3, 8, 60, 2000])
def test_convex_hull_is_convex_and_contains_points(count):
    points = np.random.default_rng(count).uniform(-1, 1, (count, 2))
    hull = convex_hull(points)
    edges = np.roll(hull, -1, 0) - hull
    turned = edges[:, 0] * np.roll(edges, -1, 0)[:, 1] - edges[:, 1] * np.roll(edges, -1, 0)[:, 0]
    assert (turned > 0).all()
    beside = edges[:, None, 0] * (points - hull[:, None])[..., 1] - edges[:, None, 1] * (points - hull[:, None])[..., 0]
    assert (beside / np.linalg.norm(edges, axis=1)[:, None] > -0.04).all()
    assert np.isin(hull, points).all() and len(hull) >= 3


def test_view_has_aspect_ratio_of_recipes():
    for name in ("quick", "cars128", "cars256"):
        data = spec.recipes[name].overrides["data"]
        assert data["width"] / data["height"] == VIEW[2] / VIEW[3]
