"""Runs that stop early resume as if they had not stopped, also around divergence, scores and lost data."""

import pytest
import torch

from composegan.errors import UserError
from composegan.model import model_files, saved_model
from composegan.runs import checkpoint
from composegan.runs.checkpoint import read
from composegan.runs.graceful_stop import GracefulStop
from composegan.runs.recorder import RunRecorder
from composegan.training import divergence
from composegan.training.divergence import Divergence
from tests.helpers import Killed, last, nan_weight, terminate

RARELY = ("output.score_every=0", "output.samples_every=100")
LAST_SCORE = ("output.score_every=24",)
LATE_CHECKPOINT = ("output.score_every=16", "output.checkpoint_every=12")
EVERY_8 = (*RARELY, "output.log_every=8", "output.checkpoint_every=8")


@pytest.fixture
def stopped_at(monkeypatch, at_step, runs):
    """(position, call) -> the newest run, once `call()` has started or resumed it and SIGTERM stopped it there."""

    def stopped_at(position, call):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            at_step(terminate, after=position, patch=patch)
            call()
        return max(runs(), key=lambda run: (run / "config.yaml").stat().st_mtime_ns)

    return stopped_at


def test_stop_before_a_problem_is_found(fit, at_step, stopped_at, resume, assert_same_run):
    """It is found at 16 and leads back to the checkpoint of 8, not to one that was saved because of the signal."""
    at_step(nan_weight, after=14)
    whole = fit(*EVERY_8)
    for stop, saved in ((10, 10), (14, 8)):  # bad values are not saved
        run = stopped_at(stop, lambda: fit(*EVERY_8))
        assert last(run)["images_seen"] == saved
        resume(run)
        assert [last(each)["skipped"] for each in (whole, run)] == [8, 8]
        assert_same_run(run, whole)


def test_two_stops_between_checkpoints_keep_the_regular_one(fit, at_step, stopped_at, resume, assert_same_run):
    at_step(nan_weight, after=16)
    whole = fit(*EVERY_8)
    run = stopped_at(10, lambda: fit(*EVERY_8))
    stopped_at(12, lambda: resume(run))
    kept = [read(run / "checkpoints" / name) for name in ("last.pt", "previous.pt")]
    assert [(state["images_seen"], state["early"]) for state in kept] == [(12, True), (8, False)]
    assert_same_run(resume(run), whole)


def test_stop_ignores_single_step_spike(fit, at_step, stopped_at, monkeypatch, resume, assert_same_run):
    """Only the mean of an interval, here of two steps, may be a spike."""
    settings = (*RARELY, "output.log_every=4", "output.checkpoint_every=4", "training.images=20", "trainer.spike=10")
    add, positions = Divergence.add, [0]

    def add_spike(running, figures):
        if positions[-1] == 12 and "loss/discriminator" in figures:  # in the step that ends at 14
            figures = {**figures, "loss/discriminator": torch.tensor(18.0)}
        add(running, figures)

    at_step(lambda step: positions.append(12), before=12)
    at_step(lambda step: positions.append(14), after=14)
    monkeypatch.setattr(divergence, "ENOUGH", 3)
    monkeypatch.setattr(Divergence, "add", add_spike)
    whole = fit(*settings)
    run = stopped_at(14, lambda: fit(*settings))
    assert last(run)["images_seen"] == 14
    assert_same_run(resume(run), whole)
    assert last(run)["skipped"] == 0


def test_stop_in_a_last_step_that_diverges(fit, at_step, runs):
    """After the rollback it is no longer the last step, and the request still holds."""
    at_step(lambda step: (nan_weight(step), terminate(step)), after=24)
    with pytest.raises(KeyboardInterrupt):
        fit(*RARELY)
    assert last(runs()[0])["images_seen"] < 24


