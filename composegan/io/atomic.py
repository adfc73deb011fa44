"""Files and folders that appear complete or not at all, and the error line when one cannot be written."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

from composegan.errors import UserError
from composegan.io.lock import try_lock

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def writing(path: Path, remedy: str = "") -> Iterator[None]:
    """Turn a system error within the block, such as a full disk, into a UserError of one line about `path`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        cause = _system_error(error)
        if cause is None:
            raise
        raise _write_error(path, cause, remedy) from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` to write, and rename it to `path` when the block succeeds.

    `path` always holds either its old or its complete new content. When several processes write it at once, the last
    one wins. Raises UserError when it cannot be written.
    """
    remedy = f"{path.name} is unchanged" if path.exists() else ""
    with _temporary_beside(path, remedy) as temporary, writing(path, remedy):
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush_folder(path.parent)


def write_json(path: Path, content: Any) -> None:
    """Write plain values as a file that appears complete or not at all. Raises UserError when it cannot be written."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` to fill, and rename it to `target` when the block succeeds.

    When another process completed `target` first, that one stays. Raises UserError when the folder cannot be written;
    errors of the block that do not concern it pass unchanged.
    """
    remedy = "choose another folder"
    with _temporary_beside(target, remedy, folder=True) as temporary:
        try:
            yield temporary
        except OSError as error:
            if error.errno in FULL or str(error.filename).startswith(str(temporary)):
                raise _write_error(target, error, remedy) from error
            raise
        with writing(target, remedy):
            for path in (temporary, *temporary.rglob("*")):
                _flush_folder(path) if path.is_dir() else _flush(path)
            try:
                temporary.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
            _flush_folder(target.parent)


@contextmanager
def _temporary_beside(path: Path, remedy: str, folder: bool = False) -> Iterator[Path]:
    """Create a temporary file or folder `.partial-HEX.NAME` and remove it at the end, unless it was renamed.

    It is locked meanwhile; unlocked ones were left by killed processes and are removed first.
    """
    with ExitStack() as stack:
        with writing(path, remedy):
            if not path.parent.exists():  # else a file there would be reported as "File exists"
                path.parent.mkdir(parents=True, exist_ok=True)
            for leftover in path.parent.glob(f".partial-*.{escape(path.name)}"):
                with try_lock(leftover) as abandoned:
                    if abandoned:
                        _remove(leftover)
            ours: bool | None = False
            while ours is False:  # else another process took it for a leftover before it was locked, and removes it
                temporary = path.with_name(f".partial-{secrets.token_hex(4)}.{path.name}")
                temporary.mkdir(exist_ok=True) if folder else temporary.touch()
                ours = stack.enter_context(try_lock(temporary))
            stack.callback(_remove, temporary)
        yield temporary


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _flush(path: Path) -> None:
    """Write a file's content to the disk: a power cut after the rename would otherwise leave zeros in it."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Write a folder's names to the disk where that is possible.

    Windows, virtiofs, WSL and some network file systems cannot; a run need not stop for that, as the files themselves
    are on the disk.
    """
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_error(path: Path, error: OSError, remedy: str) -> UserError:
    reason = "no space left on the disk" if error.errno in FULL else error.strerror or str(error)
    return UserError(f"{path}: cannot be written ({reason}){remedy and '; '}{remedy}")


def _system_error(error: BaseException | None) -> OSError | None:
    """The OSError that caused `error`, if any: torch's file writer hides it behind an error of its own."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
