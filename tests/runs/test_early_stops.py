"""Whatever ends a run early: gone on with, it ends as one that nobody disturbed, also where something went wrong."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from math import nan

import pytest
import torch

from composegan.errors import UserError
from composegan.model import saved_model
from composegan.runs import checkpoint
from composegan.runs.checkpoint import read
from composegan.runs.recorder import RunRecorder
from composegan.training.divergence import Divergence
from composegan.training.step import TrainingStep

RARELY = ("output.score_every=0", "output.samples_every=100")


class Killed(BaseException):
    """What nobody catches."""


def after(monkeypatch, position, function):
    """`function(module)` is called behind the step that ends at a place in the stream of images, whenever it does."""
    step = TrainingStep.run

    def training_step(module, batch, *rest):
        step(module, batch, *rest)
        if module.position == position:
            function(module)

    monkeypatch.setattr(TrainingStep, "run", training_step)


def not_a_number(module):
    with torch.no_grad():
        module.generator.local.weight[0, 0, 0, 0] = nan


def told(module):
    signal.raise_signal(signal.SIGTERM)


@pytest.fixture
def runs(tmp_path):
    """The folders of all runs there are, the oldest first."""
    return lambda: sorted((tmp_path / "runs" / "shapes").iterdir(), key=lambda run: run.stat().st_ctime_ns)


@pytest.mark.parametrize("stop", [10, 14])
def test_told_before_something_goes_wrong_is_found(fit, monkeypatch, resume, assert_same_run, runs, stop):
    """It is found at 16, and leads back to 12 or 8: not to where the run was saved because it was told to stop."""
    settings = (*RARELY, "output.log_every=8", "output.checkpoint_every=8")
    after(monkeypatch, 14, not_a_number)
    whole = fit(*settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after(patch, stop, told)
        fit(*settings)
    run = next(run for run in runs() if run != whole)
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == (10 if stop == 10 else 8)  # nothing bad is saved
    resume(run)
    skipped = [read(each / "checkpoints" / "last.pt")["skipped"] for each in (whole, run)]
    assert skipped == [8, 8]
    assert_same_run(run, whole)


def test_told_twice_before_the_next_checkpoint(fit, monkeypatch, resume, assert_same_run, runs):
    settings = (*RARELY, "output.log_every=8", "output.checkpoint_every=8")
    after(monkeypatch, 16, not_a_number)
    whole = fit(*settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after(patch, 10, told)
        fit(*settings)
    run = next(run for run in runs() if run != whole)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after(patch, 12, told)
        resume(run)
    kept = [read(run / "checkpoints" / name) for name in ("last.pt", "previous.pt")]
    assert [(state["images_seen"], state["early"]) for state in kept] == [(12, True), (8, False)]
    assert_same_run(resume(run), whole)


def test_told_where_a_loss_is_high_for_once(fit, monkeypatch, resume, assert_same_run, runs):
    """Its interval's mean is not, and only that is asked."""
    settings = (*RARELY, "output.log_every=8", "output.checkpoint_every=8", "training.images=104", "trainer.spike=10")
    note, running = Divergence.add, []

    def noted(guard, figures):
        if running[0].position == 96 and "loss/discriminator" in figures:  # in the step that ends at 98
            figures = {**figures, "loss/discriminator": torch.tensor(30.0)}
        note(guard, figures)

    begin = CompositionModule.on_train_start
    monkeypatch.setattr(CompositionModule, "on_train_start", lambda module: (running.insert(0, module), begin(module)))
    monkeypatch.setattr(Divergence, "add", noted)
    whole = fit(*settings)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after(patch, 98, told)
        fit(*settings)
    run = next(run for run in runs() if run != whole)
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 98
    assert_same_run(resume(run), whole)
    assert read(run / "checkpoints" / "last.pt")["skipped"] == 0


def test_told_in_the_last_step_which_went_wrong(fit, monkeypatch, runs):
    """It is the last step no more, and the wish still stands."""
    after(monkeypatch, 24, lambda module: (not_a_number(module), told(module)))
    with pytest.raises(KeyboardInterrupt):
        fit(*RARELY)
    (run,) = runs()
    assert read(run / "checkpoints" / "last.pt")["images_seen"] < 24


def test_told_while_the_last_checkpoint_is_saved(fit, monkeypatch, capfd):
    """The run is done."""
    save = RunRecorder.save

    def saved(keeper, module, *given, **settings):
        save(keeper, module, *given, **settings)
        if module.images_seen == 24:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(RunRecorder, "save", saved)
    fit(*RARELY)
    assert "done: 24 images" in capfd.readouterr().out


def scores(monkeypatch, table):
    """A run's score at so many images."""
    monkeypatch.setattr(
        RunRecorder, "_measure", lambda keeper, module: {"sliced_wasserstein": table[module.images_seen]}
    )


def kept(run):
    return {path.name: (read(path)["images_seen"], read(path)["best"]) for path in (run / "checkpoints").iterdir()}


