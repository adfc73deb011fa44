"""Typical shapes of classes, clustered from label maps."""

from __future__ import annotations

import numpy as np

from composegan.data.shapes import PLACES, SHAPES, typical_shapes


def halves(left: bool) -> np.ndarray:
    shape = np.zeros((PLACES, PLACES), np.uint8)
    shape[:, : PLACES // 2] = 255 * left
    shape[:, PLACES // 2 :] = 255 * (not left)
    return shape


def test_shapes_and_views_are_those_of_the_pictures():
    """Class 1 is left or right, and class 2 on the other side; class 3 never occurs."""
    pictures = [{1: halves(number % 3 == 0), 2: halves(number % 3 != 0)} for number in range(30)]
    found = typical_shapes(pictures, 4)
    shapes, counts = found["shapes"], found["shape_counts"]
    assert shapes.shape == (4, SHAPES, PLACES, PLACES) and counts.shape == (SHAPES, 4, SHAPES)
    assert counts.sum(axis=(0, 2)).tolist() == [0, 30, 30, 0]
    for index in (1, 2):
        used = counts[:, index].sum(axis=0)
        left = shapes[index, :, 0, 0] > 0.5
        assert used[left].sum() == (10 if index == 1 else 20) and used[~left].sum() == (20 if index == 1 else 10)
        assert {0.0, 1.0} == set(shapes[index][used > 0].ravel())
    together = np.einsum("vij,vkl->ikjl", counts[:, 1:2], counts[:, 2:3])[0, 0]  # shapes of 1 and 2 in one view
    left1, left2 = shapes[1, :, 0, 0] > 0.5, shapes[2, :, 0, 0] > 0.5
    assert together[left1][:, left2].sum() == 0 and together[left1][:, ~left2].sum() > 0


def test_same_pictures_give_the_same_shapes():
    draws = np.random.default_rng(0)
    pictures = [{0: (255 * (draws.random((PLACES, PLACES)) < 0.5)).astype(np.uint8)} for _ in range(40)]
    first, second = typical_shapes(pictures, 1), typical_shapes(pictures, 1)
    assert all(np.array_equal(first[name], second[name]) for name in first)
