"""Two processes end together, whichever of them has a reason to, and the run goes on from there."""

from __future__ import annotations

import os
import signal
import time

import pytest

from composegan.cli import main
from composegan.data.loader import Batches
from composegan.runs import checkpoint
from composegan.runs.checkpoint import read
from composegan.runs.recorder import RunRecorder
from composegan.training.step import TrainingStep

TWO = ["trainer.devices=2", "training.batch=4", "output.score_every=0"]


@pytest.fixture
def fit_two(ranks, tiny, shapes, tmp_path, as_before):
    """(settings..., do=function(rank, patch), statuses) -> exit statuses of `composegan fit` in each of two processes.

    do: called in each process before. statuses: of the processes themselves, where one does not come to its end.
    """

    def fit_two(*settings, do=lambda rank, patch: None, statuses=None):
        def work(rank):
            with pytest.MonkeyPatch.context() as patch, as_before():
                do(rank, patch)
                return main(["fit", "recipe=quick", *shapes, *tiny, *TWO, f"output.root={tmp_path}", *settings])

        return ranks(work, statuses=statuses)

    return fit_two


@pytest.fixture
def only_run(tmp_path):
    """() -> the run that is there."""

    def only_run():
        (run,) = (tmp_path / "shapes").iterdir()
        return run

    return only_run


@pytest.fixture
def assert_goes_on(fit_two, ranks, only_run, assert_same_run, as_before, tmp_path):
    """(): the run, continued by two processes, ends as one that nothing happened to, bit for bit."""

    def assert_goes_on():
        run = only_run()

        def work(rank):
            with as_before():
                return main(["fit", f"run={run}"])

        assert ranks(work) == [0, 0]
        fit_two(f"output.root={tmp_path / 'whole'}")
        (whole,) = (tmp_path / "whole" / "shapes").iterdir()
        assert_same_run(run, whole)

    return assert_goes_on


def in_step(patch, images, function):
    """`function` is called in the step that follows so many images."""
    step = TrainingStep.run

    def training_step(module, batch, *rest):
        if module.images_seen == images:
            function()
        return step(module, batch, *rest)

    patch.setattr(TrainingStep, "run", training_step)


@pytest.mark.parametrize("told", [(0,), (1,), (0, 1)])
def test_a_signal_to_any_process(fit_two, only_run, capfd, told):
    def do(rank, patch):
        if rank in told:
            in_step(patch, 8, lambda: signal.raise_signal(signal.SIGTERM))

    assert fit_two(do=do) == [130, 0]
    out, err = capfd.readouterr()
    assert out.splitlines()[-1] == f"stopped at 12 images; to continue: composegan fit run={only_run()}"
    assert err.count("stopping after this step") == len(told) and "Traceback" not in err
    assert read(only_run() / "checkpoints" / "last.pt")["images_seen"] == 12


def test_a_signal_to_the_second_process_before_the_first_step(fit_two, only_run, capfd):
    """Lightning's own handler would wait there for a first process that does not know of it."""
    from composegan.runs.recorder import GracefulStop

    def do(rank, patch):
        if rank == 1:
            patch.setattr(GracefulStop, "on_train_start", lambda *given: signal.raise_signal(signal.SIGTERM))

    assert fit_two(do=do) == [130, 0]
    assert read(only_run() / "checkpoints" / "last.pt")["images_seen"] == 4
    assert "Traceback" not in capfd.readouterr().err


def test_a_second_process_that_is_told_while_the_first_one_saves(fit_two, only_run, capfd):
    """It has ended its training and waits for nobody, least of all within the handler of a signal."""
    save = RunRecorder.save

    def slow(keeper, module, *rest, **settings):
        time.sleep(1)
        save(keeper, module, *rest, **settings)

    def do(rank, patch):
        if rank == 0:
            patch.setattr(RunRecorder, "save", slow)
        else:
            told = lambda keeper, trainer, module: signal.raise_signal(signal.SIGTERM)  # noqa: E731
            patch.setattr(RunRecorder, "on_train_end", told)

    assert fit_two("training.images=8", do=do) == [0, 0]
    assert read(only_run() / "checkpoints" / "last.pt")["images_seen"] == 8
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_data_that_one_process_cannot_read(fit_two, only_run, assert_goes_on, capfd):
    get = Batches.__getitem__

    def do(rank, patch):
        def gone(batches, step):
            if rank == 1 and step == 3:
                raise OSError(116, "Stale file handle", "/mnt/5.png")
            return get(batches, step)

        def wrapped(batches, step):
            try:
                return gone(batches, step)
            except OSError as error:
                return str(error), {}

        patch.setattr(Batches, "__getitem__", wrapped)

    assert fit_two(do=do) == [2, 0]
    err = [line for line in capfd.readouterr().err.splitlines() if line]
    assert err == [
        "composegan: [Errno 116] Stale file handle: '/mnt/5.png'; saved at 12 images; once that is mended, continue "
        f"with: composegan fit run={only_run()}"
    ]
    assert_goes_on()


@pytest.mark.slow
def test_a_full_disk(fit_two, full_disk, assert_goes_on, capfd):
    """Only the first process saves; the other hears of it when the first has ended."""
    saved = checkpoint.save

    def do(rank, patch):
        def on_a_full_disk(folder, state, **named):
            if state["images_seen"] == 8:
                with full_disk(1000):
                    return saved(folder, state, **named)
            return saved(folder, state, **named)

        patch.setattr(checkpoint, "save", on_a_full_disk)

    assert fit_two(do=do) == [2, 2]
    err = capfd.readouterr().err
    assert "last.pt: cannot be written (no space left on the disk); last.pt is unchanged; fix" in err
    assert "another of the 2 processes has ended; fix this, then resume with: " in err
    assert "Traceback" not in err
    assert_goes_on()


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_a_process_that_is_killed(fit_two, assert_goes_on, capfd, killed):
    def do(rank, patch):
        if rank == killed:
            in_step(patch, 16, lambda: os.kill(os.getpid(), signal.SIGKILL))

    statuses = [0, 0]
    statuses[killed] = -signal.SIGKILL
    fit_two(do=do, statuses=statuses)
    err = capfd.readouterr().err
    assert "another of the 2 processes has ended" in err and "Traceback" not in err
    if killed:
        assert_goes_on()


@pytest.mark.slow
def test_the_one_that_scores_waits_for_nobody(fit_two, only_run):
    """torchmetrics would, in `compute`, for a process that is in the midst of a step."""
    scoring = ["output.score_every=4", "output.metrics=KD-EffNetLite0", "training.images=8"]
    assert fit_two(*scoring) == [0, 0]
    assert read(only_run() / "checkpoints" / "best.pt")["best_of"] == "KD-EffNetLite0"
