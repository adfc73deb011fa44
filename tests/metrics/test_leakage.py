"""The share of a change outside the edited classes."""

import pytest
import torch

from composegan.metrics.leakage import leakage, region_of


def test_leakage_is_the_share_of_change_outside():
    before = torch.zeros(3, 3, 4, 4)
    after = before.clone()
    after[0, :, 0, 0] = 0.3  # inside
    after[1, :, 3, 3] = 0.3  # outside
    after[2, :, 0, 0], after[2, 0, 3, 3] = 0.3, 0.3  # of one channel only outside
    region = torch.zeros(3, 4, 4, dtype=torch.bool)
    region[:, :2] = True
    assert leakage(before, after, region).tolist() == pytest.approx([0, 1, 0.25])
    assert leakage(before, before, region).tolist() == [0, 0, 0]


def test_region_of_joins_both_maps_and_grows():
    labels, others = torch.zeros(2, 1, 5, 5, dtype=torch.uint8).unbind()
    labels[0, 0, 0], others[0, 4, 4], others[0, 2, 2] = 1, 1, 2
    assert region_of(labels, others, [1]).nonzero().tolist() == [[0, 0, 0], [0, 4, 4]]
    assert region_of(labels, others, [1, 2]).sum() == 3
    assert region_of(labels, others, [1], margin=1).sum() == 8
