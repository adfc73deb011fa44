"""Plans from categories, from what data shows, and within a budget."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from composegan.cli import main
from composegan.config.compose import compose, load_config
from composegan.config.errors import UserError
from composegan.config.schema import BudgetConfig
from composegan.data.sample import Sample
from composegan.data.statistics import class_statistics
from composegan.domain import DomainSpec, SemanticClass
from composegan.grouping.affinity import affinity, distances, merges
from composegan.grouping.budget import bytes_in, within
from composegan.grouping.cost import cost_of, estimate
from composegan.grouping.plan import GroupingPlan
from composegan.grouping.policies import propose
from composegan.grouping.taxonomy import check_grouping, taxonomy
from composegan.training.build import build

CLASSES = [("sky", "far"), ("road", "flat"), ("walk", "flat/side"), ("car", ""), ("bus", "thing/big")]
SPEC = DomainSpec("town", tuple(SemanticClass(name, (i, i, i), category) for i, (name, category) in enumerate(CLASSES)))


class Pictures:
    """Two large pale classes, one over the other, and one of two small dark ones; a fifth is never there."""

    def __len__(self):
        return 20

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


def test_statistics_are_what_is_in_the_pictures(statistics):
    s = statistics
    assert s.images == 20 and s.presence.tolist() == [1, 1, 0.5, 0.5, 0]
    np.testing.assert_allclose(s.area, [6 / 16, 10 / 16 - 6 / 512, 3 / 512, 3 / 512, 0])
    assert s.together[2, 3] == 0 and s.together[0, 2] == 0.5
    np.testing.assert_allclose(s.position.sum(axis=0), 1)
    assert (s.position[0, :3] == 1).all() and (s.position[0, 3:] == 0).all()
    np.testing.assert_allclose(s.color[[0, 1]] * 255, [[199.5] * 3, [189.5] * 3], atol=0.5)
    assert s.sets.shape == (2, 5) and s.counts.tolist() == [10, 10]


def test_they_are_kept_and_taken_anew_when_the_data_changes(tmp_path, monkeypatch):
    first = class_statistics(Pictures(), 5, cache=tmp_path)
    monkeypatch.setattr("composegan.data.statistics.measure", lambda *_: pytest.fail("measured again"))
    again = class_statistics(Pictures(), 5, cache=tmp_path)
    np.testing.assert_array_equal(first.position, again.position)
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    monkeypatch.undo()
    np.testing.assert_array_equal(class_statistics(Pictures(), 5, cache=tmp_path).area, first.area)


def test_alike_classes_are_joined_first(statistics):
    assert affinity(statistics, 3) == GroupingPlan(((0, 1), (2, 3), (4,)))
    assert affinity(statistics, 2) == GroupingPlan(((0, 1, 2, 3), (4,)))
    distance = distances(statistics)
    np.testing.assert_array_equal(distance, distance.T)
    assert (np.diagonal(distance) == 0).all() and np.isfinite(distance).all()
    ladder = merges(distance)
    assert [len(plan.groups) for plan in ladder] == [5, 4, 3, 2, 1]
    for finer, coarser in pairwise(ladder):
        assert all(any(set(group) <= set(joined) for joined in coarser.groups) for group in finer.groups)


def test_the_taxonomy_is_followed_down_to_a_level():
    assert taxonomy(SPEC, 1) == GroupingPlan(((0,), (1, 2), (3,), (4,)))
    assert taxonomy(SPEC, 2) == GroupingPlan.per_class(5)


@pytest.mark.parametrize(
    ("grouping", "plan"),
    [
        ("per_class", GroupingPlan.per_class(5)),
        ("taxonomy", GroupingPlan(((0,), (1, 2), (3,), (4,)))),
        ("affinity:3", GroupingPlan(((0, 1), (2, 3), (4,)))),
        ([["sky", "road", "walk"], ["car", "bus"]], GroupingPlan(((0, 1, 2), (3, 4)))),
    ],
)
def test_what_the_setting_means(statistics, grouping, plan):
    check_grouping(grouping, SPEC)
    assert propose(grouping, SPEC, lambda: statistics) == plan


def test_within_a_budget_it_takes_as_many_groups_as_fit(statistics):
    for most in range(1, 6):
        assert len(propose("affinity", SPEC, lambda: statistics, lambda p: len(p.groups) <= most).groups) == most  # noqa: B023
    assert len(propose("affinity", SPEC, lambda: statistics).groups) == 4
    with pytest.raises(UserError, match="not even one group"):
        propose("affinity", SPEC, lambda: statistics, lambda plan: False)


@pytest.mark.parametrize(
    ("grouping", "reason"),
    [
        ("taxonomie", "did you mean 'taxonomy'"),
        ("taxonomy:3", "has 2 levels of categories"),
        ("taxonomy:x", "a number is needed, as in taxonomy:4"),
        ("affinity:0", "a number is needed"),
        ([["sky"]], "no group has"),
    ],
)
def test_a_setting_nobody_understands(grouping, reason):
    with pytest.raises(UserError, match=reason):
        check_grouping(grouping, SPEC)


def test_amounts_of_memory():
    assert bytes_in("24GB", "k") == bytes_in("24", "k") == 24 * 10**9 and bytes_in("1.5 mb", "k") == 1_500_000
    for text in ("", "x", "-1GB", "0", "24 GiB"):
        with pytest.raises(UserError, match="k=.*as in k=24GB"):
            bytes_in(text, "k")


@pytest.fixture
def tiny_run(tiny, shapes):
    return compose(["recipe=quick", *shapes, *tiny])


@pytest.mark.parametrize("recompute", [True, False])
def test_what_a_plan_costs_is_what_running_it_takes(tiny_run, recompute):
    config, spec = tiny_run.config, tiny_run.plugin.spec
    config.model.recompute = recompute
    for plan in (GroupingPlan.per_class(3), GroupingPlan(((0, 1), (2,)))):
        guess, real = estimate(config, spec, plan, 2), cost_of(config, *build(config, spec, plan), 2)
        assert (guess.generator, guess.discriminator, guess.local) == (real.generator, real.discriminator, real.local)
        assert guess.memory == pytest.approx(real.memory, rel=0.15)
        assert guess.saved_local == pytest.approx(real.saved_local, rel=0.15)
        assert guess.flops == pytest.approx(real.flops, rel=0.01)


def test_sharing_costs_fewer_parameters_and_recomputing_saves_memory(tiny_run):
    config, spec = tiny_run.config, tiny_run.plugin.spec
    config.model.recompute = True
    apart, shared = (estimate(config, spec, plan, 2) for plan in (GroupingPlan.per_class(3), GroupingPlan.single(3)))
    assert shared.local < apart.local
    config.model.recompute = False
    assert estimate(config, spec, GroupingPlan.per_class(3), 2).saved_local > 2 * apart.saved_local
    config.budget = BudgetConfig(parameters=(apart.generator - 1) / 1e6)
    fits = within(config, spec, 2)
    assert not fits(GroupingPlan.per_class(3)) and fits(GroupingPlan.single(3))


def test_the_verb_prints_what_fit_then_takes(tiny, shapes, tmp_path, capsys):
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}", f"data.cache={tmp_path / 'cache'}"]
    assert main(["plan", *settings, "grouping=affinity:2", "measure=on"]) == 0
    out = capsys.readouterr().out
    assert "per_class" in out and "single" in out and "s/step" in out
    groups = out[out.index("means:\n") :].splitlines()[1:]
    assert main(["fit", *settings, "grouping=affinity:2", "training.images=4"]) == 0
    (run,) = (tmp_path / "shapes").iterdir()
    assert load_config(run / "config.yaml").grouping == [line.strip().split(", ") for line in groups]
    assert main(["fit", f"run={run}", "training.images=8"]) == 0
    assert main(["plan", *settings, "budget.memory=1KB"]) == 2
    assert "not even one group" in capsys.readouterr().err
