"""Estimates, made on tensors without memory, against what torch's allocator gives out when the same step is run."""

import numpy as np
import pytest
import torch

from composegan.config.compose import compose
from composegan.networks.class_sets import ClassSets
from composegan.planning import measure as measuring
from composegan.planning.cost import estimate, fullest
from composegan.planning.measure import allocations, free_memory, measure
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training.build import build
from composegan.training.phases import draw_slots

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def hastily(monkeypatch):
    monkeypatch.setattr(measuring, "PATIENCE", 0.0)


def some_sets(classes: int, most: int) -> ClassSets:
    """Sets of up to `most` classes, each as frequent."""
    draws = np.random.default_rng(0)
    sets = np.zeros((20, classes), bool)
    for row in sets:
        row[draws.choice(classes, draws.integers(1, most + 1), replace=False)] = True
    return ClassSets(torch.from_numpy(sets), torch.ones(20))


def compare(config, spec, plan, batch, sets=None):
    guess, real = estimate(config, spec, plan, batch, sets), measure(config, spec, plan, batch, sets)
    assert (guess.generator, guess.local) == (real.generator, real.local)
    assert guess.saved_local == pytest.approx(real.saved_local, rel=0.15)
    assert real.seconds > 0
    return guess, real


def test_allocations_records_peak_and_held_bytes():
    with allocations(CPU) as found:
        kept = torch.zeros(1000)
        torch.zeros(5000)
    assert found.most >= 24_000 and found.held == kept.nbytes


@pytest.mark.parametrize(
    ("recompute", "sets"),
    [
        (True, True),
        (False, False),
        pytest.param(True, False, marks=pytest.mark.slow),
        pytest.param(False, True, marks=pytest.mark.slow),
    ],
)
def test_estimate_agrees_with_measurement(recipe, recompute, sets):
    composed = compose([*recipe, f"model.recompute={recompute}"])
    sets = some_sets(3, 2) if sets else None
    guess, real = compare(composed.config, composed.plugin.spec, GroupingPlan(((0, 1), (2,))), 2, sets)
    assert guess.memory == pytest.approx(real.memory, rel=0.25)  # scratch of convolutions counts for more in 16x16


def test_measure_restores_random_state(recipe):
    composed = compose([*recipe])
    torch.manual_seed(3)
    before, passes = torch.get_rng_state(), []
    measure(composed.config, composed.plugin.spec, GroupingPlan.single(3), 2, done=passes.append)
    assert torch.equal(before, torch.get_rng_state()) and passes == [1] * measuring.PASSES


@pytest.mark.slow
@pytest.mark.parametrize("domain", ["cityscapes", "faces"])
def test_estimates_of_the_quick_recipes(domain):
    composed = compose([f"domain={domain}", "recipe=quick"])
    config, spec = composed.config, composed.plugin.spec
    for plan in (GroupingPlan.per_class(len(spec.names)), GroupingPlan.single(len(spec.names))):
        guess, real = compare(config, spec, plan, config.training.batch)
        assert guess.memory == pytest.approx(real.memory, rel=0.15)
    guess, real = compare(config, spec, plan, config.training.batch, some_sets(len(spec.names), 12))
    assert guess.memory == pytest.approx(real.memory, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("groups", [1, 8, 30])
def test_estimates_of_the_papers_widths_on_streets(groups):
    """The local stage alone: a whole step of 128x256 takes minutes on a CPU."""
    composed = compose(["domain=cityscapes", "recipe=streets128"])
    config, spec = composed.config, composed.plugin.spec
    plan = GroupingPlan((*((k,) for k in range(groups - 1)), tuple(range(groups - 1, 30))))
    guess = estimate(config, spec, plan, 1)
    generator, _ = build(config, spec, plan)
    assert sum(p.numel() for p in generator.parameters()) == guess.generator
    codes = generator.expand(draw_slots(generator, 1, 0.0).detach()).requires_grad_()
    with allocations(CPU) as found:
        outputs = generator.local(codes)
    assert guess.saved_local == pytest.approx(found.held, rel=0.15)
    del outputs


def test_estimate_is_of_the_fullest_step(recipe):
    sets = some_sets(3, 3)
    worst = fullest(sets).draw(4)
    draws = torch.Generator().manual_seed(5)
    assert all(sets.draw(4, draws).sum() <= worst.sum() for _ in range(50))
    assert torch.equal(worst, fullest(sets).draw(4)) and fullest(None) is None
    composed = compose([*recipe])
    one = ClassSets(torch.eye(3, dtype=torch.bool), torch.ones(3))
    plan = GroupingPlan.per_class(3)
    few, every = (estimate(composed.config, composed.plugin.spec, plan, 2, given) for given in (one, None))
    assert few.saved_local < every.saved_local and few.flops < every.flops and few.generator == every.generator


def test_free_memory_is_plausible():
    free = free_memory(CPU)
    assert free is None or 10**6 < free < 10**15
