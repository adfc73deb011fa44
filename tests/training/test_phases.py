"""Which phase changes which weights, when, and how much."""

import pytest
import torch

from composegan.config.compose import compose
from composegan.config.schema import TrainingConfig
from composegan.networks.class_sets import ClassSets
from composegan.runs.prepare import new_step
from composegan.training import ema
from composegan.training.parts import derive_seed
from composegan.training.phases import Phase, Real, State, draw_slots, phases
from composegan.training.step import TrainingStep, run_phase


@pytest.fixture
def make(recipe):
    """(settings...) -> an untrained TrainingStep."""

    def make(*settings):
        return new_step(compose([*recipe, *settings]), torch.device("cpu"))

    return make


def test_phases_names_networks_and_turns():
    found = phases(TrainingConfig())
    assert [(phase.name, phase.network, phase.every, phase.full_precision) for phase in found] == [
        ("Dmain", "discriminator", 1, False),
        ("Dreg", "discriminator", 16, True),
        ("Gmain", "generator", 1, False),
        ("Greg", "generator", 4, True),
    ]
    assert [phase.name for phase in phases(TrainingConfig(r1_every=0, path_every=0))] == ["Dmain", "Gmain"]


def test_adam_is_corrected_for_lazy_regularization(make):
    """StyleGAN2, appendix B: c = n / (n + 1), rate c lr, betas beta^c. Each Adam has one network's weights."""
    every = ["training.r1_every=16", "training.path_every=4"]
    step = make(
        *every, "training.beta1=0.5", "training.learning_rate=0.01", "training.discriminator_learning_rate=null"
    )
    for (name, adam), ratio in zip(step.optimizers.items(), (4 / 5, 16 / 17), strict=True):
        (group,) = adam.param_groups
        assert group["lr"] == pytest.approx(0.01 * ratio)
        assert group["betas"] == pytest.approx((0.5**ratio, 0.99**ratio))
        assert {id(p) for p in group["params"]} == {id(p) for p in getattr(step, name).parameters()}
    settings = ["training.path_every=0", "training.learning_rate=0.01", "training.discriminator_learning_rate=0.03"]
    generator, discriminator = make("training.r1_every=0", *settings).optimizers.values()
    assert (generator.param_groups[0]["lr"], discriminator.param_groups[0]["lr"]) == (0.01, 0.03)
    assert generator.param_groups[0]["betas"] == (0.0, 0.99)


@pytest.fixture(scope="module")
def trained(fit_in, tmp_path_factory):
    """Six steps, R1 every third and path length every second -> for each phase: step, phase, names of the tensors that
    changed and of those that learn; and for each step how much of the average it kept."""
    ran, kept = [], []
    run = TrainingStep.run

    def changed(step, before):
        return {name for name, tensor in step.state_dict().items() if not torch.equal(tensor, before[name])}

    def watched_run(step, *given):
        def watched_phase(phase, *rest, **named):
            before = {name: tensor.clone() for name, tensor in step.state_dict().items()}
            figures = run_phase(phase, *rest, **named)
            ran.append(
                (step.number, phase, changed(step, before), {n for n, p in step.named_parameters() if p.requires_grad})
            )
            return figures

        patch.setattr("composegan.training.step.run_phase", watched_phase)
        before = [p.clone() for p in step.average.parameters()]
        run(step, *given)
        settings, seen = step.config.training, step.images_seen
        keep = ema.decay(settings.batch, seen, settings.ema_half_life, settings.ema_rampup)
        for old, new, now in zip(before, step.generator.parameters(), step.average.parameters(), strict=True):
            torch.testing.assert_close(now, keep * old + (1 - keep) * new, rtol=1e-5, atol=1e-7)
        kept.append(keep)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingStep, "run", watched_run)
        settings = ["training.r1_every=3", "training.path_every=2", "training.images=12", "training.ema_rampup=0.5"]
        fit_in(tmp_path_factory.mktemp("watched"), *settings)
    return ran, kept


def test_step_runs_phases_in_order_and_in_turn(trained):
    order = [[phase.name for step, phase, *_ in trained[0] if step == number] for number in range(6)]
    both, r1, length = ["Dmain", "Dreg", "Gmain", "Greg"], ["Dmain", "Dreg", "Gmain"], ["Dmain", "Gmain", "Greg"]
    assert order == [both, ["Dmain", "Gmain"], length, r1, length, ["Dmain", "Gmain"]]