def test_the_best_is_kept_also_between_checkpoints(fit, monkeypatch):
    scores(monkeypatch, {2: 9.0, 4: 8.0, 6: 1.0, 8: 5.0, 10: 7.0, 12: 7.0})
    run = fit("training.images=12", "output.score_every=2", "output.checkpoint_every=4")
    assert kept(run)["best.pt"] == (6, 1.0) and kept(run)["last.pt"] == (12, 1.0)


def test_killed_where_the_best_is_kept(fit, resume, monkeypatch, runs):
    scores(monkeypatch, {4: 8.0, 8: 1.0, 12: 5.0, 16: 5.0, 20: 5.0, 24: 5.0})
    rename = checkpoint.atomic_file

    def killed(path):
        if path.name == "best.pt" and (path.parent / "best.pt").exists():
            raise Killed
        return rename(path)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(checkpoint, "whole_file", killed)
        fit("output.score_every=4")
    (run,) = runs()
    assert kept(resume(run))["best.pt"] == (8, 1.0)


def test_killed_while_it_scores_it_scores_when_it_goes_on(fit, resume, monkeypatch, runs, figures_of, whole_run):
    """It was told to stop and is saved, without the score that is due, which makes it the best."""
    table = {4: 8.0, 8: 1.0, 12: 5.0, 16: 5.0, 20: 5.0, 24: 5.0}
    scores(monkeypatch, table)
    after(monkeypatch, 8, told)

    def killed(keeper, module):
        if module.images_seen == 8:
            raise Killed
        return {"sliced_wasserstein": table[module.images_seen]}

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(RunRecorder, "_measure", killed)
        fit("output.score_every=4")
    (run,) = runs()
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 8
    assert read(run / "checkpoints" / "previous.pt")["images_seen"] == 4
    assert figures_of(run)[-1]["images_seen"] == "8" and "score/sliced_wasserstein" in figures_of(run)[0]
    resume(run)
    rows = {row["images_seen"]: row for row in figures_of(run)}
    assert [rows[f"{seen}"]["score/sliced_wasserstein"] for seen in table] == [f"{value:g}" for value in table.values()]
    assert rows.keys() == {row["images_seen"] for row in figures_of(whole_run)}
    assert all(row["loss/generator"] for row in rows.values())
    assert kept(run)["previous.pt"][0] == 20 and kept(run)["last.pt"][0] == 24
    assert kept(run)["best.pt"] == (8, 1.0)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_killed_before_the_last_model_is_there(fit, resume, monkeypatch, runs, file):
    """A run that counts as finished has its model."""
    atomic_file = saved_model.atomic_file

    def killed(path):
        if path.name == file and running[0].images_seen == 8:
            raise Killed
        return atomic_file(path)

    running = []
    begin = CompositionModule.on_train_start
    monkeypatch.setattr(CompositionModule, "on_train_start", lambda module: (running.insert(0, module), begin(module)))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(saved_model, "whole_file", killed)
        fit(*RARELY, "training.images=8", "grouping=progressive:3", "training.split_every=6")
    (run,) = runs()
    resume(run)
    assert saved_model.load(run).about["images_seen"] == 8


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_images_that_are_gone_when_they_are_first_compared_with(
    fit, resume, shapes, monkeypatch, tmp_path, runs, policy
):
    mount, away = tmp_path / "mount", tmp_path / "away"
    shutil.copytree(shapes[1].removeprefix("data.root="), mount)
    after(monkeypatch, 16, lambda module: mount.rename(away))
    settings = (f"data.root={mount}", f"data.on_error={policy}", "output.score_every=16", "output.checkpoint_every=12")
    with pytest.raises(UserError, match="mount.*; fix this, then resume with: composegan fit run="):
        fit(*settings, "data.workers=2")
    (run,) = runs()
    state = read(run / "checkpoints" / "last.pt")
    assert (state["images_seen"], state["early"], state["shown"]) == (16, True, False)
    away.rename(mount)
    monkeypatch.undo()
    assert read(resume(run) / "checkpoints" / "last.pt")["best"] < 1


def test_the_last_score_is_made_up_for(fit, resume, shapes, monkeypatch, tmp_path, runs):
    """A run whose last score could not be taken is not finished."""
    mount, away = tmp_path / "mount", tmp_path / "away"
    shutil.copytree(shapes[1].removeprefix("data.root="), mount)
    after(monkeypatch, 24, lambda module: mount.rename(away))
    with pytest.raises(UserError, match="fix this, then resume with"):
        fit(f"data.root={mount}", "output.score_every=24", "data.workers=2")
    (run,) = runs()
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 20
    away.rename(mount)
    monkeypatch.undo()
    assert kept(resume(run))["best.pt"][0] == 24


