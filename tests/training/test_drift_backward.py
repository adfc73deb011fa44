"""Pitfalls of torch and Lightning in backward passes, with several ranks and half precision; see test_drift.py."""

import os

import lightning
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from composegan.runs import fit as fitting
from composegan.runs.trainer import PlainDDPStrategy
from composegan.training.step import run_phase
from tests.helpers import Watching


@pytest.fixture
def group():
    """A group of one process; whatever group there is in the end goes."""
    before = dict(os.environ)  # Lightning says there where the others find it
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()
    os.environ.clear()
    os.environ.update(before)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 1))


def doubling(module):
    """DistributedDataParallel whose gradients, once they have gone through its all-reduce, are twice what they were."""

    def twice(state, bucket):
        done = torch.futures.Future()
        done.set_result(bucket.buffer() * 2)
        return done

    wrapped = DistributedDataParallel(module)
    wrapped.register_comm_hook(None, twice)
    return wrapped


def gradients(module):
    """What the module's weights have, and have no more afterwards."""
    found = [weight.grad for weight in module.parameters()]
    for weight in module.parameters():
        weight.grad = None
    return found


def shared(found, alone):
    """For each weight: how often its gradient is that of one process alone (2: it was shared), None without one."""
    pairs = zip(found, alone, strict=True)
    return [None if one is None else round((one / other).mean().item(), 4) for one, other in pairs]


RECONSIDER = "reconsider PlainDDPStrategy and average_gradients in runtime/distributed.py"


def test_ddp_shares_the_first_backward_pass_only(group):
    """DESIGN 6: of two backward passes after one forward pass DDP silently leaves the second to each process alone."""
    module, given = network(), torch.randn(4, 2)
    module(given).sum().backward()
    alone = gradients(module)
    wrapped = doubling(module)
    loss = wrapped(given).sum()
    loss.backward(retain_graph=True)
    first = shared(gradients(module), alone)
    loss.backward()
    second = shared(gradients(module), alone)
    assert (first, second) == ([2.0] * 4, [1.0] * 4), f"DDP shares a second backward pass, {RECONSIDER}"


def slope(module, given):
    """A penalty on a gradient, as R1. The last bias has no part in it."""
    given = given.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module(given).sum(), given, create_graph=True)
    return gradient.square().sum()


def test_ddp_does_not_share_a_penalty_and_fails_afterwards(group):
    """DESIGN 6: a penalty does not reach every weight; DDP waits for the rest, shares nothing, and says so a pass
    later. So do the generator and the discriminator in one wrapper: each phase moves one of them."""
    module, given = network(), torch.randn(4, 2)
    slope(module, given).backward()
    alone = gradients(module)
    wrapped = doubling(module)
    slope(wrapped, given).backward()
    assert shared(gradients(module), alone) == [1.0, 1.0, 1.0, None], f"DDP shares penalties, {RECONSIDER}"
    with pytest.raises(RuntimeError) as caught:
        slope(wrapped, given)
    assert "Expected to have finished reduction in the prior iteration" in str(caught.value), RECONSIDER


@pytest.mark.parametrize("strategy", [DDPStrategy, PlainDDPStrategy])
def test_a_step_fails_under_ddp_and_runs_under_ours(fit, monkeypatch, group, strategy):
    """Our module under both, as one process of one. That two share every phase's gradients: test_distributed.py."""
    make, phases = fitting.make_trainer, []

    def make_trainer(config):
        made = lightning.Trainer
        with monkeypatch.context() as patch:
            patch.setattr(lightning, "Trainer", lambda **settings: made(**{**settings, "strategy": strategy()}))
            return make(config)

    def noted(phase, *rest, **named):
        phases.append(phase.name)
        return run_phase(phase, *rest, **named)

    monkeypatch.setattr(fitting, "make_trainer", make_trainer)
    monkeypatch.setattr("composegan.training.step.run_phase", noted)
    small = ["training.images=6", "output.score_every=0"]
    if strategy is PlainDDPStrategy:
        fit(*small)
        assert phases == ["Dmain", "Dreg", "Gmain", "Greg", "Dmain", "Gmain", "Dmain", "Dreg", "Gmain", "Greg"]
        return
    with pytest.raises(RuntimeError) as caught:
        fit(*small)
    assert phases == ["Dmain", "Dreg"] and "parameters that were not used in producing the loss" in str(caught.value), (
        f"Lightning's DDP strategy goes further with our phases, or ends otherwise: {RECONSIDER}"
    )


def kinds_in(run):
    """The kinds of numbers that come out of every operation of a function."""
    found = set()
    with Watching(lambda function, results: found.update(x.dtype for x in results if x.is_floating_point())):
        run()
    return found


def test_autocast_halves_the_precision_of_a_penalty():
    """DESIGN 6: what R1 squares would be bfloat16's eight bits, though it says float32 of itself."""
    module, given = network(), torch.randn(4, 2)
    with torch.autocast("cpu", torch.bfloat16):
        half = kinds_in(lambda: slope(module, given))
        with torch.autocast("cpu", enabled=False):
            full = kinds_in(lambda: slope(module, given))
    assert (torch.bfloat16 in half, full) == (True, {torch.float32}), (
        "autocast treats penalties otherwise: reconsider Phase.full_precision in training/phases.py"
    )


@pytest.mark.parametrize(("precision", "mixed"), [("32", set()), ("bf16", {torch.bfloat16})])
def test_our_penalties_use_float32_only(fit, monkeypatch, precision, mixed):
    """In forward and backward passes and in the optimizer's step."""
    kinds = {}

    def noted(phase, *rest, **named):
        figures = []
        found = kinds_in(lambda: figures.append(run_phase(phase, *rest, **named)))
        kinds.setdefault(phase.name, set()).update(found)
        return figures[0]

    monkeypatch.setattr("composegan.training.step.run_phase", noted)
    fit("training.images=2", "output.score_every=0", f"training.precision={precision}")
    assert kinds["Dreg"] == kinds["Greg"] == {torch.float32}
    assert kinds["Dmain"] == kinds["Gmain"] == {torch.float32, *mixed}
