"""Pitfalls of Lightning and torch that training works around: each as it is today, next to our workaround.

A test that fails after an upgrade says what to reconsider; nothing need be broken. They hold for the oldest releases
that pyproject.toml allows and for the latest (docs/reliability.md, Versions). For pitfalls of draws and data see
test_drift_data.py, for those of several ranks and half precision test_drift_backward.py.
"""

import copy

import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging

from composegan.config.schema import TrainingConfig
from composegan.training.phases import State, phases
from tests.networks.small import small_batch, small_discriminator, small_generator
from tests.training.plain_gan import Numbers, PlainGan, plain_trainer


def test_lightning_counts_optimizer_steps():
    """DESIGN 6: `global_step` grows with every optimizer's step, so that it is no measure of what was seen.

    Ours counts images: tests/runs/test_loggers.py."""
    module, trainer = PlainGan(), plain_trainer(max_steps=6)
    trainer.fit(module, Numbers())
    assert (len(module.seen), trainer.global_step) == (3, 6), (
        "Lightning's global_step is no longer the sum of all optimizers' steps: reconsider images_seen in "
        "training/step.py, and runs/schedule.py"
    )


@pytest.mark.parametrize(("every", "updates"), [(1, 3), (2, 0)])
def test_lightnings_average_depends_on_optimizer_steps(every, updates):
    """DESIGN 6: the stock average looks at `global_step` after a batch, which with two optimizers is always even, and
    so it is never updated by `every=2`; in the end it takes the place of all that was trained, discriminator and all.

    Ours: tests/training/test_ema.py, and test_phases.py, which holds the formula at every step of a training.
    """
    torch.manual_seed(0)
    average, module = EMAWeightAveraging(update_every_n_steps=every, decay=0.5), PlainGan()
    before = copy.deepcopy(module.state_dict())
    plain_trainer(max_steps=6, callbacks=[average]).fit(module, Numbers())
    kept = {name: torch.equal(value, before[name]) for name, value in module.state_dict().items()}
    why = "Lightning's average of weights has changed: reconsider whether training/ema.py is still needed"
    assert int(average._average_model.n_averaged) == updates, why
    assert all(kept.values()) == (updates == 0), why


def slope(network, width):
    """The gradient of a penalty on a gradient: what R1 and path length need."""
    given = torch.randn(4, width, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(given).sum(), given, create_graph=True)
    gradient.square().sum().backward()
    return [weight.grad for weight in network.parameters()]


def test_compiled_networks_have_no_second_derivative():
    """DESIGN 6: torch.compile refuses a backward pass through a backward pass, whatever generates the code; hence only
    the main phases of the paper's loss are compiled (the test below; compiled ones give the same: test_compile.py).
    """
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Softplus(), torch.nn.Linear(3, 1))
    assert slope(network, 2)[0].abs().sum() > 0
    torch._dynamo.reset()
    try:
        slope(torch.compile(network, backend="aot_eager"), 2)  # without the code generator, which takes half a minute
    except RuntimeError as error:
        told = str(error)
    else:
        told = "it was done"
    assert "does not currently support double backward" in told, (
        f"a second derivative of a compiled network: {told}. Reconsider compiling the penalties, too, in "
        "training/step.py (compiled) and training/phases.py (State.synthesize, State.judge)"
    )


def test_only_main_phases_take_the_compiled_networks():
    generator, discriminator, real = small_generator(), small_discriminator(), small_batch()
    called = []

    def noted(name, network):
        def call(*given, **settings):
            called.append(name)
            return network(*given, **settings)

        return call

    fast = noted("synthesize", generator), noted("judge", discriminator)
    state = State(generator, discriminator, torch.zeros(()), *fast)
    took = {}
    for phase in phases(TrainingConfig()):
        called.clear()
        phase.loss(state, real)
        took[phase.name] = set(called)
    both = {"synthesize", "judge"}
    assert took == {"Dmain": both, "Dreg": set(), "Gmain": both, "Greg": set()}
