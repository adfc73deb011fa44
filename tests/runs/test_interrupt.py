"""SIGINT, SIGTERM and SIGHUP save a run and say how to resume it; killed runs resume too, all bit for bit."""

import os
import signal

import pytest

from composegan.runs import graceful_stop
from composegan.runs.graceful_stop import STOPPING
from composegan.runs.recorder import RunRecorder
from tests.helpers import last

IN_THE_FOURTH_STEP = """
import os, signal, torch
from composegan.runs.recorder import RunRecorder
from composegan.training.step import TrainingStep
run = TrainingStep.run
def run_with_signal(step, *given):
    if step.images_seen == 6:
        {signals}
    run(step, *given)
TrainingStep.run = run_with_signal
"""

SENT_TWICE = IN_THE_FOURTH_STEP.format(signals="for _ in range(2): os.killpg(os.getpgid(0), signal.{name})")
"""To the process and its data workers, twice, as `timeout` and job systems send it."""

WHILE_WAITING_FOR_DATA = """
import os, signal, time
from composegan.data.loader import Batches
read = Batches.__getitem__
def getitem(batches, step):
    if step == 6:
        time.sleep(1)
        os.killpg(os.getpgid(0), signal.{name})
        time.sleep(0.2)
    return read(batches, step)
Batches.__getitem__ = getitem
"""
"""The process waits for a data worker, which it needs for the step that it finishes."""

KILLED_WHILE_SCORING = "RunRecorder._score = lambda *given, **named: os.kill(os.getpid(), signal.SIGKILL)"

KILLED_WHILE_SAVING = """
save = torch.save
def killed(state, file):
    save(state, file)
    if state["images_seen"] == 8:
        os.kill(os.getpid(), signal.SIGKILL)
torch.save = killed
"""

TERMINATED = IN_THE_FOURTH_STEP.format(signals="os.kill(os.getpid(), signal.SIGTERM)")


@pytest.mark.parametrize(
    ("patch", "status", "saved"),
    [
        (WHILE_WAITING_FOR_DATA.format(name="SIGINT"), 130, None),
        pytest.param(WHILE_WAITING_FOR_DATA.format(name="SIGTERM"), 130, None, marks=pytest.mark.slow),
        (SENT_TWICE.format(name="SIGTERM"), 130, 8),
        pytest.param(SENT_TWICE.format(name="SIGHUP"), 130, 8, marks=pytest.mark.slow),
        (SENT_TWICE.format(name="SIGKILL"), -signal.SIGKILL, 4),
        # Killed soon after, while making the pictures and scores that are due: already saved.
        pytest.param(TERMINATED + KILLED_WHILE_SCORING, -signal.SIGKILL, 8, marks=pytest.mark.slow),
        pytest.param(TERMINATED + KILLED_WHILE_SAVING, -signal.SIGKILL, 4, marks=pytest.mark.slow),
    ],
    ids=["INT-waiting", "TERM-waiting", "TERM-twice", "HUP-twice", "KILL", "KILL-scoring", "KILL-saving"],
)
def test_stopped_process_resumes_bit_for_bit(
    command, recipe, whole_run, resume, assert_same_run, figures_of, tmp_path, patch, status, saved
):
    settings = [*recipe, f"output.root={tmp_path}", "data.workers=2"]
    code, out, err = command("fit", *settings, patch=patch)
    (run,) = (tmp_path / "shapes").iterdir()
    seen = last(run)["images_seen"]
    assert code == status and seen == (saved or seen)
    if status == 130:
        assert err == f"{STOPPING}\ncomposegan: interrupted\n"
        assert out.splitlines()[-1] == f"stopped at {seen} images; to resume: composegan fit run={run}"
        assert (run / "model" / "model.safetensors").exists()
    assert_same_run(resume(run), whole_run)
    assert len(figures_of(run)) == 12


STOP_AT_ONCE = """
import os, signal, time
from composegan.data import loader
from composegan.data.loader import Batches
from composegan.runs import graceful_stop
graceful_stop.REPEAT = 0.2
loader.PATIENCE = 0.5
read = Batches.__getitem__
def getitem(batches, step):
    if step == 3:
        open("workers", "a").write(f"{os.getpid()} ")
        time.sleep(0.5)
        for _ in range(2):
            os.killpg(os.getpgid(0), signal.SIGINT)
            time.sleep(0.5)
        time.sleep(100)
    return read(batches, step)
Batches.__getitem__ = getitem
"""
"""A data worker hangs, as on a disk that does not answer."""


def test_second_signal_does_not_wait_for_a_hanging_data_worker(command, recipe, tmp_path):
    settings = [*recipe, f"output.root={tmp_path}", "data.workers=2", "output.score_every=0"]
    status, _, err = command("fit", *settings, patch=STOP_AT_ONCE, timeout=40)
    assert (status, err) == (130, f"{STOPPING}\ncomposegan: interrupted\n")
    (worker,) = (tmp_path / "workers").read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker), 0)


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


def raise_signals(*numbers):
    for number in numbers:
        signal.raise_signal(number)


def test_second_signal_stops_at_once(fit, at_step, runs, monkeypatch, resume, assert_same_run, whole_run):
    before = handlers()
    monkeypatch.setattr(graceful_stop, "REPEAT", 0)
    at_step(lambda step: raise_signals(signal.SIGINT, signal.SIGINT), after=6)
    with pytest.raises(KeyboardInterrupt):
        fit()
    assert handlers() == before
    (run,) = runs()
    assert last(run)["images_seen"] == 4  # not saved again
    monkeypatch.undo()
    assert_same_run(resume(run), whole_run)


@pytest.mark.parametrize("when", ["step", "save"])
def test_signal_in_the_last_step_leaves_a_finished_run(fit, at_step, monkeypatch, capfd, when):
    before, save = handlers(), RunRecorder.save

    def save_with_signal(recorder, step, **settings):
        save(recorder, step, **settings)
        if step.images_seen == 4:
            raise_signals(signal.SIGTERM)

    if when == "step":
        at_step(lambda step: raise_signals(signal.SIGINT), after=4)
    else:
        monkeypatch.setattr(RunRecorder, "save", save_with_signal)
    run = fit("training.images=4", "output.score_every=0")
    assert last(run)["images_seen"] == 4
    assert capfd.readouterr().out.splitlines()[-1].startswith("done: 4 images.")
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("hook", ["setup", "on_train_start"])
def test_signal_before_the_first_step_stops_after_it(fit, monkeypatch, runs, number, hook):
    """Also where Lightning has just installed its own handlers."""
    original = getattr(RunRecorder, hook)

    def raise_and_continue(*given, **named):
        if hook == "on_train_start":
            original(*given, **named)
        raise_signals(number)

    monkeypatch.setattr(RunRecorder, hook, raise_and_continue)
    before = handlers()
    with pytest.raises(KeyboardInterrupt):
        fit()
    assert handlers() == before
    assert last(runs()[0])["images_seen"] == 2


def test_ignored_hangup_does_not_stop_a_run(fit, at_step):
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        at_step(lambda step: raise_signals(signal.SIGHUP), after=2)
        run = fit("training.images=4", "output.score_every=0")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert last(run)["images_seen"] == 4
