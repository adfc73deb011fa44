"""Locks between processes: one that refuses, one that waits, and neither hides the block's own errors."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import nullcontext

import pytest

from composegan.errors import UserError
from composegan.io import lock
from composegan.io.atomic import atomic_folder
from composegan.io.lock import exclusive_lock, one_at_a_time


@pytest.fixture
def elsewhere():
    """(context, path, seconds) -> a process that is holding context(path) for so long."""
    fork, started = multiprocessing.get_context("fork"), []

    def hold(context, path, seconds, ready):
        with context(path):
            ready.set()
            time.sleep(seconds)

    def start(context, path, seconds):
        ready = fork.Event()
        started.append(fork.Process(target=hold, args=(context, path, seconds, ready)))
        started[-1].start()
        assert ready.wait(20)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join()


@pytest.mark.parametrize(("seconds", "grace"), [(0.5, 20.0), (20.0, 0.2)])
def test_exclusive_lock_refuses_after_grace_period(tmp_path, monkeypatch, elsewhere, seconds, grace):
    monkeypatch.setattr(lock, "GRACE", grace)
    other = elsewhere(exclusive_lock, tmp_path, seconds)
    refused = pytest.raises(UserError, match="another process is using it") if seconds > grace else nullcontext()
    with refused, exclusive_lock(tmp_path):
        pass
    other.kill()
    other.join()
    with exclusive_lock(tmp_path):  # the lock ended with its process
        pass


def test_one_at_a_time_waits_and_warns(tmp_path, elsewhere, caplog):
    start = time.monotonic()
    elsewhere(one_at_a_time, tmp_path / "target", 0.5)
    with one_at_a_time(tmp_path / "target"):
        assert time.monotonic() - start > 0.5
    assert "waiting for another process that is creating" in caplog.text


def test_one_at_a_time_keeps_temporary_of_living_process(tmp_path, elsewhere):
    """A process that could not lock may be filling the same folder: only its own lock says whether it is alive."""
    elsewhere(atomic_folder, tmp_path / "target", 20)
    (temporary,) = tmp_path.iterdir()
    with one_at_a_time(tmp_path / "target"), atomic_folder(tmp_path / "target"):
        assert temporary.exists()
    assert temporary.exists()


@pytest.mark.parametrize(("context", "file"), [(exclusive_lock, "target/.lock"), (one_at_a_time, ".target.lock")])
def test_lock_passes_errors_and_tolerates_missing_locks(tmp_path, context, file):
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="mine"), context(tmp_path / "target"):
        raise OSError("mine")
    (tmp_path / file).unlink()
    (tmp_path / file).mkdir()  # cannot be opened as a lock file
    with context(tmp_path / "target"):
        pass
