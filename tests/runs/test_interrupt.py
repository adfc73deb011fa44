"""Ctrl-C and SIGTERM save and say how to go on; a run that was killed goes on too, all bit for bit."""

from __future__ import annotations

import os
import signal

import pytest

from composegan.runs import recorder as callbacks
from composegan.runs.checkpoint import read
from composegan.training.step import TrainingStep

SEND = """
import os, signal
from composegan.training.step import TrainingStep
step = TrainingStep.run
def training_step(module, batch, *rest):
    if module.images_seen == 6:
        for _ in range(2):
            os.killpg(os.getpgid(0), signal.{signal})
    return step(module, batch, *rest)
TrainingStep.run = training_step
"""
"""In the fourth step the signal reaches trainer and readers of data, and that twice, as when `timeout` sends it."""


SEND_WHILE_READING = """
import os, signal, time
from composegan.data.loader import Batches
read = Batches.__getitem__
def getitem(batches, step):
    if step == 6:
        time.sleep(1)
        os.killpg(os.getpgid(0), signal.{signal})
        time.sleep(0.2)
    return read(batches, step)
Batches.__getitem__ = getitem
"""
"""It does while the trainer waits for a reader, which is needed for the step that is to be finished."""

STOPPING = "\nstopping after this step; again to stop at once\ncomposegan: interrupted\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_data_is_awaited(command, tiny, shapes, whole_run, resume, assert_same_run, tmp_path, name):
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}", "data.workers=2"]
    status, out, err = command("fit", *settings, patch=SEND_WHILE_READING.format(signal=name))
    (run,) = (tmp_path / "shapes").iterdir()
    assert (status, err) == (130, STOPPING)
    seen = read(run / "checkpoints" / "last.pt")["images_seen"]
    assert out.splitlines()[-1] == f"stopped at {seen} images; to resume: composegan fit run={run}"
    assert_same_run(resume(run), whole_run)


def test_a_signal_in_a_step(command, tiny, shapes, whole_run, resume, assert_same_run, tmp_path):
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}", "data.workers=0"]
    status, out, err = command("fit", *settings, patch=SEND.format(signal="SIGTERM"))
    (run,) = (tmp_path / "shapes").iterdir()
    assert (status, err) == (130, STOPPING)
    assert out.splitlines()[-1] == f"stopped at 8 images; to resume: composegan fit run={run}"
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 8
    assert (run / "samples" / "000008.png").exists() and (run / "model" / "model.safetensors").exists()
    assert_same_run(resume(run), whole_run)


def test_killed(command, tiny, shapes, whole_run, resume, assert_same_run, figures_of, tmp_path):
    """In the midst of the fourth step; the last checkpoint is of 4 images, the last line of figures of 6."""
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}", "data.workers=2"]
    status, _, err = command("fit", *settings, patch=SEND.format(signal="SIGKILL"))
    (run,) = (tmp_path / "shapes").iterdir()
    assert (status, err) == (-signal.SIGKILL, "")
    assert [row["images_seen"] for row in figures_of(run)] == ["2", "4", "6"]
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 4
    assert_same_run(resume(run), whole_run)
    assert len(figures_of(run)) == 12


KILLED_SOON_AFTER = """
import os, signal
from composegan.runs.recorder import Keeper
from composegan.training.step import TrainingStep
step = TrainingStep.run
def training_step(module, batch, *rest):
    if module.images_seen == 6:
        os.kill(os.getpid(), signal.SIGTERM)
    return step(module, batch, *rest)
TrainingStep.run = training_step
Keeper.{during} = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
"""
"""The fourth step is the last that ends within the job system's patience, and what comes then does not."""


def test_there_is_a_checkpoint_before_anything_that_takes_time(
    command, tiny, shapes, whole_run, resume, assert_same_run, tmp_path
):
    """Pictures and scores are due in the very step, and the job is killed in the midst of them."""
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}"]
    status, _, _ = command("fit", *settings, patch=KILLED_SOON_AFTER.format(during="_score"))
    (run,) = (tmp_path / "shapes").iterdir()
    assert status == -signal.SIGKILL
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 8
    assert_same_run(resume(run), whole_run)


