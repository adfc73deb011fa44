"""Drawn streets contain every class, in realistic proportions and positions."""

from dataclasses import replace

import numpy as np
import pytest

from composegan.data import check_sample
from composegan.plugins.cityscapes import draw_streets, spec
from composegan.plugins.cityscapes.street.camera import Camera, Pose, facing
from composegan.plugins.cityscapes.street.light import WEATHER
from composegan.plugins.cityscapes.street.source import StreetSource

COUNT, HEIGHT, WIDTH = 80, 64, 128


@pytest.fixture(scope="module")
def streets():
    """(images uint8 (N, 3, H, W), labels uint8 (N, H, W)) of COUNT streets."""
    source = draw_streets(COUNT, HEIGHT, WIDTH, 0)
    samples = [check_sample(source[index], 30) for index in range(COUNT)]
    return np.stack([item.image for item in samples]), np.stack([item.labels for item in samples])


@pytest.fixture(scope="module")
def shares(streets):
    """Class name -> (fraction of scenes that contain it, fraction of all pixels)."""
    counts = np.stack([np.bincount(item.ravel(), minlength=30) for item in streets[1]])
    presence, area = (counts > 0).mean(0), counts.sum(0) / counts.sum()
    return dict(zip(spec.names, zip(presence.tolist(), area.tolist(), strict=True), strict=True))


def test_streets_have_common_classes(shares):
    common = ("road", "sidewalk", "building", "vegetation", "sky", "car", "pole")
    assert [name for name in common if shares[name][0] <= 0.85] == []
    dominant = sorted(shares, key=lambda name: -shares[name][1])[:5]
    assert set(dominant) == {"road", "building", "vegetation", "car", "sky"} and dominant[0] == "road"
    assert 0.2 < shares["road"][1] < 0.45


def test_rare_classes_are_rare(shares):
    rare = ("caravan", "trailer", "tunnel", "guard_rail", "polegroup", "bridge")
    assert [name for name in rare if shares[name][0] >= 0.15] == []
    for common, rare in (("traffic_sign", "polegroup"), ("person", "motorcycle"), ("car", "truck"), ("wall", "tunnel")):
        assert shares[common][0] > 2 * shares[rare][0]


def test_street_has_a_dozen_classes(streets):
    present = [len(np.unique(item)) for item in streets[1]]
    assert 11 <= np.mean(present) <= 15 and min(present) >= 6 and max(present) <= 22


def test_every_class_is_drawn_at_maximal_chances():
    """Maximal probabilities, so that few scenes are enough."""
    streets = dict(spec.foreign["streets"])
    streets["chance"] = {name: 1.0 for name in streets["chance"]} | {"tunnel": 0.0}
    streets["count"] = {name: [1.0, *values[1:]] for name, values in streets["count"].items()}
    seen = set()
    for tunnel in (0.0, 1.0):
        streets["chance"]["tunnel"] = tunnel
        source = StreetSource(replace(spec, foreign={"streets": streets}), count=12, height=96, width=192, seed=1)
        seen |= {label for index in range(12) for label in np.unique(source[index].labels).tolist()}
    assert [spec.names[label] for label in range(30) if label not in seen] == []


@pytest.mark.slow
def test_every_class_is_drawn_at_default_chances():
    """Among the streets of a first training run."""
    source, seen = draw_streets(600, 64, 128, 0), set()
    for index in range(600):
        seen |= set(np.unique(source[index].labels).tolist())
    assert seen == set(range(30))


def test_street_classes_lie_at_plausible_positions(streets):
    labels = streets[1]
    rows = np.arange(HEIGHT)[None, :, None] / HEIGHT

    def mean_row(name):
        mask = labels == spec.index(name)
        return (rows * mask).sum() / mask.sum()

    assert mean_row("sky") < mean_row("building") < mean_row("car") < mean_row("road")
    assert mean_row("traffic_light") < mean_row("bicycle")
    assert mean_row("rider") < mean_row("bicycle")
    road = labels == spec.index("road")
    assert road[:, -1].mean() > 0.4 and road[:, 0].mean() == 0


def test_street_labels_match_colors(streets):
    """Leaves are green, the sky is bright, and asphalt is grey."""
    images, labels = streets[0].transpose(0, 2, 3, 1).astype(float), streets[1]

    def colors(name):
        return images[labels == spec.index(name)]

    leaves, sky, road = (colors(name) for name in ("vegetation", "sky", "road"))
    assert (leaves[:, 1] > leaves[:, 2] + 10).mean() > 0.7
    assert sky.mean() > road.mean() + 50
    assert np.median(road.max(1) - road.min(1)) < 25
    assert colors("road")[:, 0].mean() < colors("sidewalk")[:, 0].mean()


def test_label_edges_coincide_with_image_edges():
    """The image changes where the sky ends in the label map, not two pixels away."""
    source = draw_streets(20, 128, 256, 3)
    on, beside = [], []
    for index in range(20):
        sample = source[index]
        gray, sky = sample.image.astype(float).mean(0), sample.labels == spec.index("sky")
        step = np.abs(np.diff(gray, axis=0))
        edge = sky[:-1] & ~sky[1:]
        on.append(step[edge].mean())
        beside.append(step[2:][edge[:-2]].mean())
    assert np.mean(on) > 1.5 * np.mean(beside)


def test_street_is_the_same_at_two_sizes():
    small, large = (draw_streets(4, size, 2 * size, 0)[2].labels for size in (64, 128))
    assert (small == large[1::2, 1::2]).mean() > 0.9


def test_chances_name_existing_things():
    streets = spec.foreign["streets"]
    assert set(streets["weather"]) == set(WEATHER) and set(streets["settings"]) == set(streets["frontage"])
    assert set(streets["count"]) <= set(spec.names)
    for chance, least, most in streets["count"].values():
        assert 0 < chance <= 1 <= least <= most


def test_camera_projects_points_and_bends():
    camera = Camera(focal=200, height=1.5, horizon=40, centre=100, curvature=0.0)
    assert camera.point(0, 1.5, 10) == (100, 40)  # at the height of the lens, so on the horizon
    assert camera.point(2, 0, 20) == (120, 55)
    near, far = camera.point(3, 0, 5), camera.point(3, 0, 500)
    assert near[0] > far[0] > 100 and near[1] > far[1] > 40  # closer to the vanishing point
    bent = replace(camera, curvature=0.01)
    assert bent.point(0, 0, 20)[0] == pytest.approx(100 + 200 * 0.5 * 0.01 * 20)


def test_pose_headings():
    for heading, ahead in ((0.0, (3, 14)), (np.pi, (3, 6)), (np.pi / 2, (7, 10))):
        assert Pose(3, 10, heading).place(4, 0) == pytest.approx(ahead)


def test_facing_is_true_from_the_front_only():
    camera = Camera(200, 1.5, 40, 100, 0.0)
    assert facing(camera.quad(-1, 1, 0, 1, 10)) and not facing(camera.quad(-1, 1, 0, 1, 10)[::-1])