def test_lost_data_in_a_last_step_that_diverges(fit, at_step, resume, monkeypatch, runs, assert_same_run):
    """The step is repeated once the data are back, with the next batch."""
    at_step(nan_weight, after=24)
    whole = fit(*RARELY)

    requested, steps = GracefulStop.requested, []

    def lose_data(stop, device):
        steps.append(None)
        if len(steps) == 12:
            stop.loader.failure = "x.png: cannot be read"
        return requested(stop, device)

    with monkeypatch.context() as patch, pytest.raises(UserError, match="x.png: cannot be read; saved at"):
        patch.setattr(GracefulStop, "requested", lose_data)
        fit(*RARELY)
    run = next(run for run in runs() if run != whole)
    assert last(run)["images_seen"] == 20
    assert_same_run(resume(run), whole)


def test_run_stopped_before_its_first_checkpoint_cannot_roll_back(fit, stopped_at, resume, at_step):
    """As in an uninterrupted run: the checkpoint that the signal caused does not count."""
    settings = (*RARELY, "output.checkpoint_every=12", "output.log_every=2")
    run = stopped_at(6, lambda: fit(*settings))
    at_step(nan_weight, after=8)
    with pytest.raises(UserError, match="at 8 images a weight is nan, before the first checkpoint; start a new run"):
        resume(run)


def set_scores(patch, table, killed_at=None):
    """A run's score at so many images; at `killed_at` the process ends instead."""

    def measure(recorder, step):
        if step.images_seen == killed_at:
            raise Killed
        return {"sliced_wasserstein": table[step.images_seen]}

    patch.setattr(RunRecorder, "_measure", measure)


def kept(run):
    return {path.name: (read(path)["images_seen"], read(path)["best"]) for path in (run / "checkpoints").iterdir()}


def test_best_is_saved_between_checkpoints(fit, monkeypatch):
    set_scores(monkeypatch, {2: 9.0, 4: 8.0, 6: 1.0, 8: 5.0, 10: 7.0, 12: 7.0})
    run = fit("training.images=12", "output.score_every=2", "output.checkpoint_every=4")
    assert kept(run)["best.pt"] == (6, 1.0) and kept(run)["last.pt"] == (12, 1.0)


def test_kill_while_the_best_is_saved(fit, resume, monkeypatch, runs):
    set_scores(monkeypatch, {4: 8.0, 8: 1.0, 12: 5.0, 16: 5.0, 20: 5.0, 24: 5.0})
    write = checkpoint.atomic_file

    def killed(path):
        if path.name == "best.pt" and (path.parent / "best.pt").exists():
            raise Killed
        return write(path)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoint, "atomic_file", killed)
        fit("output.score_every=4")
    assert kept(resume(runs()[0]))["best.pt"] == (8, 1.0)


def test_kill_while_scoring_after_a_signal(fit, at_step, resume, monkeypatch, runs, figures_of, whole_run):
    """The run is saved first; the score is made on resume, and its checkpoint is the best."""
    table = {4: 8.0, 8: 1.0, 12: 5.0, 16: 5.0, 20: 5.0, 24: 5.0}
    with monkeypatch.context() as patch, pytest.raises(Killed):
        set_scores(patch, table, killed_at=8)
        at_step(terminate, after=8, patch=patch)
        fit("output.score_every=4")
    (run,) = runs()
    assert [read(run / "checkpoints" / name)["images_seen"] for name in ("last.pt", "previous.pt")] == [8, 4]
    assert figures_of(run)[-1]["images_seen"] == "8" and "score/sliced_wasserstein" in figures_of(run)[0]
    set_scores(monkeypatch, table)
    resume(run)
    rows = {row["images_seen"]: row for row in figures_of(run)}
    assert [rows[f"{seen}"]["score/sliced_wasserstein"] for seen in table] == [f"{value:g}" for value in table.values()]
    assert rows.keys() == {row["images_seen"] for row in figures_of(whole_run)}
    assert all(row["loss/generator"] for row in rows.values())
    assert kept(run)["previous.pt"][0] == 20 and kept(run)["last.pt"][0] == 24
    assert kept(run)["best.pt"] == (8, 1.0)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_kill_before_the_last_model_is_written(fit, resume, monkeypatch, at_step, runs, file):
    """A run that counts as finished has its model."""
    write, last_step = model_files.atomic_file, []

    def killed(path):
        if path.name == file and last_step:
            raise Killed
        return write(path)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        at_step(last_step.append, after=8, patch=patch)
        patch.setattr(model_files, "atomic_file", killed)
        fit(*RARELY, "training.images=8", "grouping=progressive:3", "training.split_every=6")
    (run,) = runs()
    resume(run)
    assert saved_model.load(run).about["images_seen"] == 8


