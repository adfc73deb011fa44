"""Locks between processes: one that refuses, one that waits, and neither hides the block's own errors."""

from __future__ import annotations

import errno
import multiprocessing
import os
import socket
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from composegan.errors import UserError
from composegan.io import lock
from composegan.io.atomic import atomic_folder
from composegan.io.lock import exclusive_lock, one_at_a_time

fcntl = pytest.importorskip("fcntl")


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


contexts = pytest.mark.parametrize(
    ("context", "file"), [(exclusive_lock, "target/.lock"), (one_at_a_time, ".target.lock")]
)


@contexts
def test_lock_passes_errors_of_the_block(tmp_path, context, file):
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="mine"), context(tmp_path / "target"):
        raise OSError("mine")
    (tmp_path / file).write_text("kept")
    with context(tmp_path / "target"):
        pass
    assert (tmp_path / file).read_text() == "kept"


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@contexts
@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to(path.parent / "precious"),
        lambda path: path.symlink_to(path.parent / "new"),
        lambda path: path.symlink_to("/dev/null"),
        lambda path: path.symlink_to(path.name),
        os.mkfifo,
        os.mkdir,
        make_socket,
    ],
    ids=["link", "dangling link", "link to device", "link to itself", "pipe", "folder", "socket"],
)
def test_lock_is_a_regular_file(tmp_path, monkeypatch, context, file, make):
    (tmp_path / "target").mkdir()
    precious = (tmp_path / file).parent / "precious"
    precious.write_text("precious")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    make(Path(file))
    with pytest.raises(UserError) as caught, context(tmp_path / "target"):
        pytest.fail("ran without a lock")
    assert str(caught.value) == f"{tmp_path / file}: is not a regular file, so it cannot be a lock; remove it"
    assert precious.read_text() == "precious" and not precious.with_name("new").exists()


@contexts
@pytest.mark.parametrize(
    ("number", "runs"),
    [
        (errno.ENOLCK, True), (errno.ENOSYS, True), (errno.EOPNOTSUPP, True), (errno.EINVAL, True),
        (errno.EIO, False), (errno.ESTALE, False), (errno.EPERM, False),
    ],
)  # fmt: skip
def test_block_runs_without_lock_only_where_there_are_none(tmp_path, monkeypatch, context, file, number, runs):
    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    (tmp_path / "target").mkdir()
    monkeypatch.setattr(fcntl, "lockf", refuse)
    refused = nullcontext() if runs else pytest.raises(UserError, match=f"{file}: cannot be locked \\(")
    ran = False
    with refused, context(tmp_path / "target"):
        ran = True
    assert ran is runs


def test_exclusive_lock_names_missing_folder(tmp_path):
    with pytest.raises(UserError, match=r"gone/\.lock: cannot be written"), exclusive_lock(tmp_path / "gone"):
        pass


def test_one_at_a_time_leaves_an_unwritable_folder_to_the_block(tmp_path):
    (tmp_path / "file").touch()
    with one_at_a_time(tmp_path / "file" / "target"):
        pass
