"""Files that anybody may have written: what is looked at before one is read. Standard library only.

A pipe is waited for, a device never ends, and a small archive may unpack to more than there is memory: none is read.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

TEXT, JSON, TENSORS = 2**20, 2**26, 2**34
"""Bytes of a text that a person writes, of a list of a data set's files or marks, and of tensors, at most. A file of
tensors is mapped before it is looked at, and one of terabytes need not take any space on a disk."""

UNPACKED = 2**24
"""Bytes that an archive may always unpack to, besides four times its own size."""


class UnreadableError(ValueError):
    """A file is not to be read; says why in a few words, for the end of a line that names it."""


def check_file(path: str | os.PathLike[str], most: int | None = None) -> None:
    """That `path` is a plain file, or a link to one, of at most `most` bytes.

    Raises UnreadableError for one that is not, and OSError for a folder and for what cannot be looked at.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("it is a pipe or a device, not a file")
    if most is not None and status.st_size > most:
        raise UnreadableError(f"it has {status.st_size / 1e6:,.0f} MB, more than the limit of {most / 1e6:,.0f} MB")


def check_archive(path: str | os.PathLike[str]) -> None:
    """That a zip file's checksums are right, and that it does not unpack to much more than it is: what numpy and torch
    write into one is not compressed.

    Raises UnreadableError, and zipfile's own errors for what is no zip file or is damaged.
    """
    check_file(path)
    with zipfile.ZipFile(path) as parts:
        unpacked, most = sum(part.file_size for part in parts.infolist()), UNPACKED + 4 * os.path.getsize(path)
        if unpacked > most:
            raise UnreadableError(f"it would unpack to {unpacked / 1e6:,.0f} MB, more than {most / 1e6:,.0f} MB")
        if broken := parts.testzip():
            raise UnreadableError(f"wrong checksum of {broken}")


def check_saved(path: str | os.PathLike[str]) -> None:
    """That a file of tensors, of torch's newer, zipped form or of any other, is a plain file and no trap."""
    check_file(path)
    if zipfile.is_zipfile(path):
        check_archive(path)


def read_text(path: Path, most: int = TEXT) -> str:
    """A UTF-8 file's text. Raises UnreadableError for what is no file, too large or not UTF-8; OSError."""
    check_file(path, most)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path, most: int = JSON) -> Any:
    """What a JSON file holds. Raises UnreadableError for what is no file, too large, no JSON or nested too deeply, and
    OSError."""
    text = read_text(path, most)
    try:
        return json.loads(text)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(f"it is not JSON ({error})") from error
