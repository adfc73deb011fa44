"""Several processes as one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from composegan.runs.checkpoint import read
from composegan.runtime import distributed
from composegan.runtime import ranks as processes

TWO = ["trainer.devices=2", "training.batch=4", "output.score_every=0"]

NOTES = """
import os, sys, torch
from composegan.cli import main
from composegan.training import module
from composegan.runtime import distributed
from composegan.runs.recorder import Ending

rank = os.environ.get("LOCAL_RANK", "0")
notes = {"own": [], "mean": []}
average, end = module.average_gradients, Ending.on_train_end

def noted(parameters, reached):
    parameters = list(parameters)
    notes["own"].append([None if p.grad is None else p.grad.clone() for p in parameters])
    average(parameters, reached)
    notes["mean"].append([None if p.grad is None else p.grad.clone() for p in parameters])
    assert all(p.grad is None or p.grad.stride() == p.stride() for p in parameters)

def on_train_end(ending, trainer, module):
    end(ending, trainer, module)
    notes["state"] = module.checkpoint()
    torch.save(notes, f"rank{rank}.pt")

module.average_gradients, Ending.on_train_end = noted, on_train_end
sys.exit(main(sys.argv[1:]))
"""
"""`composegan` that also writes what each rank saw. Lightning starts the second process with this script again."""


@pytest.fixture
def fit_on_two(tmp_path, tiny, shapes):
    """(settings...) -> the notes of both ranks."""
    (tmp_path / "script.py").write_text(NOTES)

    def fit_on_two(*settings):
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        subprocess.run(
            [sys.executable, "script.py", "fit", *settings],
            cwd=tmp_path, env=environment, check=True, timeout=600,
        )  # fmt: skip
        return [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2)]

    return fit_on_two


def new_run(tiny, shapes, name, *settings):
    return ["recipe=quick", *shapes, *tiny, *TWO, f"output.root={name}", *settings]


@pytest.mark.slow
def test_two_processes(fit_on_two, tiny, shapes, tmp_path, capfd):
    whole = fit_on_two(*new_run(tiny, shapes, "whole"))
    out, err = capfd.readouterr()
    assert err == "" and out.count("2 x cpu") == out.count("done: ") == 1  # one of the two speaks

    own, other = whole
    state, same = own["state"], other["state"]
    assert state["images_seen"] == 24 and state["world"] == 2
    for name, tensor in state["networks"].items():
        assert torch.equal(tensor, same["networks"][name]), name
    for mine, theirs in zip(state["optimizers"], same["optimizers"], strict=True):
        for index, moments in mine["state"].items():
            assert all(torch.equal(value, theirs["state"][index][key]) for key, value in moments.items())
    assert state["networks"]["path_mean"] > 0

    assert len(own["own"]) == len(other["own"]) == 6 + 6 + 3 + 3
    for before, theirs, after in zip(own["own"], other["own"], own["mean"], strict=True):
        assert not all(a is None or torch.equal(a, b) for a, b in zip(before, theirs, strict=True))
        for a, b, mean in zip(before, theirs, after, strict=True):
            assert (a is None) == (b is None) == (mean is None)
            if a is not None:
                torch.testing.assert_close(mean, (a + b) / 2, rtol=1e-6, atol=1e-9)

    fit_on_two(*new_run(tiny, shapes, "half", "training.images=12"))
    (run,) = (tmp_path / "half" / "shapes").iterdir()
    continued = fit_on_two(f"run={run}", "training.images=24")
    for name, tensor in state["networks"].items():
        assert torch.equal(tensor, continued[0]["state"]["networks"][name]), name


INTERRUPT = """
import os, signal, sys
from composegan.cli import main
from composegan.training.step import TrainingStep
step = TrainingStep.run
def training_step(module, batch, *rest):
    if module.images_seen == 8 and module.global_rank == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    return step(module, batch, *rest)
TrainingStep.run = training_step
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_any_process_may_be_the_one_that_is_told_to_stop(fit_on_two, tiny, shapes, tmp_path, capfd):
    (tmp_path / "script.py").write_text(INTERRUPT)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        fit_on_two(*new_run(tiny, shapes, "runs"))
    out, err = capfd.readouterr()
    (run,) = (tmp_path / "runs" / "shapes").iterdir()
    assert caught.value.returncode == 130
    assert out.splitlines()[-1] == f"stopped at 12 images; to resume: composegan fit run={run.relative_to(tmp_path)}"
    assert err == "\nstopping after this step; again to stop at once\ncomposegan: interrupted\n"
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 12


@pytest.fixture
def twins(monkeypatch):
    """As if a second process had the same gradients as this one."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.mul_(2))


@pytest.fixture
def a_twin_with_gradients(monkeypatch):
    """As if a second process had gradients for all parameters, of zeros."""
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


def test_averaging_keeps_the_memory_order(twins):
    """Fused Adam would silently give each weight another's gradient."""
    alone = step_of_adam(lambda parameters: None)
    averaged = step_of_adam(lambda parameters: distributed.average_gradients(parameters, []))
    assert alone.weight.stride() != alone.weight.contiguous().stride()
    assert torch.equal(alone.weight, averaged.weight) and torch.equal(alone.bias, averaged.bias)


def test_a_gradient_that_another_process_has_counts_as_zero_here(a_twin_with_gradients):
    layer, reached = convolution(), []
    layer.bias.grad = torch.ones(4)
    distributed.average_gradients(layer.parameters(), reached)
    assert reached == [True, True]
    assert torch.equal(layer.weight.grad, torch.zeros_like(layer.weight))
    assert torch.equal(layer.bias.grad, torch.full((4,), 0.5))


def test_a_gradient_that_no_process_has_stays_away(twins):
    """Else Adam would count a step for the parameter and forget part of its second moment, on two devices only."""
    layer, reached = convolution(), []
    layer.bias.grad = torch.ones(4)
    distributed.average_gradients(layer.parameters(), reached)
    assert reached == [False, True] and layer.weight.grad is None
    assert torch.equal(layer.bias.grad, torch.ones(4))
    layer.weight.grad = torch.ones_like(layer.weight)
    with pytest.raises(RuntimeError, match="in no process in the first such phase"):
        distributed.average_gradients(layer.parameters(), reached)


def test_alone_nothing_is_touched():
    layer = convolution()
    distributed.average_gradients(layer.parameters(), [])
    assert layer.weight.grad is None


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"])
def test_the_first_process_is_told_from_the_environment(monkeypatch, name):
    for each in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(each, raising=False)
    assert processes.is_first_process()
    monkeypatch.setenv(name, "0")
    assert processes.is_first_process()
    monkeypatch.setenv(name, "1")
    assert not processes.is_first_process()