@pytest.mark.slow
def test_killed_while_the_last_checkpoint_is_written(
    command, tiny, shapes, whole_run, resume, assert_same_run, tmp_path
):
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}"]
    patch = KILLED_SOON_AFTER.format(during="nothing") + (
        "import torch\nsave = torch.save\n"
        "def killed(state, file):\n"
        "    save(state, file)\n"
        "    if state['images_seen'] == 8: os.kill(os.getpid(), signal.SIGKILL)\n"
        "torch.save = killed\n"
    )
    status, _, _ = command("fit", *settings, patch=patch)
    (run,) = (tmp_path / "shapes").iterdir()
    assert status == -signal.SIGKILL
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 4
    assert_same_run(resume(run), whole_run)


STOP_AT_ONCE = """
import os, signal, time
from composegan.data import loader
from composegan.data.loader import Batches
from composegan.runs import recorder as callbacks
callbacks.AGAIN = 0.2
loader.PATIENCE = 0.5
read = Batches.__getitem__
def getitem(batches, step):
    if step == 3:
        open("readers", "a").write(f"{os.getpid()} ")
        time.sleep(0.5)
        for _ in range(2):
            os.killpg(os.getpgid(0), signal.SIGINT)
            time.sleep(0.5)
        time.sleep(100)
    return read(batches, step)
Batches.__getitem__ = getitem
"""
"""A reader hangs, as on a disk that does not answer, and the user does not want to wait for it."""


def test_asked_twice_a_reader_that_hangs_is_not_waited_for(command, tiny, shapes, tmp_path):
    settings = ["recipe=quick", *shapes, *tiny, f"output.root={tmp_path}", "data.workers=2", "output.score_every=0"]
    status, _, err = command("fit", *settings, patch=STOP_AT_ONCE, timeout=40)
    assert (status, err) == (130, STOPPING)
    (reader,) = (tmp_path / "readers").read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(reader), 0)


@pytest.fixture
def signal_in_step(monkeypatch):
    """(number of images, signals...) -> those signals are raised in the step that follows so many images."""

    def signal_in_step(images, *numbers):
        step = TrainingStep.run

        def training_step(module, batch, *rest):
            step(module, batch, *rest)
            if module.images_seen == images + 2:
                for number in numbers:
                    signal.raise_signal(number)

        monkeypatch.setattr(TrainingStep, "run", training_step)

    return signal_in_step


def only_run(folder):
    (run,) = (folder / "runs" / "shapes").iterdir()
    return run


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_asked_twice_it_stops_at_once(fit, signal_in_step, tmp_path, monkeypatch, resume, assert_same_run, whole_run):
    before = handlers()
    monkeypatch.setattr(callbacks, "AGAIN", 0)
    signal_in_step(4, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit()
    assert handlers() == before
    run = only_run(tmp_path)
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 4  # not saved once more
    monkeypatch.undo()
    assert_same_run(resume(run), whole_run)


def test_asked_in_the_last_step_the_run_is_done(fit, signal_in_step, capfd):
    before = handlers()
    signal_in_step(2, signal.SIGINT)
    run = fit("training.images=4", "output.score_every=0")
    assert read(run / "checkpoints" / "last.pt")["images_seen"] == 4
    assert capfd.readouterr().out.splitlines()[-1].startswith("done: 4 images.")
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_before_the_first_step(fit, monkeypatch, tmp_path, number):
    """While Lightning has the say about signals: there is nothing to save, but it is no fault either."""
    from composegan.runs.recorder import GracefulStop

    def setup(ending, *arguments, **named):
        signal.raise_signal(number)

    started = GracefulStop.on_train_start
    if number == signal.SIGINT:
        monkeypatch.setattr(GracefulStop, "setup", setup, raising=False)
    else:
        monkeypatch.setattr(
            GracefulStop, "on_train_start", lambda *given: (signal.raise_signal(number), started(*given))
        )
    before = handlers()
    with pytest.raises(KeyboardInterrupt):
        fit()
    assert handlers() == before
    assert (only_run(tmp_path) / "config.yaml").exists()
