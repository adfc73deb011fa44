"""How much classes disagree, and where their group comes apart."""

from itertools import combinations

import numpy as np
import pytest
import torch

from composegan.grouping.conflict import conflict, cosines, halves
from composegan.grouping.policies.progressive import next_split
from composegan.plugin.grouping_plan import GroupingPlan


def gradients(*vectors):
    """Each class's gradient on three layers of 2 x 2 weights, of another size in every layer: (2, 3, K, 2, 2)."""
    one = torch.tensor(vectors, dtype=torch.float32).view(len(vectors), 2, 2)
    return torch.stack((one, 1e-4 * one, 100 * one)).expand(2, -1, -1, -1, -1)


NORTH, EAST, SOUTH, NOTHING = (1.0, 0, 0, 0), (0, 1.0, 0, 0), (-1.0, 0, 0, 0), (0, 0, 0, 0)


def alike(*vectors):
    return cosines(gradients(*vectors)).numpy()


def test_cosines_ignore_magnitude():
    big = tuple(1e3 * x for x in NORTH)
    expected = [[1, 1, 0, -1, 0], [1, 1, 0, -1, 0], [0, 0, 1, 0, 0], [-1, -1, 0, 1, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(alike(NORTH, big, EAST, SOUTH, NOTHING), expected, atol=1e-12)


def test_cosines_weight_layers_equally():
    same, apart = torch.tensor([[1.0, 0], [1.0, 0]]), torch.tensor([[1.0, 0], [0, 1.0]])
    layers = torch.stack((1e6 * same, apart)).unsqueeze(3)  # (2, K, 2, 1)
    np.testing.assert_allclose(cosines(layers.expand(2, -1, -1, -1, -1)), [[1, 0.5], [0.5, 1]])


def test_cosines_ignore_noise():
    """Two classes of one direction and one of the other, in noise of their own: it is as without noise. One that has
    nothing but noise counts as one without a gradient."""
    draws = torch.Generator().manual_seed(0)
    kinds = torch.randn(2, 4096, generator=draws)
    signal = torch.stack((kinds[0], kinds[0], kinds[1], torch.zeros(4096)))
    halves_of = signal + torch.randn(2, 1, 4, 4096, generator=draws)
    table = cosines(halves_of.unflatten(3, (64, 64))).numpy()
    assert table[0, 1] == pytest.approx(1, abs=0.1) and table[0, 2] == pytest.approx(0, abs=0.1)
    assert (table[3] == 0).all() and (table[:, 3] == 0).all()
    plain = torch.nn.functional.normalize(halves_of.sum(dim=0)[0], dim=1)
    assert plain[0] @ plain[1] < 0.75  # what noise makes of two that agree


@pytest.mark.parametrize(
    ("vectors", "lost"),
    [
        ([NORTH, NORTH, NORTH], 0),
        ([NORTH, SOUTH], 1),
        ([NORTH, EAST], 1 - 2**-0.5),
        ([NORTH, NORTH, SOUTH], 2 / 3),
        ([NORTH, NOTHING, SOUTH], 1),
        ([NORTH, NOTHING], 0),
        ([NOTHING, NOTHING], 0),
    ],
)
def test_conflict_is_the_fraction_that_cancels(vectors, lost):
    assert conflict(alike(*vectors), range(len(vectors))) == pytest.approx(lost, abs=1e-9)


def test_conflict_counts_members_only():
    table = alike(NORTH, SOUTH, NORTH, EAST)
    assert conflict(table, [0, 2]) == pytest.approx(0, abs=1e-12) and conflict(table, [0, 1]) == pytest.approx(1)
    assert conflict(table, [1]) == 0


def test_halves_separate_classes_that_disagree():
    table = alike(NORTH, SOUTH, (1, 0.1, 0, 0), (-1, 0.2, 0, 0), (1, -0.1, 0, 0))
    assert halves(table, range(5)) == ((0, 2, 4), (1, 3))
    assert halves(table, [1, 2]) == ((1,), (2,))


def test_halves_keep_a_class_without_gradient_with_the_larger_part():
    assert halves(alike(NOTHING, NORTH, SOUTH, SOUTH, NOTHING), range(5)) == ((0, 2, 3, 4), (1,))


def test_conflict_ignores_gradients_that_are_not_finite():
    table = alike((float("nan"), 0, 0, 0), NORTH, SOUTH, SOUTH)
    assert halves(table, range(4)) == ((0, 2, 3), (1,))
    assert conflict(table, [0, 1, 2]) == pytest.approx(1) and conflict(table, [0, 1]) == 0


def test_halves_join_the_first_of_equals():
    table = np.eye(6)
    assert halves(table, range(6)) == halves(table.copy(), range(6)) == ((0, 1, 2, 3), (4, 5))


@pytest.mark.parametrize("seed", range(5))
def test_halves_match_exhaustive_search_under_noise(seed):
    """The greedy search finds the bipartition that keeps most: `|S_A| + |S_B|`, as a search of all 2^8 does."""
    draws = torch.Generator().manual_seed(seed)
    kinds = torch.randn(2, 40, generator=draws)
    which = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1, 0])
    vectors = kinds[which] + 0.7 * torch.randn(9, 40, generator=draws)
    table = cosines(vectors.view(1, 1, 9, 5, 8).expand(2, -1, -1, -1, -1)).numpy()

    def kept(part):
        return sum(np.sqrt(table[np.ix_(half, half)].sum()) for half in (part, [k for k in range(9) if k not in part]))

    best = max((part for n in range(1, 9) for part in combinations(range(9), n)), key=lambda part: kept(list(part)))
    assert set(halves(table, range(9))) == {best, tuple(k for k in range(9) if k not in best)}
    assert set(halves(table, range(9))) == {(0, 3, 5, 6, 8), (1, 2, 4, 7)}


def test_next_split_takes_the_group_with_most_conflict():
    table = alike(NORTH, EAST, NORTH, SOUTH, EAST)
    plan = GroupingPlan(((0, 1), (2, 3), (4,)))
    split = next_split(plan, table)
    assert (split.members, split.halves) == ((2, 3), ((2,), (3,))) and split.conflict == pytest.approx(1)
    assert split.plan == GroupingPlan(((0, 1), (2,), (3,), (4,)))
    assert next_split(split.plan, table).plan == GroupingPlan.per_class(5)


def test_next_split_without_conflict_is_none():
    assert next_split(GroupingPlan.single(3), alike(NORTH, NOTHING, NOTHING)) is None
    assert next_split(GroupingPlan.per_class(2), alike(NORTH, SOUTH)) is None
