"""A run that has gone wrong goes back to its last checkpoint and on with other draws, or says what would help."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch

from composegan.cli import main
from composegan.errors import UserError
from composegan.runs.checkpoint import read
from composegan.training.divergence import ENOUGH, USUAL, Divergence
from composegan.training.step import TrainingStep


@pytest.fixture
def fit(fit):
    """As ever, with nothing drawn or scored on the way."""
    return lambda *settings: fit("output.score_every=0", "output.samples_every=100", *settings)


@pytest.fixture
def spoil(monkeypatch):
    """(positions..., by=function(module)): something happens to the weights in the step that reaches that position of
    the stream, whenever it is done."""

    def spoil(*positions, by):
        step = TrainingStep.run

        def training_step(module, batch, *rest):
            step(module, batch, *rest)
            if module.position in positions:
                with torch.no_grad():
                    by(module)

        monkeypatch.setattr(TrainingStep, "run", training_step)

    return spoil


def not_a_number(module):
    module.generator.local.weight[0, 0, 0, 0] = nan


def moment_too_large(module):
    adam = module.optimizers()[1].optimizer
    next(iter(adam.state.values()))["exp_avg_sq"][..., 0] = inf


def weights_too_large(module):
    module.discriminator.score.weight.mul_(1e5)


@pytest.fixture
def detour(fit_in, resume, tmp_path):
    """(images, skipped) -> a run that at so many images went on so many images further in the stream."""

    def detour(images, skipped):
        run = fit_in(tmp_path / "detour", f"training.images={images}", "output.score_every=0")
        last = run / "checkpoints" / "last.pt"
        torch.save({**read(last), "skipped": skipped}, last)
        return resume(run, "training.images=24")

    return detour


@pytest.mark.parametrize(("spoils", "told"), [(not_a_number, "a weight is nan"), (moment_too_large, "a weight is inf")])
def test_back_to_the_last_checkpoint_and_on(fit, spoil, figures_of, capfd, spoils, told):
    """After 14 images; the checkpoint is of 12."""
    spoil(14, by=spoils)
    run = fit()
    line = f"at 14 images {told}: back to last.pt, of 12 images, and on with other images and draws (1 of 3 tries)"
    assert line in capfd.readouterr().out.splitlines()
    state = read(run / "checkpoints" / "last.pt")
    assert (state["images_seen"], state["skipped"]) == (24, 2)
    assert [row["images_seen"] for row in figures_of(run)] == [str(n) for n in range(2, 26, 2)]
    assert all(tensor.isfinite().all() for tensor in state["networks"].values())


def test_what_comes_then_is_the_stream_going_on(fit, spoil, detour, assert_same_run, monkeypatch):
    spoil(14, by=not_a_number)
    run = fit()
    monkeypatch.undo()
    assert_same_run(run, detour(12, skipped=2))


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [12, 16])
def test_a_run_that_is_stopped_around_it_ends_the_same(fit, spoil, resume, assert_same_run, tmp_path, stopped):
    spoil(14, by=not_a_number)
    whole = fit()
    run = fit(f"training.images={stopped}")
    assert_same_run(resume(run, "training.images=24"), whole)


@pytest.mark.slow
def test_killed_right_behind_it_the_run_goes_on_the_same_way(fit, spoil, resume, assert_same_run, monkeypatch):
    spoil(14, by=not_a_number)
    whole = fit()

    class Killed(BaseException):
        pass

    from composegan.runs import rollback as going_back

    def rollback(module, state):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(CompositionModule, "go_back", rollback)
        fit()
    (run,) = [path for path in whole.parent.iterdir() if path != whole]
    assert read(run / "checkpoints" / "last.pt")["skipped"] == 2 and going_back.TRIES == 3
    assert_same_run(resume(run), whole)


@pytest.mark.slow
def test_asked_to_stop_in_the_step_that_went_wrong(fit, spoil, resume, assert_same_run, tmp_path):
    import signal

    spoil(14, by=not_a_number)
    whole = fit()

    def also(module):
        not_a_number(module)
        signal.raise_signal(signal.SIGTERM)

    spoil(14, by=also)
    with pytest.raises(KeyboardInterrupt):
        fit()
    (run,) = [path for path in whole.parent.iterdir() if path != whole]
    state = read(run / "checkpoints" / "last.pt")
    assert (state["images_seen"], state["skipped"]) == (12, 2)
    assert_same_run(resume(run), whole)


def test_it_gives_up_in_the_end_and_says_what_would_help(fit, spoil, resume, tmp_path, monkeypatch):
    """The checkpoints have nothing of it, and trying on is possible."""
    spoil(*range(14, 100, 2), by=not_a_number)
    with pytest.raises(UserError) as caught:
        fit()
    (run,) = (tmp_path / "runs" / "shapes").iterdir()
    assert str(caught.value) == (
        "at 14 images a weight is nan, for the 4th time since last.pt, of 12 images; begin anew with a lower "
        "training.learning_rate (now 0.004) or training.precision=32; to try other images and draws: "
        f"composegan fit run={run}"
    )
    for path in (run / "checkpoints").iterdir():
        state = read(path)
        assert all(tensor.isfinite().all() for tensor in state["networks"].values())
    assert read(run / "checkpoints" / "last.pt")["skipped"] == 8
    monkeypatch.undo()
    assert read(resume(run) / "checkpoints" / "last.pt")["images_seen"] == 24


def test_before_the_first_checkpoint(fit, spoil, tmp_path, capsys):
    spoil(2, by=not_a_number)
    with pytest.raises(
        UserError, match="^at 2 images a weight is nan, before there was a checkpoint to go back to; begin"
    ):
        fit()


def test_a_loss_that_jumps(fit, spoil, capfd):
    """Finite, but far beyond what it was in ten lines of metrics: found in the step that follows."""
    spoil(22, by=weights_too_large)
    run = fit()
    out = capfd.readouterr().out
    assert "at 24 images loss/discriminator is " in out and ": back to last.pt, of 20 images, and on with " in out
    assert read(run / "checkpoints" / "last.pt")["skipped"] == 4


def test_jumps_that_are_nobodys_concern(fit, spoil, resume, capfd):
    spoil(22, by=weights_too_large)
    run = fit("trainer.spike=0")
    assert "back to" not in capfd.readouterr().out
    assert read(run / "checkpoints" / "last.pt")["skipped"] == 0


@pytest.fixture
def weights():
    return [torch.ones(3), torch.ones(2, 2)]


def noted(guard, value, weights):
    guard.add({"loss/generator": torch.tensor(value), "score/real": torch.tensor(5 * value)})
    return guard.check(weights, complete=True)


def test_a_spike_is_far_beyond_the_usual(weights):
    guard = Divergence(spike=10)
    for number in range(ENOUGH - 1):
        assert noted(guard, 2.0 + number % 2, weights) is None
    assert noted(guard, 1000.0, weights) is None  # not enough is known yet
    assert noted(guard, 19.0, weights) is None
    assert noted(guard, 40.0, weights) == "loss/generator is 40 where it was 3"
    for _ in range(USUAL):  # a level that has become the usual one
        noted(guard, 100.0, weights)
    assert noted(guard, 150.0, weights) is None


def test_small_losses_may_grow_to_one(weights):
    guard = Divergence(spike=10)
    for _ in range(ENOUGH):
        noted(guard, 0.001, weights)
    assert noted(guard, 9.0, weights) is None
    assert noted(guard, 11.0, weights) == "loss/generator is 11 where it was 0.001"


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_one_step_of_an_interval_is_enough(weights, value):
    """And a figure of any name, which stays until the interval has ended."""
    guard = Divergence(spike=0)
    for number in range(9):
        guard.add({"r1/image": torch.tensor(value if number == 3 else 1.0)})
    for complete in (False, True):
        assert guard.check(weights, complete) == f"r1/image is {value}"
    assert guard.check(weights, complete=False) is None
    weights[1][0, 1] = value
    assert guard.check(weights, complete=False).startswith("a weight is ")


def test_what_it_knows_can_be_kept(weights):
    one, two = Divergence(spike=10), Divergence(spike=10)
    for _ in range(ENOUGH):
        noted(one, 2.0, weights)
    one.add({"loss/generator": torch.tensor(90.0)})
    two.restore(one.state())
    assert two.check(weights, True) == one.check(weights, True) == "loss/generator is 90 where it was 2"


def test_nobody_waits_for_the_figures_of_a_step(fit, monkeypatch):
    """They are looked at when a line of metrics or a checkpoint is due, here after 8, 16 and 24 images."""
    asked, trouble = [], TrainingStep.check

    def noted(module, complete, spikes):
        asked.append((module.images_seen, complete))
        return trouble(module, complete, spikes)

    monkeypatch.setattr(TrainingStep, "check", noted)
    fit("output.log_every=8", "output.checkpoint_every=12")
    assert asked == [(8, True), (12, False), (16, True), (24, True)]


def test_two_ranks_go_back_together(ranks, fit, spoil, capfd, tmp_path):
    """Though the figures of one are fine, and only the other has seen it."""

    def work(rank):
        with pytest.MonkeyPatch.context() as patch:
            note = Divergence.add

            def noted(guard, figures):
                spoilt = {"loss/generator": torch.tensor(nan)} if rank == 1 and len(calls) == 10 else {}
                calls.append(1)
                note(guard, {**figures, **spoilt})

            calls = []
            patch.setattr(Divergence, "add", noted)
            return str(fit("trainer.devices=2", "training.batch=4"))

    ranks(work)
    out = capfd.readouterr().out
    assert "loss/generator is nan: back to last.pt, of " in out and "done: 24 images" in out
    (run,) = (tmp_path / "runs" / "shapes").iterdir()
    assert read(run / "checkpoints" / "last.pt")["skipped"] > 0


@pytest.mark.slow
def test_a_group_that_was_split_since_then(fit, spoil, tmp_path, resume, capfd):
    """Weights of other shapes cannot be taken up in place: the run stops, and continued it has the older groups."""
    spoil(14, by=not_a_number)
    settings = ["grouping=progressive:3", "training.split_every=14"]
    with pytest.raises(
        UserError, match="a group was split since last.pt, of 12 images; to go on from there with other"
    ):
        fit(*settings)
    (run,) = (tmp_path / "runs" / "shapes").iterdir()
    assert main(["fit", f"run={run}"]) == 0
    assert read(run / "checkpoints" / "last.pt")["skipped"] == 2
