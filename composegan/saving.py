"""Files that are there whole or not at all, and what a person reads when one cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from composegan.config.errors import UserError

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
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary neighbour of `path` to fill, which takes its name in one move when the block ends well.

    Whatever happens, `path` is either what it was or wholly new. Raises UserError when it cannot be written.
    """
    temporary = path.with_name(f".partial.{path.name}")
    with writing(path, f"{path.name} is what it was before" if path.exists() else ""):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
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
