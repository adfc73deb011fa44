"""File locks between processes. Where the system or the file system has none, the block simply runs."""

from __future__ import annotations

import errno
import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from composegan.errors import UserError

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds that a killed process may need to exit and release its lock."""


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, so that no other process runs the same block for it.

    The lock is released when the process ends and is not inherited by its children. Raises UserError when another
    process still holds it after GRACE seconds.
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # no locks here
            file = stack.enter_context((folder / ".lock").open("w"))  # never removed: another process may hold it then
            if not _acquire(file, GRACE):
                raise UserError(
                    f"{folder}: another process is using it; wait for that process or stop it (if it ran on a machine "
                    "that no longer exists, a network file system may keep its lock: remove .lock)"
                )
        yield


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Wait until no other process of this machine runs the same block for `target`, which need not exist yet.

    Without locks two processes may do the same work at once, which `atomic_folder` tolerates.
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # no locks here, or an unwritable folder: the block itself reports that
            target.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((target.parent / f".{target.name}.lock").open("w"))
            if not _acquire(file, 0):
                log.warning("waiting for another process that is creating %s", target)
                _acquire(file, math.inf)
        yield


@contextmanager
def try_lock(path: Path) -> Iterator[bool | None]:
    """Lock a file or folder until the block ends, without waiting: True when it is ours.

    False when it does not exist or another process holds it; None where there are no locks, as on Windows.
    """
    handle, ours = None, None
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(handle), os.stat(path))  # it may have been replaced before we locked it
    except (BlockingIOError, FileNotFoundError):
        ours = False
    except (ImportError, OSError):
        pass
    try:
        yield ours
    finally:
        if handle is not None:
            os.close(handle)


def _acquire(file: IO[str], patience: float) -> bool:
    """Whether `file` could be locked within `patience` seconds. Raises ImportError or OSError without locks."""
    import fcntl

    until = time.monotonic() + patience
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
