"""Typical shapes of classes, clustered from label maps."""

from __future__ import annotations

import numpy as np

from composegan.data.shapes import PLACES, SHAPES, typical_shapes


def halves(left: bool) -> np.ndarray:
    shape = np.zeros((PLACES, PLACES), np.uint8)
    shape[:, : PLACES // 2] = 255 * left
    shape[:, PLACES // 2 :] = 255 * (not left)
    return shape


def test_shapes_of_a_view_are_those_of_its_pictures():
    """Class 1 is left or right, and class 2 on the other side; class 3 never occurs."""
    pictures = [{1: halves(number % 3 == 0), 2: halves(number % 3 != 0)} for number in range(30)]
    found = typical_shapes(pictures, 4)
    shapes, counts = found["shapes"], found["shape_counts"]
    assert shapes.shape == (4, SHAPES, PLACES, PLACES) and counts.shape == (SHAPES, 4)
    assert counts.sum(axis=0).tolist() == [0, 30, 30, 0] and counts[:, 1].tolist() == found["view_counts"].tolist()
    used, left = found["view_counts"] > 0, shapes[1, :, 0, 0] > 0.5
    assert found["view_counts"][left].sum() == 10
    for index, side in ((1, left), (2, ~left)):
        for view in np.flatnonzero(used):
            np.testing.assert_array_equal(shapes[index, view], halves(side[view]) / np.float32(255))


def test_same_pictures_give_the_same_shapes():
    draws = np.random.default_rng(0)
    pictures = [{0: (255 * (draws.random((PLACES, PLACES)) < 0.5)).astype(np.uint8)} for _ in range(40)]
    first, second = typical_shapes(pictures, 1), typical_shapes(pictures, 1)
    assert all(np.array_equal(first[name], second[name]) for name in first)
