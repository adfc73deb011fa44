"""Two ranks stop together, whichever has a reason to, and the run resumes."""

import os
import signal
import time
from contextlib import nullcontext

import pytest

from composegan.cli import main
from composegan.data.loader import Batches
from composegan.runs import checkpoint
from composegan.runs.recorder import RunRecorder
from tests.helpers import last, terminate

TWO = ["trainer.devices=2", "training.batch=4", "output.score_every=0"]


@pytest.fixture
def fit_two(ranks, recipe, tmp_path, as_before):
    """(settings..., do=function(rank, patch), statuses) -> exit statuses of `composegan fit` in each of two processes.

    do: called in each process before. statuses: of the processes themselves, where one does not come to its end.
    """

    def fit_two(*settings, do=lambda rank, patch: None, statuses=None):
        def work(rank):
            with pytest.MonkeyPatch.context() as patch, as_before():
                do(rank, patch)
                return main(["fit", *recipe, *TWO, f"output.root={tmp_path / 'runs'}", *settings])

        return ranks(work, statuses=statuses)

    return fit_two


@pytest.fixture
def only_run(runs):
    """() -> the only run of this test."""

    def only_run():
        (run,) = runs()
        return run

    return only_run


@pytest.fixture
def assert_resumes(fit_two, ranks, only_run, assert_same_run, as_before, tmp_path):
    """(): the run, resumed by two ranks, ends bit for bit as an undisturbed one."""

    def assert_resumes():
        run = only_run()

        def work(rank):
            with as_before():
                return main(["fit", f"run={run}"])

        assert ranks(work) == [0, 0]
        fit_two(f"output.root={tmp_path / 'whole'}")
        (whole,) = (tmp_path / "whole" / "shapes").iterdir()
        assert_same_run(run, whole)

    return assert_resumes


@pytest.mark.parametrize("signalled", [(0,), (1,), (0, 1)])
def test_signal_to_any_rank_stops_both(fit_two, only_run, at_step, capfd, signalled):
    def do(rank, patch):
        if rank in signalled:
            at_step(terminate, before=8, patch=patch)

    assert fit_two(do=do) == [130, 0]
    out, err = capfd.readouterr()
    assert out.splitlines()[-1] == f"stopped at 12 images; to resume: composegan fit run={only_run()}"
    assert err.count("stopping after this step") == len(signalled) and "Traceback" not in err
    assert last(only_run())["images_seen"] == 12


def test_signal_to_rank_1_before_the_first_step_does_not_block(fit_two, only_run, capfd):
    """Lightning's own handler would wait for rank 0, which got no signal."""
    start = RunRecorder.on_train_start

    def start_with_signal(*given):
        start(*given)
        terminate()

    def do(rank, patch):
        if rank == 1:
            patch.setattr(RunRecorder, "on_train_start", start_with_signal)

    assert fit_two(do=do) == [130, 0]
    assert last(only_run())["images_seen"] == 4
    assert "Traceback" not in capfd.readouterr().err


def test_signal_to_rank_1_while_rank_0_saves_is_too_late(fit_two, only_run, capfd):
    save = RunRecorder.save

    def save_slowly(recorder, step, **settings):
        time.sleep(1)
        save(recorder, step, **settings)

    def do(rank, patch):
        if rank == 0:
            patch.setattr(RunRecorder, "save", save_slowly)
        else:
            patch.setattr(RunRecorder, "on_train_end", terminate)

    assert fit_two("training.images=8", do=do) == [0, 0]
    assert last(only_run())["images_seen"] == 8
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.slow
def test_unreadable_data_on_one_rank_stops_both(fit_two, only_run, assert_resumes, capfd):
    get = Batches.__getitem__

    def do(rank, patch):
        def lost(batches, step):
            if rank == 1 and step == 3:
                return "/mnt/5.png: stale file handle", {}
            return get(batches, step)

        patch.setattr(Batches, "__getitem__", lost)

    assert fit_two(do=do) == [2, 0]
    err = [line for line in capfd.readouterr().err.splitlines() if line]
    assert err == [
        "composegan: /mnt/5.png: stale file handle; saved at 12 images; fix this, then resume with: composegan fit "
        f"run={only_run()}"
    ]
    assert_resumes()


@pytest.mark.slow
def test_full_disk_of_rank_0_stops_both(fit_two, full_disk, assert_resumes, capfd):
    save = checkpoint.save

    def do(rank, patch):
        def save_on_a_full_disk(folder, state, **named):
            with full_disk(1000) if state["images_seen"] == 8 else nullcontext():
                return save(folder, state, **named)

        patch.setattr(checkpoint, "save", save_on_a_full_disk)

    assert fit_two(do=do) == [2, 2]
    err = capfd.readouterr().err
    assert "last.pt: cannot be written (no space left on the disk); last.pt is unchanged; fix this" in err
    assert "another of the 2 processes has ended; fix this, then resume with: " in err
    assert "Traceback" not in err
    assert_resumes()


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_killed_rank_stops_the_other(fit_two, assert_resumes, at_step, capfd, killed):
    def do(rank, patch):
        if rank == killed:
            at_step(lambda step: os.kill(os.getpid(), signal.SIGKILL), before=16, patch=patch)

    statuses = [0, 0]  # of the forked processes; `main` returned 2
    statuses[killed] = -signal.SIGKILL
    fit_two(do=do, statuses=statuses)
    err = capfd.readouterr().err
    assert "another of the 2 processes has ended" in err and "Traceback" not in err
    if killed:
        assert_resumes()


@pytest.mark.slow
def test_scoring_rank_does_not_wait_for_the_other(fit_two, only_run):
    """torchmetrics would, in `compute`."""
    scoring = ["output.score_every=4", "output.metrics=KD-EffNetLite0", "training.images=8"]
    assert fit_two(*scoring) == [0, 0]
    assert checkpoint.read(only_run() / "checkpoints" / "best.pt")["best_of"] == "KD-EffNetLite0"
