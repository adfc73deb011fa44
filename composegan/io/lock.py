"""File locks between processes. Where the system or the file system has none, the block simply runs."""

from __future__ import annotations

import errno
import logging
import math
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from composegan.errors import UserError

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds that a killed process may need to exit and release its lock."""

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems without locks answer. Any other error is reported."""

SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Follow no symbolic link, and do not wait for the other end of a pipe. Windows has neither flag."""


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, so that no other process runs the same block for it.

    The lock is released when the process ends and is not inherited by its children. Raises UserError when another
    process still holds it after GRACE seconds, and when `folder/.lock` cannot be a lock.
    """
    path = folder / ".lock"  # never removed: another process may hold it then
    with ExitStack() as stack:
        try:
            handle = _open(path)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        stack.callback(os.close, handle)
        if not _acquire(handle, path, GRACE):
            raise UserError(
                f"{folder}: another process is using it; wait for that process or stop it (if it ran on a machine "
                "that no longer exists, a network file system may keep its lock: remove .lock)"
            )
        yield


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Wait until no other process of this machine runs the same block for `target`, which need not exist yet.

    Without locks two processes may do the same work at once, which `atomic_folder` tolerates. Raises UserError when
    the lock file cannot be a lock.
    """
    path = target.parent / f".{target.name}.lock"
    with ExitStack() as stack:
        with suppress(OSError):  # an unwritable folder, which the block itself reports
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = _open(path)
            stack.callback(os.close, handle)
            if not _acquire(handle, path, 0):
                log.warning("waiting for another process that is creating %s", target)
                _acquire(handle, path, math.inf)
        yield


@contextmanager
def try_lock(path: Path) -> Iterator[bool | None]:
    """Lock a file or folder until the block ends, without waiting: True when it is ours.

    False when it does not exist or another process holds it; None where there are no locks, as on Windows.
    """
    handle, ours = None, None
    try:
        import fcntl

        handle = os.open(path, SAFELY | (os.O_RDONLY if path.is_dir() else os.O_RDWR))
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(handle), os.stat(path))  # it may have been replaced before we locked it
    except (BlockingIOError, FileNotFoundError):
        ours = False if handle is not None or not os.path.lexists(path) else None
    except (ImportError, OSError):
        pass
    try:
        yield ours
    finally:
        if handle is not None:
            os.close(handle)


def _open(path: Path) -> int:
    """Open a lock file, or create it, for writing. Its content is left alone.

    Raises UserError for anything but a regular file: behind a link may be a file that matters, a pipe has no locks.
    """
    refusal = UserError(f"{path}: is not a regular file, so it cannot be a lock; remove it")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | SAFELY, 0o666)
    except OSError as error:
        if not os.path.lexists(path) or stat.S_ISREG(os.lstat(path).st_mode):
            raise
        raise refusal from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise refusal
    return handle


def _acquire(handle: int, path: Path, patience: float) -> bool:
    """Whether the file could be locked within `patience` seconds; True as well where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in NO_LOCKS:
                return True
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise UserError(f"{path}: cannot be locked ({error.strerror})") from error
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
