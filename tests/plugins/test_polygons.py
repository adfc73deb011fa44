"""Fill polygons, and crop around a car."""

import numpy as np
import pytest

from composegan.plugins.cars.polygons import Part, crop_around, inside


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


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_crop_contains_parts_has_the_aspect_ratio_and_is_in_the_picture(margin):
    random = np.random.default_rng(2)
    for _ in range(50):
        corners = random.uniform((100, 100), (300, 280), (5, 2))
        rows, columns = crop_around([Part("hood", [corners])], (3, 2), margin, 400, 400)
        assert columns.start <= corners[:, 0].min() + 1 and columns.stop >= corners[:, 0].max() - 1
        assert rows.start <= corners[:, 1].min() + 1 and rows.stop >= corners[:, 1].max() - 1
        assert abs((columns.stop - columns.start) * 2 - (rows.stop - rows.start) * 3) <= 3  # whole pixels


def test_crop_of_a_car_that_does_not_fit_is_the_largest_in_the_picture():
    tall = [Part("hood", [rectangle(10, 20, 90, 95)])]
    assert crop_around(tall, (3, 2), 0.06, 100, 100) == (slice(24, 91), slice(0, 100))
    high = [Part("hood", [rectangle(10, 0, 90, 80)])]
    assert crop_around(high, (3, 2), 0.06, 100, 100) == (slice(6, 73), slice(0, 100))
    corner = [Part("hood", [rectangle(0, 0, 30, 20)])]
    assert crop_around(corner, (3, 2), 0.0, 100, 100) == (slice(0, 20), slice(0, 30))
    assert crop_around(corner, (3, 2), 0.5, 100, 100) == (slice(0, 50), slice(0, 75))


def test_crop_has_at_least_a_pixel():
    assert crop_around([Part("hood", [rectangle(5, 5, 5, 5)])], (3, 2), 0.06, 10, 10) == (slice(4, 5), slice(4, 5))
