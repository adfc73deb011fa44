"""Plans from categories, from what data shows, and within a budget."""

import os
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest

from composegan.config.compose import compose
from composegan.config.schema import BudgetConfig, Config
from composegan.config.validate import validate
from composegan.data.sample import Sample
from composegan.data.statistics import class_statistics
from composegan.errors import UserError
from composegan.grouping import propose as grouping
from composegan.grouping.policies.affinity import distances, merges
from composegan.grouping.policies.taxonomy import taxonomy
from composegan.planning.budget import Limits, bytes_in
from composegan.planning.cost import estimate
from composegan.plugin.domain import DomainSpec, SemanticClass
from composegan.plugin.grouping_plan import GroupingPlan

CLASSES = [("sky", "far"), ("road", "flat"), ("walk", "flat/side"), ("car", ""), ("bus", "thing/big")]
SPEC = DomainSpec("town", tuple(SemanticClass(name, (i, i, i), category) for i, (name, category) in enumerate(CLASSES)))


class Pictures:
    """Two large pale classes, one over the other, and one of two small dark ones; a fifth is never there."""

    def __len__(self):
        return 20

    def fingerprint(self):
        return "pictures"

    def __getitem__(self, index):
        draws = np.random.default_rng(index)
        labels = np.zeros((16, 32), np.uint8)
        labels[6:] = 1
        labels[12:14, 4 * (index % 5) : 4 * (index % 5) + 3] = 2 + index % 2
        pale = np.array([200, 190, 30, 35])[labels]
        image = np.clip(pale + draws.integers(-5, 5, (3, 16, 32)), 0, 255).astype(np.uint8)
        return Sample(image, labels, str(index))


@pytest.fixture(scope="module")
def statistics():
    return class_statistics(Pictures(), 5)


def propose(value, statistics, budget=None):
    config = Config(grouping=value)
    validate(config, SPEC)
    return grouping.propose(config, SPEC, lambda: statistics, budget)


def test_statistics_of_known_images(statistics):
    s = statistics
    assert s.images == 20 and s.presence.tolist() == [1, 1, 0.5, 0.5, 0]
    np.testing.assert_allclose(s.area, [6 / 16, 10 / 16 - 6 / 512, 3 / 512, 3 / 512, 0])
    assert s.together[2, 3] == 0 and s.together[0, 2] == 0.5
    np.testing.assert_allclose(s.position.sum(axis=0), 1)
    assert (s.position[0, :3] == 1).all() and (s.position[0, 3:] == 0).all()
    np.testing.assert_allclose(s.color[[0, 1]] * 255, [[199.5] * 3, [189.5] * 3], atol=0.5)
    assert s.sets.shape == (2, 5) and s.counts.tolist() == [10, 10]


def test_statistics_are_cached_and_survive_a_damaged_cache(tmp_path, monkeypatch):
    first = class_statistics(Pictures(), 5, cache=tmp_path)
    monkeypatch.setattr("composegan.data.statistics.measure", lambda *_: pytest.fail("measured again"))
    again = class_statistics(Pictures(), 5, cache=tmp_path)
    np.testing.assert_array_equal(first.position, again.position)
    monkeypatch.undo()
    (file,) = tmp_path.rglob("*.npz")
    arrays = asdict(first)
    for spoil in (
        lambda: file.write_bytes(file.read_bytes()[:100]),
        lambda: (file.unlink(), os.mkfifo(file)),
        lambda: np.savez_compressed(file, **arrays, more=np.zeros(2**24)),
        lambda: np.savez(file, **arrays | {"area": np.zeros(4)}),
        lambda: np.savez(file, **arrays | {"area": np.array(["x"] * 5)}),
        lambda: np.savez(file, **arrays | {"counts": np.array(20)}),
        lambda: np.savez(file, **arrays | {"sets": np.ones((9, 5), bool)}),
    ):
        spoil()
        np.testing.assert_array_equal(class_statistics(Pictures(), 5, cache=tmp_path).area, first.area)


def test_similar_classes_are_joined_first(statistics):
    distance = distances(statistics)
    np.testing.assert_array_equal(distance, distance.T)
    assert (np.diagonal(distance) == 0).all() and np.isfinite(distance).all()
    ladder = merges(distance)
    assert [len(plan.groups) for plan in ladder] == [5, 4, 3, 2, 1]
    assert ladder[2:4] == [GroupingPlan(((0, 1), (2, 3), (4,))), GroupingPlan(((0, 1, 2, 3), (4,)))]
    for finer, coarser in pairwise(ladder):
        assert all(any(set(group) <= set(joined) for joined in coarser.groups) for group in finer.groups)


