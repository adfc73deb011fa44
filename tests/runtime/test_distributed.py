"""Averages over ranks, and which rank a process is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from composegan.runtime import distributed
from composegan.runtime import ranks as processes


@pytest.fixture
def twins(monkeypatch):
    """As if a second rank had the same gradients."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.mul_(2))


@pytest.fixture
def twin_with_gradients(monkeypatch):
    """As if a second rank had gradients of zeros for all parameters."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.add_(1 if tensor.numel() == 2 else 0))


def convolution():
    torch.manual_seed(0)
    return nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)


def step_of_adam(between):
    layer = convolution()
    adam = torch.optim.Adam(layer.parameters(), lr=0.1, fused=True)
    for _ in range(2):
        adam.zero_grad()
        layer(torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))).square().sum().backward()
        between(layer.parameters())
        adam.step()
    return layer


def test_average_gradients_keeps_the_memory_order(twins):
    """Fused Adam would silently give each weight another's gradient."""
    alone = step_of_adam(lambda parameters: None)
    averaged = step_of_adam(lambda parameters: distributed.average_gradients(parameters, []))
    assert alone.weight.stride() != alone.weight.contiguous().stride()
    assert torch.equal(alone.weight, averaged.weight) and torch.equal(alone.bias, averaged.bias)


def test_average_gradients_takes_missing_ones_as_zero(twin_with_gradients):
    layer, reached = convolution(), []
    layer.bias.grad = torch.ones(4)
    distributed.average_gradients(layer.parameters(), reached)
    assert reached == [True, True]
    assert torch.equal(layer.weight.grad, torch.zeros_like(layer.weight))
    assert torch.equal(layer.bias.grad, torch.full((4,), 0.5))


def test_average_gradients_leaves_out_those_that_all_ranks_lack(twins):
    """Otherwise Adam would count a step for the parameter and decay its moments, with several ranks only."""
    layer, reached = convolution(), []
    layer.bias.grad = torch.ones(4)
    distributed.average_gradients(layer.parameters(), reached)
    assert reached == [False, True] and layer.weight.grad is None
    assert torch.equal(layer.bias.grad, torch.ones(4))
    layer.weight.grad = torch.ones_like(layer.weight)
    with pytest.raises(RuntimeError, match="in no process in the first such phase"):
        distributed.average_gradients(layer.parameters(), reached)


def test_average_gradients_does_nothing_on_one_rank():
    layer = convolution()
    distributed.average_gradients(layer.parameters(), [])
    assert layer.weight.grad is None


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"])
def test_first_process_by_environment(monkeypatch, name):
    for each in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(each, raising=False)
    assert processes.is_first_process()
    monkeypatch.setenv(name, "0")
    assert processes.is_first_process()
    monkeypatch.setenv(name, "1")
    assert not processes.is_first_process()
