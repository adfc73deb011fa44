"""The order of training, a pure function of seed and position."""

import numpy as np

from composegan.data.order import stream_flips, stream_indices


def positions(start, stop):
    return np.arange(start, stop, dtype=np.int64)


def test_epoch_is_a_permutation():
    indices = stream_indices(positions(0, 35), seed=1, count=7)
    for epoch in indices.reshape(5, 7):
        assert sorted(epoch) == list(range(7))
    assert len({tuple(epoch) for epoch in indices.reshape(5, 7)}) > 1


def test_part_of_stream_equals_whole():
    whole = stream_indices(positions(0, 100), seed=2, count=9), stream_flips(positions(0, 100), seed=2)
    for start, stop in ((0, 1), (8, 10), (37, 61), (99, 100)):
        assert (stream_indices(positions(start, stop), 2, 9) == whole[0][start:stop]).all()
        assert (stream_flips(positions(start, stop), 2) == whole[1][start:stop]).all()


def test_seed_changes_order_and_flips():
    place = positions(0, 200)
    assert (stream_indices(place, 0, 50) != stream_indices(place, 1, 50)).any()
    assert (stream_flips(place, 0) != stream_flips(place, 1)).any()


def test_order_is_stable_across_versions():
    """A run that is continued with a later composegan must see the same images."""
    assert stream_indices(positions(0, 8), seed=0, count=8).tolist() == [5, 0, 1, 4, 2, 6, 3, 7]
    flips = stream_flips(positions(0, 16), seed=0).astype(int)
    assert "".join(map(str, flips)) == "0010110000000111"


def test_flips_are_fair_and_independent():
    flips = stream_flips(positions(10**12, 10**12 + 100_000), seed=5)
    assert abs(flips.mean() - 0.5) < 0.01
    assert abs((flips[1:] == flips[:-1]).mean() - 0.5) < 0.01


def test_shift_takes_later_item_of_same_epoch():
    epoch = stream_indices(positions(6, 12), seed=3, count=6)
    assert (stream_indices(positions(6, 12), seed=3, count=6, shift=2) == np.roll(epoch, -2)).all()