def test_taxonomy_groups_by_category_down_to_a_level():
    assert taxonomy(SPEC, 1) == GroupingPlan(((0,), (1, 2), (3,), (4,)))
    assert taxonomy(SPEC, 2) == GroupingPlan.per_class(5)


@pytest.mark.parametrize(
    ("grouping", "plan"),
    [
        ("per_class", GroupingPlan.per_class(5)),
        ("single", GroupingPlan.single(5)),
        ("progressive:3", GroupingPlan.single(5)),
        ("taxonomy", GroupingPlan(((0,), (1, 2), (3,), (4,)))),
        ("affinity:3", GroupingPlan(((0, 1), (2, 3), (4,)))),
        ([["sky", "road", "walk"], ["car", "bus"]], GroupingPlan(((0, 1, 2), (3, 4)))),
    ],
)
def test_setting_gives_plan(statistics, grouping, plan):
    assert propose(grouping, statistics) == plan


class AtMost:
    """A budget of the number of groups alone."""

    given = True

    def __init__(self, groups):
        self.groups = groups

    def __call__(self, plan):
        return not self.excess(plan)

    def excess(self, plan):
        return {f"budget.groups={self.groups}": f"{len(plan.groups)} groups"} if len(plan.groups) > self.groups else {}

    def refusal(self, plans):
        return UserError(f"not even {len(plans[-1].groups)}")


def test_affinity_takes_as_many_groups_as_the_budget_allows(statistics):
    for most in range(1, 6):
        assert len(propose("affinity", statistics, AtMost(most)).groups) == most
    assert len(propose("affinity", statistics).groups) == 4
    with pytest.raises(UserError, match="not even 1"):
        propose("affinity", statistics, AtMost(0))


@pytest.mark.parametrize(
    ("grouping", "said"),
    [
        ("per_class", "budget.groups=3: grouping=per_class needs 5 groups; grouping=affinity takes as many as fit"),
        ("taxonomy", "budget.groups=3: grouping=taxonomy needs 4 groups"),
        ("affinity:4", "budget.groups=3: grouping=affinity:4 needs 4 groups"),
        ([["sky"], ["road"], ["walk"], ["car", "bus"]], "budget.groups=3: the given grouping needs 4 groups"),
    ],
)
def test_plan_that_exceeds_the_budget_is_refused(statistics, grouping, said):
    with pytest.raises(UserError, match=said):
        propose(grouping, statistics, AtMost(3))
    assert len(propose(grouping, statistics, AtMost(5)).groups) in (4, 5)


@pytest.mark.parametrize(
    ("grouping", "reason"),
    [
        ("taxonomie", "did you mean 'taxonomy'"),
        ("taxonomy:3", "has 2 levels of categories"),
        ("taxonomy:x", "a number is needed, as in taxonomy:4"),
        ("affinity:0", "a number is needed, as in affinity:4"),
        ("progressive:0", "a number is needed, as in progressive:4"),
        ("affinity:6", "grouping=affinity:6: 1 to 5 groups, for 5 classes"),
        ("progressive:6", "grouping=progressive:6: 1 to 5 groups, for 5 classes"),
        ([["sky"]], "no group has"),
    ],
)
def test_invalid_setting_is_refused_before_data_is_read(grouping, reason):
    with pytest.raises(UserError, match=reason):
        validate(Config(grouping=grouping), SPEC)


def test_bytes_in_parses_amounts_of_memory():
    assert bytes_in("24GB", "k") == bytes_in("24", "k") == 24 * 10**9 and bytes_in("1.5 mb", "k") == 1_500_000
    for text in ("", "x", "-1GB", "0", "24 GiB"):
        with pytest.raises(UserError, match="k=.*as in k=24GB"):
            bytes_in(text, "k")


def test_sharing_saves_parameters_and_recomputing_saves_memory(recipe):
    composed = compose(recipe)
    config, spec = composed.config, composed.plugin.spec
    config.model.recompute = True
    apart, shared = (estimate(config, spec, plan, 2) for plan in (GroupingPlan.per_class(3), GroupingPlan.single(3)))
    assert shared.local < apart.local
    config.model.recompute = False
    assert estimate(config, spec, GroupingPlan.per_class(3), 2).saved_local > 2 * apart.saved_local
    config.budget = BudgetConfig(parameters=(apart.generator - 1) / 1e6)
    fits = Limits(config, spec, 2)
    assert not fits(GroupingPlan.per_class(3)) and fits(GroupingPlan.single(3))