def test_phase_changes_all_of_its_own_network_and_nothing_else(trained):
    for _, phase, changed, learning in trained[0]:
        assert {name.partition(".")[0] for name in learning} == {phase.network}
        assert {name.partition(".")[0] for name in changed} - {"path_mean"} == {phase.network}
        assert ("path_mean" in changed) == (phase.name == "Greg")
    changed, learning = (set().union(*(each[place] for each in trained[0])) for place in (2, 3))
    assert learning - changed == set()


def test_average_follows_the_formula_with_its_ramp_up(trained, make):
    assert trained[1] == [pytest.approx(0.5 ** (2 / (0.5 * seen))) for seen in (2, 4, 6, 8, 10, 12)]
    step = make()
    pairs = zip(step.generator.parameters(), step.average.parameters(), strict=True)
    assert all(torch.equal(p, q) and not q.requires_grad and p is not q for p, q in pairs)


@pytest.fixture
def real():
    draws = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (4, 16, 16), generator=draws, dtype=torch.uint8)
    return Real(torch.rand(4, 3, 16, 16, generator=draws) * 2 - 1, labels)


@pytest.mark.parametrize(("name", "setting", "weight"), [("Dreg", "r1_every", 16), ("Greg", "path_every", 4)])
def test_regularizer_every_n_steps_counts_n_times(make, real, name, setting, weight):
    losses = []
    for every in (1, weight):
        step = make()
        state = State(step.generator, step.discriminator, step.path_mean)
        phase = next(p for p in phases(TrainingConfig(**{setting: every})) if p.name == name)
        torch.manual_seed(3)
        losses.append(phase.loss(state, real)[0].item())
    assert losses[0] != 0
    assert losses[1] == pytest.approx(weight * losses[0], rel=1e-5)


def test_presence_loss_is_added_to_the_generators_loss(make, real):
    step = make()
    step.generator.local.depth_bias.data[1] -= 30  # the class is nowhere in front
    sets = ClassSets(torch.ones(1, 3), torch.ones(1), torch.full((3,), 0.3))
    state = State(step.generator, step.discriminator, step.path_mean, class_sets=sets)
    found = []
    for weight in (0.0, 2.0):
        torch.manual_seed(3)
        (main,) = (p for p in phases(TrainingConfig(presence=weight)) if p.name == "Gmain")
        found.append(main.loss(state, real))
    (without, _), (loss, figures) = found
    assert figures["loss/presence"] > 1
    torch.testing.assert_close(loss - without, 2 * figures["loss/presence"])


def test_style_mixing_is_drawn_per_sample(make):
    generator = make().generator
    torch.manual_seed(0)
    assert all(len(slots.unique(dim=0)) == 1 for slots in draw_slots(generator, 50, mixing=0.0))
    kinds = [len(slots.unique(dim=0)) for slots in draw_slots(generator, 200, mixing=0.5)]
    assert set(kinds) == {1, 2}
    assert 0.35 < sum(kind == 2 for kind in kinds) / 200 < 0.55  # a half, less those that chose nothing of the second


def test_derived_seeds_are_pure_and_well_mixed():
    assert derive_seed(0, 1, 2) == derive_seed(0, 1, 2) == 1772749440416956875
    seeds = {derive_seed(seed, rank, step) for seed in range(10) for rank in range(10) for step in range(10)}
    seeds |= {derive_seed(seed, name) for seed in range(10) for name in ("score", "samples")}
    assert len(seeds) == 1020 and all(0 <= seed < 2**63 for seed in seeds)
    bits = torch.tensor([[derive_seed(0, 0, step) >> bit & 1 for bit in range(63)] for step in range(400)])
    assert ((bits.float().mean(0) - 0.5).abs() < 0.13).all()


def test_phase_runs_in_each_step_at_first_and_later_in_every_nth():
    phase = Phase("Gpaint", "generator", 3, lambda state, real: None, always=4, first=1)
    assert [number for number in range(10) if phase.is_due(number)] == [1, 2, 3, 6, 9]
