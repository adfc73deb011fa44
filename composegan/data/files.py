"""Folders that are there whole or not at all, and a lock that two runs share."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from composegan.config.errors import UserError

log = logging.getLogger(__name__)
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def complete_folder(target: Path) -> Iterator[Path]:
    """A new folder to fill, renamed to `target` when the block ends well and deleted when it does not.

    When somebody else completed `target` meanwhile, theirs stays.
    Raises UserError when it cannot be made or the disk is full.
    """
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise write_error(target, error) from error
    try:
        yield partial
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    except OSError as error:
        if error.errno in NO_SPACE or str(error.filename).startswith(str(partial)):
            raise write_error(target, error) from error
        raise  # of something else that the block did
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_error(target: Path, error: OSError) -> UserError:
    if error.errno in NO_SPACE:
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
            for left in target.parent.glob(f".{target.name}.partial-*"):
                shutil.rmtree(left, ignore_errors=True)
        yield
