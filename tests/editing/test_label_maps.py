"""Label maps with moved classes."""

import numpy as np

from composegan.editing.label_maps import filled, grown, moved


def square(top, left, size, label=1, labels=None):
    labels = np.zeros((32, 32), np.uint8) if labels is None else labels.copy()
    labels[top : top + size, left : left + size] = label
    return labels


def test_a_shape_moves_and_leaves_what_is_around_it():
    np.testing.assert_array_equal(moved(square(4, 6, 8), [1], 5, -2), square(2, 11, 8))


def test_a_shape_cut_off_by_the_edge_continues_beyond_it():
    after = moved(square(24, 8, 8), [1], 0, -3)
    assert (after[21:, 8:16] == 1).all() and not (after[:21] == 1).any()


def test_small_enclosed_classes_stay_in_front():
    after = moved(square(10, 10, 3, 2, square(4, 4, 20)), [1], 4, 0)
    np.testing.assert_array_equal(after, square(10, 10, 3, 2, square(4, 8, 20)))


def test_what_is_seen_through_a_frame_does_not_become_frame():
    frame = square(8, 8, 8, 0, square(6, 6, 12))
    np.testing.assert_array_equal(moved(frame, [1], 3, 0), square(8, 11, 8, 0, square(6, 9, 12)))


def test_classes_move_together():
    after = moved(square(10, 10, 3, 2, square(4, 4, 20)), [1, 2], 4, 0)
    np.testing.assert_array_equal(after, square(10, 14, 3, 2, square(4, 8, 20)))


def test_details_do_not_fill_holes():
    labels = np.zeros((32, 32), np.uint8)
    labels[:, 16:] = 1
    labels[10:12, 10:12] = 5
    holes = square(8, 8, 8) == 1
    assert set(np.unique(filled(labels, holes & (labels != 5)))) == {0, 1, 5}
    assert (filled(labels, holes & (labels != 5)) == 5).sum() == 4


def test_filled_takes_the_nearest_label():
    labels = np.zeros((16, 48), np.uint8)
    labels[:, 24:] = 1
    holes = np.zeros_like(labels, bool)
    holes[:, 10:30] = True
    wanted = np.zeros_like(labels)
    wanted[:, 20:] = 1
    np.testing.assert_array_equal(filled(labels, holes), wanted)


def test_grown_reaches_so_many_pixels():
    point = np.zeros((9, 9), bool)
    point[4, 4] = True
    assert grown(point, 2).sum() == 25