def test_it_is_tried_as_often_as_it_would_have_been(fit, resume, monkeypatch, runs):
    """Also by a run that was stopped before its first regular checkpoint: one undisturbed had nothing to go back to."""
    settings = (*RARELY, "output.checkpoint_every=12", "output.log_every=2")
    step = TrainingStep.run
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after(patch, 6, told)
        fit(*settings)
    (run,) = runs()

    def training_step(module, batch, *rest):
        step(module, batch, *rest)
        not_a_number(module)

    monkeypatch.setattr(TrainingStep, "run", training_step)
    with pytest.raises(UserError, match="at 8 images a weight is nan, before there was a checkpoint to go back to"):
        resume(run)


def test_the_last_step_goes_wrong_and_there_are_no_more_data(fit, resume, monkeypatch, runs, assert_same_run):
    """It is done again when there are, with the batch that is its turn."""
    after(monkeypatch, 24, not_a_number)
    whole = fit(*RARELY)

    def gone(module):
        not_a_number(module)
        module.trainer.train_dataloader.failure = "x.png: cannot be read"

    with monkeypatch.context() as patch, pytest.raises(UserError, match="x.png: cannot be read; saved at"):
        after(patch, 24, gone)
        fit(*RARELY)
    run = next(run for run in runs() if run != whole)
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 20
    assert_same_run(resume(run), whole)


def test_another_number_of_images_is_told(fit, resume, shapes, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(shapes[1].removeprefix("data.root="), data)
    run = fit(f"data.root={data}", "training.images=8", *RARELY)
    for part in ("images", "labels"):
        (data / part / "6.png").unlink()
    capsys.readouterr()
    resume(run, "training.images=10")
    assert "there were 7 images and now are 6: they come in another order" in capsys.readouterr().out


def test_nobody_goes_on_with_a_run_that_goes_on(fit, resume, monkeypatch, tmp_path):
    """Two would write the same files, each its own weights."""
    answers = []

    def another(module):
        (run,) = (tmp_path / "runs" / "shapes").iterdir()
        command = [sys.executable, "-m", "composegan.cli", "fit", f"run={run}"]
        answers.append(subprocess.run(command, capture_output=True, text=True, timeout=60))

    after(monkeypatch, 10, another)
    run = fit(*RARELY, "training.images=12")
    (answer,) = answers
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"composegan: {run}: another process is at work in it; wait for it, or stop it")
    assert answer.stderr.count("\n") == 1
    resume(run, "training.images=14")


def test_two_that_begin_in_the_same_second(fit, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda *given: "now")
    assert [fit(*RARELY, "training.images=2").name for _ in range(3)] == ["now", "now_2", "now_3"]


NO_READER = """
import os, signal
from composegan.training.step import TrainingStep
step = TrainingStep.run
def training_step(module, batch, *rest):
    if module.images_seen == 6:
        reader, writer = os.pipe()
        os.close(reader)
        for stream in {streams}:
            os.dup2(writer, stream)
        {then}
    return step(module, batch, *rest)
TrainingStep.run = training_step
"""
"""As with `2>&1 | tee log`, which Ctrl-C ends as well; or `| head`, or a terminal that was closed."""


def test_told_when_nobody_reads_what_is_printed(command, tiny, shapes, tmp_path):
    patch = NO_READER.format(streams=(1, 2), then="os.kill(os.getpid(), signal.SIGINT)")
    settings = ["recipe=quick", *shapes, *tiny, *RARELY, "output.checkpoint_every=100", f"output.root={tmp_path}"]
    status, _, _ = command("fit", *settings, patch=patch)
    (run,) = (tmp_path / "shapes").iterdir()
    assert (status, read(run / "checkpoints" / "last.pt")["images_seen"]) == (130, 8)


def test_nobody_reads_what_is_printed(command, tiny, shapes, tmp_path):
    patch = NO_READER.format(streams=(1,), then="pass")
    settings = ["recipe=quick", *shapes, *tiny, *RARELY, "trainer.accelerator=cpu", f"output.root={tmp_path}"]
    status, _, err = command("fit", *settings, patch=patch)
    (run,) = (tmp_path / "shapes").iterdir()
    assert (status, err, read(run / "checkpoints" / "last.pt")["images_seen"]) == (0, "", 24)


def test_two_processes_save_the_same_sums(ranks):
    """What the guard goes on from is both processes', though only the first one's is saved."""

    def work(rank):
        torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
        weights, loss = [torch.ones(2)], torch.tensor([1.0, 9.0][rank])
        guard, other = Divergence(0.0), Divergence(0.0)
        guard.add({"loss/generator": loss})
        assert guard.check(weights, complete=False) is None  # a checkpoint in the midst of an interval
        first = [guard.state()]
        torch.distributed.broadcast_object_list(first)
        other.restore(first[0])
        for each in (guard, other):
            each.add({"loss/generator": loss})
            each.check(weights, complete=True)
        torch.distributed.destroy_process_group()
        return [each.usual["loss/generator"] for each in (guard, other)]

    assert ranks(work) == [[[5.0], [5.0]]] * 2