@pytest.mark.parametrize(
    ("policy", "lost", "every", "saved"),
    [
        ("stop", 24, LAST_SCORE, 20),
        ("skip", 16, LATE_CHECKPOINT, 16),
        pytest.param("skip", 24, LAST_SCORE, 20, marks=pytest.mark.slow),
        pytest.param("stop", 16, LATE_CHECKPOINT, 16, marks=pytest.mark.slow),
    ],
)
def test_real_images_lost_when_a_score_needs_them(
    fit, resume, at_step, monkeypatch, mount, runs, policy, lost, every, saved
):
    """The score is made on resume; a run without its last score is not finished."""
    away = mount.with_name("away")
    at_step(lambda step: mount.rename(away), after=lost)
    settings = (f"data.root={mount}", f"data.on_error={policy}", *every, "data.workers=2")
    with pytest.raises(UserError, match="mount.*; fix this, then resume with: composegan fit run="):
        fit(*settings)
    (run,) = runs()
    state = last(run)
    assert (state["images_seen"], state["shown"], state["early"]) == (saved, lost == 24, lost == 16)
    away.rename(mount)
    monkeypatch.undo()
    assert last(resume(run))["best"] < 1
    assert lost == 16 or kept(run)["best.pt"][0] == 24


def test_resume_reports_another_number_of_images(fit, resume, mount, capsys):
    run = fit(f"data.root={mount}", "training.images=8", *RARELY)
    for part in ("images", "labels"):
        (mount / part / "6.png").unlink()
    capsys.readouterr()
    resume(run, "training.images=10")
    assert "there were 7 images and are now 6: they come in a different order" in capsys.readouterr().out


IMPATIENT = """
from composegan.io import lock
lock.GRACE = 0.5
"""


def test_running_run_cannot_be_resumed(fit, resume, at_step, runs, command):
    answers = []
    at_step(lambda step: answers.append(command("fit", f"run={runs()[0]}", patch=IMPATIENT)), after=10)
    run = fit(*RARELY, "training.images=12")
    ((status, _, err),) = answers
    assert status == 2 and err.startswith(f"composegan: {run}: ") and err.count("\n") == 1
    resume(run, "training.images=14")


def test_runs_started_in_the_same_second_get_their_own_folders(fit, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda *given: "now")
    assert [fit(*RARELY, "training.images=2").name for _ in range(3)] == ["now", "now_2", "now_3"]


NO_READER = """
import os, signal
from composegan.training.step import TrainingStep
run = TrainingStep.run
def run_without_reader(step, *given):
    if step.images_seen == 6:
        reader, writer = os.pipe()
        os.close(reader)
        for stream in {streams}:
            os.dup2(writer, stream)
        {then}
    run(step, *given)
TrainingStep.run = run_without_reader
"""
"""As with `2>&1 | tee log`, which Ctrl-C ends as well; or `| head`, or a closed terminal."""


@pytest.mark.parametrize(
    ("streams", "then", "status", "seen"),
    [((1, 2), "os.kill(os.getpid(), signal.SIGINT)", 130, 8), ((1,), "pass", 0, 24)],
)
def test_output_without_a_reader_does_not_end_a_run(command, recipe, tmp_path, streams, then, status, seen):
    settings = [*recipe, *RARELY, "output.checkpoint_every=100", f"output.root={tmp_path}"]
    code, _, err = command("fit", *settings, patch=NO_READER.format(streams=streams, then=then))
    (run,) = (tmp_path / "shapes").iterdir()
    assert (code, err, last(run)["images_seen"]) == (status, "", seen)
