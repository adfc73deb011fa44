"""Which phase moves which weights, when, and how much."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from composegan.config.compose import compose
from composegan.config.schema import TrainingConfig
from composegan.plugin.grouping_plan import GroupingPlan
from composegan.training import ema
from composegan.training.build import build
from composegan.training.parts import derive_seed
from composegan.training.phases import Real, State, draw_slots, phases
from composegan.training.step import TrainingStep


@pytest.fixture
def make(shapes, tiny):
    """(settings...) -> a module that has not been trained."""

    def make(*settings):
        composed = compose([*shapes, "recipe=quick", *tiny, *settings])
        config, spec = composed.config, composed.plugin.spec
        plan = GroupingPlan.parse(config.grouping, spec.names)
        return CompositionModule(config, *build(config, spec, plan))

    return make


def test_what_runs_when():
    found = phases(TrainingConfig())
    assert [(phase.name, phase.network, phase.every) for phase in found] == [
        ("Dmain", "discriminator", 1),
        ("Dreg", "discriminator", 16),
        ("Gmain", "generator", 1),
        ("Greg", "generator", 4),
    ]
    assert [phase.full_precision for phase in found] == [False, True, False, True]
    assert [phase.name for phase in phases(TrainingConfig(r1_every=0, path_every=0))] == ["Dmain", "Gmain"]


def test_adam_takes_the_regularizers_steps_into_account(make):
    """StyleGAN2, appendix B: c = n / (n + 1), rate c lr, betas beta^c."""
    every = ["training.r1_every=16", "training.path_every=4"]
    settings = ["training.beta1=0.5", "training.learning_rate=0.01", "training.discriminator_learning_rate=null"]
    module = make(*every, *settings)
    for adam, ratio in zip(module.configure_optimizers(), (4 / 5, 16 / 17), strict=True):
        assert adam.param_groups[0]["lr"] == pytest.approx(0.01 * ratio)
        assert adam.param_groups[0]["betas"] == pytest.approx((0.5**ratio, 0.99**ratio))
    settings = ["training.path_every=0", "training.learning_rate=0.01", "training.discriminator_learning_rate=0.03"]
    generator, discriminator = make("training.r1_every=0", *settings).configure_optimizers()
    assert (generator.param_groups[0]["lr"], discriminator.param_groups[0]["lr"]) == (0.01, 0.03)
    assert generator.param_groups[0]["betas"] == (0.0, 0.99)


def test_each_optimizer_has_one_network(make):
    module = make()
    for adam, network in zip(module.configure_optimizers(), (module.generator, module.discriminator), strict=True):
        assert {id(p) for p in adam.param_groups[0]["params"]} == {id(p) for p in network.parameters()}


def test_the_average_begins_as_the_generator_and_takes_no_gradient(make):
    module = make()
    pairs = zip(module.generator.parameters(), module.average.parameters(), strict=True)
    assert all(torch.equal(p, q) and not q.requires_grad and p is not q for p, q in pairs)


class Watched:
    """Notes of a real training: what each phase changed, and what each step did to the average."""

    def __init__(self, patch):
        self.ran, self.kept = [], []
        run, step = CompositionModule._run, TrainingStep.run

        def watched_run(module, phase, *rest):
            before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
            run(module, phase, *rest)
            changed = {name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])}
            moving = {name for name, p in module.named_parameters() if p.requires_grad}
            self.ran.append((module.step, phase, changed, moving))

        def watched_step(module, batch, *rest):
            before = [p.clone() for p in module.average.parameters()]
            step(module, batch, *rest)
            settings, seen = module.config.training, module.images_seen
            keep = ema.decay(settings.batch, seen, settings.ema_half_life, settings.ema_rampup)
            for old, new, now in zip(before, module.generator.parameters(), module.average.parameters(), strict=True):
                torch.testing.assert_close(now, keep * old + (1 - keep) * new, rtol=1e-5, atol=1e-7)
            self.kept.append(keep)

        patch.setattr(CompositionModule, "_run", watched_run)
        patch.setattr(TrainingStep, "run", watched_step)


@pytest.fixture(scope="module")
def watched(fit_in, tmp_path_factory):
    """Six steps, R1 every third and path length every second."""
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        settings = ["training.r1_every=3", "training.path_every=2", "training.images=12", "training.ema_rampup=0.5"]
        fit_in(tmp_path_factory.mktemp("watched"), *settings)
    return watched


def test_phases_run_in_order_and_in_turn(watched):
    order = [[phase.name for step, phase, *_ in watched.ran if step == number] for number in range(6)]
    both, r1, length = ["Dmain", "Dreg", "Gmain", "Greg"], ["Dmain", "Dreg", "Gmain"], ["Dmain", "Gmain", "Greg"]
    assert order == [both, ["Dmain", "Gmain"], length, r1, length, ["Dmain", "Gmain"]]


def test_a_phase_moves_its_own_network_only(watched):
    for _, phase, changed, moving in watched.ran:
        assert {name.partition(".")[0] for name in moving} == {phase.network}
        assert {name.partition(".")[0] for name in changed} - {"path_mean"} == {phase.network}
        assert ("path_mean" in changed) == (phase.name == "Greg")


def test_all_that_can_learn_does(watched):
    changed = set().union(*(names for *_, names, _ in watched.ran))
    moving = set().union(*(names for *_, names in watched.ran))
    # What the noise is multiplied by begins at zero and moves from the second step; all else from the first.
    assert moving - changed == set()


def test_the_average_follows_by_the_formula(watched):
    """Checked at each step; here, that its half-life grew with what was seen."""
    assert watched.kept == [pytest.approx(0.5 ** (2 / (0.5 * seen))) for seen in (2, 4, 6, 8, 10, 12)]


@pytest.fixture
def real():
    draws = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (4, 16, 16), generator=draws, dtype=torch.uint8)
    return Real(torch.rand(4, 3, 16, 16, generator=draws) * 2 - 1, labels)


@pytest.mark.parametrize(("name", "setting", "weight"), [("Dreg", "r1_every", 16), ("Greg", "path_every", 4)])
def test_a_phase_that_runs_every_n_steps_counts_n_times(make, real, name, setting, weight):
    losses = []
    for every in (1, weight):
        module = make()
        state = State(module.generator, module.discriminator, module.path_mean)
        phase = next(p for p in phases(TrainingConfig(**{setting: every})) if p.name == name)
        torch.manual_seed(3)
        losses.append(phase.loss(state, real)[0].item())
    assert losses[0] != 0
    assert losses[1] == pytest.approx(weight * losses[0], rel=1e-5)


def test_style_mixing_is_drawn_for_each_sample(make):
    generator = make().generator
    torch.manual_seed(0)
    assert all(len(slots.unique(dim=0)) == 1 for slots in draw_slots(generator, 50, mixing=0.0))
    kinds = [len(slots.unique(dim=0)) for slots in draw_slots(generator, 200, mixing=0.5)]
    assert set(kinds) == {1, 2}
    assert 0.35 < sum(kind == 2 for kind in kinds) / 200 < 0.55  # a half, less those that chose nothing of the second


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_penalties_are_in_full_precision(fit, monkeypatch, precision):
    seen = {}

    def note(phase):
        def loss(state, real):
            seen[phase.name] = torch.is_autocast_enabled("cpu")
            return phase.loss(state, real)

        return dataclasses.replace(phase, loss=loss)

    made = CompositionModule.__init__

    def noted(module, *arguments):
        made(module, *arguments)
        module.phases = tuple(note(phase) for phase in module.phases)

    monkeypatch.setattr(CompositionModule, "__init__", noted)
    fit("training.images=2", "output.score_every=0", f"training.precision={precision}")
    half = precision == "bf16"
    assert seen == {"Dmain": half, "Dreg": False, "Gmain": half, "Greg": False}


def test_a_seed_is_a_pure_and_well_mixed_function():
    assert derive_seed(0, 1, 2) == derive_seed(0, 1, 2) == 1772749440416956875
    seeds = {derive_seed(seed, rank, step) for seed in range(10) for rank in range(10) for step in range(10)}
    seeds |= {derive_seed(seed, name) for seed in range(10) for name in ("score", "samples")}
    assert len(seeds) == 1020 and all(0 <= seed < 2**63 for seed in seeds)
    bits = torch.tensor([[derive_seed(0, 0, step) >> bit & 1 for bit in range(63)] for step in range(400)])
    assert ((bits.float().mean(0) - 0.5).abs() < 0.13).all()
