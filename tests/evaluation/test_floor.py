"""The floor of edit leakage, on label maps whose coverage is known."""

import numpy as np
import pytest
import torch

from composegan.config.schema import DataConfig
from composegan.data.sample import Sample
from composegan.evaluation.floor import TIMES, enlarged, fine_labels, floor_of, recolouring
from composegan.evaluation.real import real_set


def square(start, size=16 * TIMES):
    """Class 1 from row and column `start` to the end."""
    fine = torch.zeros(size, size, dtype=torch.uint8)
    fine[start:, start:] = 1
    return fine


def test_recolouring_on_the_grid_leaks_nothing():
    leakage, margin, change = recolouring(square(8 * TIMES), 16, 16, 3)
    assert leakage[:2].tolist() == [0, 0] and margin[:2].tolist() == [0, 0]
    assert change[:2].tolist() == pytest.approx([0.75, 0.25]) and leakage[2].isnan()


def test_recolouring_off_the_grid_leaks_what_an_outline_covers():
    """The square begins 3/8 before a pixel, whose label is taken at its center: the pixels' 3/8 fall outside."""
    start = 8 * TIMES - 3
    leakage, margin, change = recolouring(square(start), 16, 16, 2)
    side = 8 + 3 / 8
    assert leakage[1].item() == pytest.approx(1 - 64 / side**2) and margin[1].item() == 0
    assert leakage[0].item() == 0  # its pixels hold all of it
    assert change[1].item() == pytest.approx(side**2 / 256)


def test_enlarged_labels_keep_straight_outlines_and_cut_corners():
    labels = torch.zeros(4, 4, dtype=torch.uint8)
    labels[:, 2:] = 3
    assert torch.equal(enlarged(labels, 32, 32), labels.repeat_interleave(8, 0).repeat_interleave(8, 1))
    labels[:2] = 0
    large = enlarged(labels, 32, 32)
    assert large[16, 16] == 0 and large[20, 20] == 3 and set(large.unique().tolist()) == {0, 3}


def test_fine_labels_are_read_at_their_own_size_if_it_is_enough():
    fine = np.random.default_rng(0).integers(0, 3, (16 * TIMES, 20 * TIMES), dtype=np.uint8)
    assert torch.equal(fine_labels(fine, 16, 16), torch.from_numpy(fine[:, 2 * TIMES : -2 * TIMES].copy()))


class Squares:
    """One square each, drawn at any size. opened: how many were read."""

    def __init__(self, count, size, opened):
        self.count, self.size, self.opened = count, size, opened

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.opened.append(index)
        labels = square((8 * TIMES - 3) * self.size // (16 * TIMES), self.size).numpy()
        return Sample(np.zeros((3, self.size, self.size), np.uint8), labels, str(index))


def test_floor_is_measured_on_detailed_labels_and_cached(tmp_path):
    coarse, fine = [], []
    data = DataConfig(height=16, width=16)
    source = Squares(3, 16, coarse)
    real = real_set(source, data, 2, "squares", 10, tmp_path, lambda: Squares(3, 16 * TIMES, fine))
    coarse.clear()
    first = floor_of(real)
    assert sorted(fine) == [0, 1, 2] and not coarse and first.images == 3
    side = 8 + 3 / 8
    leak = 1 - 64 / side**2
    assert first.leakage.tolist() == pytest.approx([0, leak]) and first.mean == 0
    assert first.mean_strict == pytest.approx(leak * side**2 / 256)
    again = floor_of(real)
    assert torch.equal(again.leakage, first.leakage) and len(fine) == 3
