"""The averaged generator."""

import pytest
import torch
from torch import nn

from composegan.training import ema


def test_decay_of_the_paper():
    assert ema.decay(32, 10**6, 10_000, 0) == pytest.approx(0.5 ** (32 / 10_000), rel=1e-12)


@pytest.mark.parametrize("batch", [1, 8, 50])
def test_average_forgets_half_in_a_half_life(batch):
    kept = 1.0
    for _ in range(200 // batch):
        kept *= ema.decay(batch, 10**6, 200, 0.05)
    assert kept == pytest.approx(0.5)


def test_ramp_up_limits_the_half_life():
    assert ema.decay(8, 1000, 2000, 0.05) == pytest.approx(0.5 ** (8 / 50))
    assert ema.decay(8, 40_000, 2000, 0.05) == ema.decay(8, 10**9, 2000, 0.05) == ema.decay(8, 1, 2000, 0)


def test_decay_is_0_at_the_start():
    assert ema.decay(8, 0, 2000, 0.05) == 0


def network(value):
    layer = nn.BatchNorm1d(3)
    nn.init.constant_(layer.weight, value)
    layer.running_mean.fill_(value)
    return layer


def test_update_changes_parameters_only():
    average, model = network(1.0), network(5.0)
    ema.update(average, model, 0.75)
    assert torch.equal(average.weight, torch.full((3,), 0.75 * 1 + 0.25 * 5))
    assert torch.equal(average.running_mean, torch.ones(3))
    assert torch.equal(model.weight, torch.full((3,), 5.0))
    assert not average.weight.grad_fn


def test_update_is_exact_at_its_limits():
    average, model = network(0.1), network(0.7)
    ema.update(average, model, 1.0)
    assert torch.equal(average.weight, network(0.1).weight)
    ema.update(average, model, 0.0)
    assert torch.equal(average.weight, model.weight)
