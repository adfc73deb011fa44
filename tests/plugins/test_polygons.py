"""Fill polygons, and crop around a car."""

import numpy as np
import pytest

from composegan.plugins.cars.polygons import Part, crop, crop_around, inside


def rectangle(left, upper, right, lower):
    return np.array([(left, upper), (right, upper), (right, lower), (left, lower)], float)


@pytest.mark.parametrize("corners", [3, 4, 7, 12])
def test_inside_matches_ray_casting(corners):
    """By definition, a ray from the centre crosses the outline an odd number of times."""
    polygon = np.random.default_rng(corners).uniform(-4, 24, (corners, 2))
    expected = np.zeros((16, 20), bool)
    for row in range(16):
        for column in range(20):
            x, y = column + 0.5, row + 0.5
            for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
                if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                    expected[row, column] ^= True
    assert (inside(polygon, 16, 20) == expected).all()


@pytest.mark.parametrize("middle", [4.5, 4.0, 4.25])  # through pixel centres, between them, neither
def test_polygons_with_a_common_edge_leave_no_gap_or_overlap(middle):
    left, right = rectangle(1, 1, middle, 7), rectangle(middle, 1, 9, 7)
    both = inside(left, 8, 10).astype(int) + inside(right, 8, 10)
    assert both[1:7, 1:9].min() == both.max() == 1 and both.sum() == 6 * 8


def test_inside_clips_to_the_picture():
    assert not any(inside(rectangle(x, 2, x + 10, 8), 10, 20).any() for x in (-30, 50))
    assert inside(rectangle(-5, -5, 50, 50), 10, 20).all()


def test_crop_around_contains_parts_and_has_the_aspect_ratio():
    random = np.random.default_rng(2)
    for _ in range(50):
        corners = random.uniform(0, 300, (5, 2))
        left, upper, right, lower = crop_around([Part("hood", [corners])], (3, 2), 0.1)
        assert left <= corners[:, 0].min() and right >= corners[:, 0].max()
        assert upper <= corners[:, 1].min() and lower >= corners[:, 1].max()
        assert abs((right - left) * 2 - (lower - upper) * 3) <= 10  # whole pixels


def test_crop_is_moved_into_the_picture_and_padded():
    array = np.arange(24).reshape(4, 6)
    assert (crop(array, (-2, 1, 2, 3), "edge") == array[1:3, 0:4]).all()
    assert (crop(array, (4, 3, 8, 5), "edge") == array[2:4, 2:6]).all()
    wide = crop(array, (-1, 0, 7, 4), "constant")
    assert wide.shape == (4, 8) and (wide[:, 1:7] == array).all() and (wide[:, [0, 7]] == 0).all()
    moved = crop(array, (2, 0, 10, 4), "edge")  # keeps the whole picture
    assert moved.shape == (4, 8) and (moved[:, :6] == array).all() and (moved[:, 6] == array[:, 5]).all()
