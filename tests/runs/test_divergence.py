"""A run that diverges rolls back to its last checkpoint and continues with other draws, or says what may help."""

from math import inf, nan

import pytest
import torch

from composegan.cli import main
from composegan.errors import UserError
from composegan.runs.checkpoint import read
from composegan.training.divergence import ENOUGH, USUAL, Divergence
from composegan.training.step import TrainingStep
from tests.helpers import Killed, last, nan_weight, refused, terminate


@pytest.fixture
def fit(fit):
    """Without pictures and scores."""
    return lambda *settings: fit("output.score_every=0", "output.samples_every=100", *settings)


def infinite_moment(step):
    next(iter(step.optimizers["discriminator"].state.values()))["exp_avg_sq"][..., 0] = inf


@torch.no_grad()
def large_weights(step):
    step.discriminator.score.weight.mul_(1e5)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (nan_weight, "a weight is nan"),
        pytest.param(infinite_moment, "a weight is inf", marks=pytest.mark.slow),
    ],
)
def test_rollback_to_the_last_checkpoint(
    fit, fit_in, resume, at_step, monkeypatch, figures_of, assert_same_run, tmp_path, capfd, spoil, problem
):
    """At 14 images, to that of 12; then as a run of 12 images that continues two images later in the stream."""
    at_step(spoil, after=14)
    run = fit()
    line = f"at 14 images {problem}: rolled back to last.pt of 12 images; continuing with other images and draws "
    assert line + "(attempt 1 of 3)" in capfd.readouterr().out.splitlines()
    state = last(run)
    assert (state["images_seen"], state["skipped"]) == (24, 2)
    assert [row["images_seen"] for row in figures_of(run)] == [str(n) for n in range(2, 26, 2)]
    assert all(tensor.isfinite().all() for tensor in state["networks"].values())
    monkeypatch.undo()
    detour = fit_in(tmp_path / "detour", "training.images=12", "output.score_every=0", "output.samples_every=100")
    torch.save({**last(detour), "skipped": 2, "tries": 1}, detour / "checkpoints" / "last.pt")
    assert_same_run(resume(detour, "training.images=24"), run)


@pytest.mark.slow
@pytest.mark.parametrize("images", [12, 16])
def test_run_finished_around_a_rollback_continues_the_same(fit, at_step, resume, assert_same_run, images):
    at_step(nan_weight, after=14)
    whole = fit()
    assert_same_run(resume(fit(f"training.images={images}"), "training.images=24"), whole)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "terminated"])
def test_run_stopped_in_a_rollback_resumes_the_same(fit, at_step, resume, runs, assert_same_run, monkeypatch, how):
    """The checkpoint was saved again first, with what is skipped."""

    def killed(*given):
        raise Killed

    at_step(nan_weight, after=14)
    whole = fit()
    with monkeypatch.context() as patch:
        if how == "killed":
            patch.setattr(TrainingStep, "roll_back", killed)
        else:
            at_step(terminate, after=14, patch=patch)
        with pytest.raises((Killed, KeyboardInterrupt)):
            fit()
    run = next(run for run in runs() if run != whole)
    state = last(run)
    assert (state["images_seen"], state["skipped"]) == (12, 2)
    assert_same_run(resume(run), whole)


def test_fourth_rollback_gives_up_with_advice(fit, at_step, resume, runs, monkeypatch):
    """No checkpoint has bad values, and resuming tries again."""
    for position in range(14, 24, 2):
        at_step(nan_weight, after=position)
    line = refused(fit)
    (run,) = runs()
    assert line == (
        "at 14 images a weight is nan, for the 4th time since last.pt of 12 images; start a new run with a lower "
        "training.learning_rate (now 0.004) or training.precision=32; to try other images and draws, resume with: "
        f"composegan fit run={run}"
    )
    for path in (run / "checkpoints").iterdir():
        assert all(tensor.isfinite().all() for tensor in read(path)["networks"].values())
    assert last(run)["skipped"] == 8
    monkeypatch.undo()
    assert last(resume(run))["images_seen"] == 24


def test_divergence_before_the_first_checkpoint(fit, at_step):
    at_step(nan_weight, after=2)
    with pytest.raises(UserError, match="^at 2 images a weight is nan, before the first checkpoint; start a new run"):
        fit()


@pytest.mark.parametrize(("spike", "skipped"), [("100", 4), pytest.param("0", 0, marks=pytest.mark.slow)])
def test_rollback_on_a_spike(fit, at_step, capfd, spike, skipped):
    """Finite, but far above ten lines of metrics: found in the next step."""
    at_step(large_weights, after=22)
    run = fit(f"trainer.spike={spike}")
    out = capfd.readouterr().out
    found = "at 24 images loss/discriminator is " in out and ": rolled back to last.pt of 20 images; " in out
    assert found == bool(skipped) == ("rolled back" in out)
    assert last(run)["skipped"] == skipped


