"""Two ranks (gloo) compute what one computes with the joined batch."""

import itertools

import pytest
import torch
from torch.overrides import TorchFunctionMode

from composegan.networks.discriminator import minibatch_deviation
from composegan.runtime.distributed import average_gradients
from composegan.training.parts import derive_seed
from composegan.training.step import TrainingStep, run_phase

BATCH = ["training.batch=8", "training.images=24", "output.score_every=0"]
"""Four images a rank: one group of the discriminator's minibatch deviation. Steps with and without regularizers."""


class Notes:
    """Of a training: before each phase the weights, and behind it the gradients. taught: weights to put there first."""

    def __init__(self, patch, taught=None):
        self.phases = []
        run = TrainingStep.run

        def run_noted(step, *given):
            def noted(phase, state, *rest, **named):
                if taught is not None:
                    step.load_state_dict(taught[len(self.phases)]["before"])
                before = {name: tensor.clone() for name, tensor in step.state_dict().items()}
                moving = getattr(step, phase.network)
                gradients = {}

                def average_noted(parameters, reached):
                    average_gradients(parameters, reached)
                    gradients.update({n: p.grad.clone() for n, p in moving.named_parameters() if p.grad is not None})

                patch.setattr("composegan.training.step.average_gradients", average_noted)
                figures = run_phase(phase, state, *rest, **named)
                note = {"name": phase.name, "before": before, "gradients": gradients}
                self.phases.append({**note, "path_mean": step.path_mean.clone()})
                return figures

            patch.setattr("composegan.training.step.run_phase", noted)
            run(step, *given)

        patch.setattr(TrainingStep, "run", run_noted)


class Joined(TorchFunctionMode):
    """Draws random tensors of two ranks at once, each from the rank's own stream, their samples taking turns."""

    def __init__(self):
        super().__init__()
        self.states = []

    def begin(self, seeds):
        self.states = []
        for seed in seeds:
            torch.manual_seed(seed)
            self.states.append(torch.get_rng_state())

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        halved = self._halved(function, arguments)
        if halved is None or not self.states:
            return function(*arguments, **named)
        parts = []
        for rank, state in enumerate(self.states):
            torch.set_rng_state(state)
            parts.append(function(*halved, **named))
            self.states[rank] = torch.get_rng_state()
            if function is torch.Tensor.uniform_:
                parts[-1] = parts[-1].clone()
        joined = torch.stack(parts, dim=1).flatten(0, 1)
        return arguments[0].copy_(joined) if function is torch.Tensor.uniform_ else joined

    def _halved(self, function, arguments):
        if function in (torch.rand, torch.randn):
            return (arguments[0] // 2, *arguments[1:])
        if function is torch.randint:
            low, high, (count, *rest) = arguments
            return low, high, (count // 2, *rest)
        if function is torch.randn_like:
            return (arguments[0][: len(arguments[0]) // 2],)
        if function is torch.Tensor.uniform_:
            return (arguments[0][: len(arguments[0]) // 2], *arguments[1:])
        return None


def taking_turns(patch):
    """One process's batch has the two ranks' images by turns, and draws what they draw."""
    run, draws = TrainingStep.run, Joined()

    def run_joined(step, batch, *rest):
        draws.begin([derive_seed(step.config.seed, rank, step.number) for rank in range(2)])
        batch = {name: tensor.unflatten(0, (2, -1)).transpose(0, 1).flatten(0, 1) for name, tensor in batch.items()}
        with draws:
            run(step, batch, *rest)

    patch.setattr(TrainingStep, "run", run_joined)


def apart(one, other):
    """The largest difference of gradients, as a part of the network's gradient; each tensor by its length."""
    assert one["name"] == other["name"] and one["gradients"].keys() == other["gradients"].keys()
    whole = sum(tensor.square().sum() for tensor in one["gradients"].values()).sqrt()
    assert whole > 0
    return max((one["gradients"][name] - other["gradients"][name]).norm() for name in one["gradients"]) / whole


@pytest.fixture
def of_two(fit, ranks):
    """(settings...) -> each phase's notes of two ranks' training, which are the same in both."""

    def of_two(*settings):
        def train(rank):
            with pytest.MonkeyPatch.context() as patch:
                notes = Notes(patch)
                fit("trainer.devices=2", *BATCH, *settings)
            return notes.phases

        own, other = ranks(train)
        for mine, theirs in zip(own, other, strict=True):
            for part in ("before", "gradients"):
                assert all(torch.equal(tensor, theirs[part][name]) for name, tensor in mine[part].items())
        return own

    return of_two


def of_one(fit, taught, *settings, by_turns=False):
    with pytest.MonkeyPatch.context() as patch:
        notes = Notes(patch, taught)
        if by_turns:
            taking_turns(patch)
        fit(*BATCH, *settings)
    return notes.phases


def test_gradients_of_two_ranks_equal_those_of_the_joined_batch(of_two, fit):
    """In every phase of every step, from the same weights. So that the discriminator's groups are the same, the ranks'
    images take turns in the joined batch; the draws are the ranks' own. The mean of path lengths is over both."""
    two = of_two()
    one = of_one(fit, two, by_turns=True)
    names = " ".join(phase["name"] for phase in two)
    assert names == "Dmain Dreg Gmain Greg Dmain Gmain Dmain Dreg Gmain Greg"
    for mine, theirs in zip(two, one, strict=True):
        assert apart(mine, theirs) < 1e-5, mine["name"]
        torch.testing.assert_close(mine["path_mean"], theirs["path_mean"], rtol=1e-5, atol=1e-8)
    others = of_one(fit, two)  # with draws of its own
    assert all(apart(mine, theirs) > 1e-2 for mine, theirs in zip(two, others, strict=True) if mine["name"] != "Dreg")


@pytest.mark.parametrize(
    ("settings", "exact"),
    [
        (["training.path_decay=0"], ("Dmain", "Dreg", "Gmain", "Greg")),
        pytest.param([], ("Dmain", "Gmain"), marks=pytest.mark.slow),
    ],
)
def test_gradients_of_two_parts_equal_those_of_two_ranks(of_two, fit, settings, exact):
    """trainer.accumulate=2: the same draws. Only the mean of path lengths that gradients go through is each part's."""
    two = of_two(*settings)
    one = of_one(fit, two, "trainer.accumulate=2", *settings)
    for mine, theirs in zip(two, one, strict=True):
        assert apart(mine, theirs) < (1e-5 if mine["name"] in exact else 0.02), mine["name"]
        torch.testing.assert_close(mine["path_mean"], theirs["path_mean"], rtol=1e-5, atol=1e-8)


def test_minibatch_groups_stay_within_a_rank():
    """Samples that take turns keep them, however many ranks there are; those one after another do not."""
    torch.manual_seed(0)
    for world, own in itertools.product((2, 3), (4, 8)):
        parts = torch.randn(world, own, 5, 2, 2)
        expected = torch.stack([minibatch_deviation(part) for part in parts], dim=1).flatten(0, 1)
        torch.testing.assert_close(minibatch_deviation(parts.transpose(0, 1).flatten(0, 1)), expected)
        after = minibatch_deviation(parts.flatten(0, 1)).unflatten(0, (world, own)).transpose(0, 1).flatten(0, 1)
        assert not torch.allclose(after, expected)
