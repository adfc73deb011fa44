"""Folders that are there whole or not at all, and a lock that two runs share."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path

from composegan.errors import UserError
from composegan.io.atomic import FULL, flush_folder, locked

log = logging.getLogger(__name__)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A new folder to fill, renamed to `target` when the block ends well and deleted when it does not.

    It is on the disk before it has its name. When somebody else completed `target` meanwhile, theirs stays. What one
    that was killed has left is removed. Raises UserError when it cannot be made or the disk is full.
    """
    partial = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    with ExitStack() as stack:
        try:
            _remove_leftovers(target)
            stack.enter_context(_in_work(partial))
        except OSError as error:
            raise write_error(target, error) from error
        try:
            yield partial
        except OSError as error:
            if error.errno in FULL or str(error.filename).startswith(str(partial)):
                raise write_error(target, error) from error
            raise  # of something else that the block did
        try:
            _take_name(partial, target)
        except OSError as error:
            raise write_error(target, error) from error


@contextmanager
def _in_work(partial: Path) -> Iterator[None]:
    """Makes a folder, and deletes it in the end. Until then, and while its process lives, it is no leftover: it is
    locked."""
    try:
        while True:
            partial.mkdir(parents=True, exist_ok=True)
            with locked(partial) as ours:
                if ours is not False:  # else taken for a leftover before it was locked
                    yield
                    return
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Folders for `target` in which nobody works any more. Where there are no locks, nobody can tell."""
    for left in target.parent.glob(f".{escape(target.name)}.partial-*"):
        with locked(left) as ours:
            if ours:
                shutil.rmtree(left, ignore_errors=True)


def _take_name(partial: Path, target: Path) -> None:
    """Flushed first, or a power cut could leave the name, and zeros in the files."""
    for path in (partial, *partial.rglob("*")):
        if path.is_dir():
            flush_folder(path)
        else:
            with path.open("r+b") as file:
                os.fsync(file.fileno())
    try:
        os.rename(partial, target)
    except OSError:
        if not target.is_dir():
            raise
    flush_folder(target.parent)


def write_error(target: Path, error: OSError) -> UserError:
    if error.errno in FULL:
        return UserError(f"{target}: no space left on the disk; free some, or choose another folder")
    return UserError(f"{target}: cannot be written ({error.strerror or error}); choose another folder")


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Wait until no other process of this machine is making `target`, and remove what one that was killed has left.

    Where the file system has no locks this does nothing: `complete_folder` is safe without it, only work is done twice.
    """
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = (target.parent / f".{target.name}.lock").open("w")
    except OSError:
        yield  # the folder cannot be written; whoever fills it says so
        return
    with lock:
        locked = False
        with suppress(ImportError, OSError):
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.warning("waiting for another process that is making %s", target)
                fcntl.flock(lock, fcntl.LOCK_EX)
            locked = True
        if locked:
            for left in target.parent.glob(f".{escape(target.name)}.partial-*"):
                shutil.rmtree(left, ignore_errors=True)
        yield