@pytest.fixture
def weights():
    return [torch.ones(3), torch.ones(2, 2)]


def check_interval(divergence, value, weights):
    divergence.add({"loss/generator": torch.tensor(value), "score/real": torch.tensor(5 * value)})
    return divergence.check(weights, complete=True)


def test_spike_is_relative_to_the_usual_loss(weights):
    divergence = Divergence(spike=10)
    for number in range(ENOUGH - 1):
        assert check_interval(divergence, 2.0 + number % 2, weights) is None
    assert check_interval(divergence, 1000.0, weights) is None  # too few intervals so far
    assert check_interval(divergence, 19.0, weights) is None
    assert check_interval(divergence, 40.0, weights) == "loss/generator is 40 where it was 3"
    for _ in range(USUAL):  # a level that has become usual
        check_interval(divergence, 100.0, weights)
    assert check_interval(divergence, 150.0, weights) is None


def test_small_losses_may_grow_to_one(weights):
    divergence = Divergence(spike=10)
    for _ in range(ENOUGH):
        check_interval(divergence, 0.001, weights)
    assert check_interval(divergence, 9.0, weights) is None
    assert check_interval(divergence, 11.0, weights) == "loss/generator is 11 where it was 0.001"


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_one_step_that_is_not_finite_is_found_until_the_interval_ends(weights, value):
    divergence = Divergence(spike=0)
    for number in range(9):
        divergence.add({"r1/image": torch.tensor(value if number == 3 else 1.0)})
    for complete in (False, True):
        assert divergence.check(weights, complete) == f"r1/image is {value}"
    assert divergence.check(weights, complete=False) is None
    weights[1][0, 1] = value
    assert divergence.check(weights, complete=False).startswith("a weight is ")


def test_state_restores_the_statistics(weights):
    one, two = Divergence(spike=10), Divergence(spike=10)
    for _ in range(ENOUGH):
        check_interval(one, 2.0, weights)
    one.add({"loss/generator": torch.tensor(90.0)})
    two.restore(one.state())
    assert two.check(weights, True) == one.check(weights, True) == "loss/generator is 90 where it was 2"


def test_steps_do_not_synchronize_for_the_check(fit, monkeypatch):
    """Only where a line of metrics or a checkpoint is due."""
    checks, check = [], TrainingStep.check

    def note(step, complete, spikes):
        checks.append((step.images_seen, complete))
        return check(step, complete, spikes)

    monkeypatch.setattr(TrainingStep, "check", note)
    fit("output.log_every=8", "output.checkpoint_every=12")
    assert checks == [(8, True), (12, False), (16, True), (24, True)]


def test_ranks_roll_back_together(ranks, fit, runs, capfd):
    """Also if the figures of only one are bad."""

    def work(rank):
        with pytest.MonkeyPatch.context() as patch:
            add, calls = Divergence.add, []

            def add_nan(divergence, figures):
                bad = {"loss/generator": torch.tensor(nan)} if rank == 1 and len(calls) == 10 else {}
                calls.append(1)
                add(divergence, {**figures, **bad})

            patch.setattr(Divergence, "add", add_nan)
            return str(fit("trainer.devices=2", "training.batch=4"))

    ranks(work)
    out = capfd.readouterr().out
    assert "loss/generator is nan: rolled back to last.pt of " in out and "done: 24 images" in out
    assert last(runs()[0])["skipped"] > 0


def test_ranks_continue_from_the_same_sums(ranks):
    """Only those of rank 0 are saved."""

    def work(rank):
        torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
        weights, loss = [torch.ones(2)], torch.tensor([1.0, 9.0][rank])
        running, resumed = Divergence(0.0), Divergence(0.0)
        running.add({"loss/generator": loss})
        assert running.check(weights, complete=False) is None  # a checkpoint within an interval
        first = [running.state()]
        torch.distributed.broadcast_object_list(first)
        resumed.restore(first[0])
        for each in (running, resumed):
            each.add({"loss/generator": loss})
            each.check(weights, complete=True)
        torch.distributed.destroy_process_group()
        return [each.usual["loss/generator"] for each in (running, resumed)]

    assert ranks(work) == [[[5.0], [5.0]]] * 2


@pytest.mark.slow
def test_rollback_over_a_split_stops_and_resumes(fit, at_step, runs):
    """The weights have other shapes; the resumed run has the groups of the checkpoint."""
    at_step(nan_weight, after=14)
    with pytest.raises(UserError, match="a group was split since last.pt of 12 images; to try other images and draws"):
        fit("grouping=progressive:3", "training.split_every=14")
    (run,) = runs()
    assert main(["fit", f"run={run}"]) == 0
    assert last(run)["skipped"] == 2
