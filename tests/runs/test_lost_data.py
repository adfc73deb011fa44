"""Data lost during a run: the run is saved, reports one line, and resumes once the data are back."""

import os
import shutil
import signal

import pytest

from composegan.cli import main
from composegan.data import loader as loaders
from composegan.data.folder import FolderSource
from composegan.data.loader import Batches, dead_reader
from composegan.errors import UserError
from tests.helpers import last, refused


@pytest.mark.parametrize("policy", ["stop", "skip"])
def test_lost_mount_saves_the_run(fit, at_step, mount, whole_run, resume, assert_same_run, runs, policy):
    """After 10 images; two batches are read ahead. Skipping bad images is not skipping all there are."""
    away = mount.with_name("away")
    at_step(lambda step: mount.rename(away), before=10)
    line = refused(fit, f"data.root={mount}", f"data.on_error={policy}")
    (run,) = runs()
    seen = last(run)["images_seen"]
    start, *_, saved, end = line.split("; ")
    assert start.startswith(f"{mount}/images/" if policy == "stop" else "none of the 7 images can be used")
    assert saved == f"saved at {seen} images" and seen in (12, 14)
    assert end == f"fix this, then resume with: composegan fit run={run}"
    assert main(["fit", f"run={run}"]) == 2  # still away
    away.rename(mount)
    assert_same_run(resume(run), whole_run)


def test_system_error_of_a_source_saves_the_run(fit, monkeypatch, resume, whole_run, assert_same_run, runs):
    """A plugin's source may leave it to us that its network disk is gone."""
    get, calls = FolderSource.__getitem__, []

    def stale(source, index):
        calls.append(index)
        if len(calls) > 20:
            raise OSError(116, "Stale file handle", "/mnt/data/5.png")
        return get(source, index)

    monkeypatch.setattr(FolderSource, "__getitem__", stale)
    line = "^/mnt/data/5.png: cannot be read .Stale file handle.; saved at [0-9]+ images; fix this"
    with pytest.raises(UserError, match=line):
        fit("output.score_every=0", "training.class_sets=all")
    monkeypatch.undo()
    (run,) = runs()
    assert_same_run(resume(run), whole_run, extended=True)  # without scores so far


def test_killed_data_worker_ends_the_run_with_one_line(fit, monkeypatch, resume, whole_run, assert_same_run, runs):
    """As by a bus error, which is what reading a memory-mapped file of a lost disk is, or for lack of memory."""
    get = Batches.__getitem__

    def killed(batches, step):
        if step == 6:
            os.kill(os.getpid(), signal.SIGBUS)
        return get(batches, step)

    monkeypatch.setattr(Batches, "__getitem__", killed)
    how = r"(was killed \(Bus error\)|ended)"  # torch may notice the lost connection before the signal
    with pytest.raises(UserError, match=f"^a process that reads data {how}; is the data still there, "):
        fit("data.workers=1")
    monkeypatch.undo()
    (run,) = runs()
    assert last(run)["images_seen"] >= 4
    assert_same_run(resume(run), whole_run)


def test_bugs_are_not_reported_as_data_errors():
    assert dead_reader(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert "ended; is the data" in dead_reader(RuntimeError("DataLoader worker (pid(s) 7, 8) exited unexpectedly"))


def test_skipping_gives_up_after_many_bad_items(monkeypatch, fit, mount):
    """However large the data is, not all of it is tried."""
    monkeypatch.setattr(loaders, "IN_A_ROW", 3)
    for path in (mount / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="^none of 3 images in a row can be used; the last: .*png"):
        fit(f"data.root={mount}", "data.on_error=skip", "training.class_sets=all")


def test_data_lost_after_the_last_step_do_not_matter(fit, at_step, mount, capfd):
    """Batches are read ahead; errors in those after the last step are ignored."""
    at_step(lambda step: shutil.rmtree(mount), before=2)
    fit(f"data.root={mount}", "training.images=4", "output.score_every=0")
    assert capfd.readouterr().out.splitlines()[-1].startswith("done: 4 images.")
