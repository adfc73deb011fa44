"""Boundaries that are known before."""

from __future__ import annotations

import pytest
import torch

from composegan.editing.directions.boundary import find_boundary, split_extremes
from composegan.errors import UserError


def planted(n=600, d=12, noise=0.3, seed=0):
    """Codes (n, d) whose side is that of a normal (d,), but for noise."""
    draws = torch.Generator().manual_seed(seed)
    normal = torch.nn.functional.normalize(torch.randn(d, generator=draws), dim=0)
    codes = torch.randn(n, d, generator=draws) * 2 + 5
    sides = (codes - 5) @ normal + noise * torch.randn(n, generator=draws) > 0
    return codes, sides, normal


def test_a_planted_normal_is_found():
    codes, sides, normal = planted()
    boundary = find_boundary(codes, sides)
    assert boundary.normal @ normal > 0.98 and abs(boundary.normal.norm() - 1) < 1e-5
    assert boundary.accuracy > 0.9 and boundary.held_out in (120, 121)


def test_unequal_sides_do_not_tilt_the_boundary():
    """A tenth on one side: the accuracy is of both sides, not of saying no to all."""
    codes, _, normal = planted(n=3000)
    projected = codes @ normal
    sides = projected > projected.quantile(0.9)
    boundary = find_boundary(codes, sides)
    assert boundary.normal @ normal > 0.95 and boundary.accuracy > 0.9


def test_random_labels_are_at_chance_on_held_out_codes():
    """Although a code has so many dimensions that training codes separate perfectly."""
    draws = torch.Generator().manual_seed(1)
    boundary = find_boundary(torch.randn(400, 500, generator=draws), torch.rand(400, generator=draws) > 0.5)
    assert 0.3 < boundary.accuracy < 0.7


def test_too_few_codes_on_one_side_raises():
    codes, sides, _ = planted(100)
    sides[:] = False
    sides[:7] = True
    with pytest.raises(UserError, match="7 pictures have it and 93 do not; at least 20"):
        find_boundary(codes, sides)


def test_split_extremes_keeps_equal_values_together():
    values = torch.tensor([3.0, 1, 2, torch.nan, 6, 5, 4], dtype=torch.float64)
    low, high = split_extremes(values, 1 / 3)
    assert set(values[low].tolist()) == {1, 2} and set(values[high].tolist()) == {5, 6}
    low, high = split_extremes(torch.tensor([0.0] * 8 + [1, 2]), 0.33)
    assert low.tolist() == list(range(8)) and high.tolist() == [8, 9]
    low, high = split_extremes(torch.tensor([1.0] * 8 + [0, -2]), 0.33)
    assert low.tolist() == [8, 9] and high.tolist() == list(range(8))
    for nothing in (torch.full((5,), torch.nan), torch.zeros(0)):
        assert [len(side) for side in split_extremes(nothing, 0.3)] == [0, 0]
    low, high = split_extremes(torch.ones(5), 0.3)
    assert min(len(low), len(high)) == 0
