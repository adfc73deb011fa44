"""Files that are there whole or not at all, locks, and what a person reads when one cannot be written."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO

from composegan.errors import UserError

LEAVING = 5.0
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing(path: Path, then: str = "") -> Iterator[None]:
    """Within the block `path` is written: that the disk is full, or does not let us, is a UserError in one line.

    then: what would help, for the end of that line.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        cause = _system_error(error)
        if cause is None:
            raise
        reason = "no space left on the disk" if cause.errno in FULL else cause.strerror or str(cause)
        raise UserError(f"{path} could not be saved: {reason}{then and '; '}{then}") from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` to fill, which takes its name in one move when the block ends well.

    Whatever happens, `path` is either what it was or wholly new; of several processes that write it at once, one has
    its way. What one that was killed has left is removed. Raises UserError when it cannot be written.
    """
    temporary = path.with_name(f".partial-{secrets.token_hex(4)}.{path.name}")
    with writing(path, f"{path.name} is what it was before" if path.exists() else ""):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(path)
            with _in_work(temporary):
                yield temporary
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
                temporary.replace(path)
            flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """While this is open no other process may do the same with `folder`. Raises UserError where one does already, and
    does not end within LEAVING seconds: it may have been killed and be on its way out.

    Where there are no locks nobody can tell. A lock of this kind is not inherited, and ends with its process.
    """
    with ExitStack() as held:
        with suppress(ImportError, OSError):
            file = held.enter_context((folder / ".lock").open("w"))  # stays: it might be another's when it is removed
            if not _lock_within(LEAVING, file):
                raise UserError(
                    f"{folder}: another process is at work in it; wait for it, or stop it (were it on a machine that "
                    "is gone, a network's disk might not know: then remove .lock)"
                )
        yield


def _lock_within(seconds: float, file: IO[str]) -> bool:
    """Whether a file comes to be locked for this process. Raises ImportError or OSError where there are no locks."""
    import fcntl

    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
        if time.monotonic() > until:
            return False
        time.sleep(0.1)


@contextmanager
def _in_work(temporary: Path) -> Iterator[None]:
    """Makes `temporary`; while this is open, and its process lives, it is no leftover: it is locked."""
    while True:
        temporary.touch()
        with locked(temporary) as ours:
            if ours is not False:  # else taken for a leftover before it was locked
                yield
                return


def _remove_leftovers(path: Path) -> None:
    """Temporary neighbours of `path` in which nobody works any more. Where there are no locks, nobody can tell."""
    for left in path.parent.glob(f".partial-*.{escape(path.name)}"):
        with locked(left) as ours, suppress(OSError):
            if ours:
                left.unlink()


@contextmanager
def locked(path: Path) -> Iterator[bool | None]:
    """Whether a file or folder is there and locked for us, until the block or the process ends; None: there are no
    locks, as on Windows, where an open file could not be renamed either."""
    handle, ours = None, None
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = os.path.samestat(os.fstat(handle), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        ours = False
    except (ImportError, OSError):
        pass
    try:
        yield ours
    finally:
        if handle is not None:
            os.close(handle)


def flush_folder(folder: Path) -> None:
    """Until then a power cut may take back a file's new name. Not everywhere can a folder be flushed (Windows, some
    network file systems); there names are the system's own matter."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _system_error(error: BaseException | None) -> OSError | None:
    """The system's error that an error is or came of: torch's file writer fails over the first one in its own way."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
