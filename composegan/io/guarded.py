"""Read files of unknown origin without hanging or running out of memory. Standard library only.

Opening a pipe may block forever, a device never ends, and a small archive may unpack to more than there is memory:
they are rejected before they are opened.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from composegan.errors import UserError, first_line

TEXT, JSON, TENSORS = 2**20, 2**26, 2**34
"""Largest text written by a person, data set listing or log, and tensor file, bytes. Tensor files are mapped into
memory before they are checked, and a sparse one of terabytes takes no space on a disk."""

UNPACKED = 2**24
"""Bytes that an archive may always unpack to, besides four times its own size."""


class UnreadableError(ValueError):
    """Why a file must not be read, in a few words; `reading` turns it into a line that names the file."""


@contextmanager
def reading(file: Path | str, expected: str = "", remedy: str = "") -> Iterator[None]:
    """Turn whatever reading and parsing `file` raises within the block into a UserError of one line.

    file: the path, after the setting that gave it where there is one (`codes=PATH`). expected: what the file should be,
    such as "a file of codes". UserErrors of the block pass unchanged.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # parsers raise anything on damaged or malicious content
        raise UserError(f"{file}: {_what_failed(error, expected)}{remedy and '; '}{remedy}") from error


def _what_failed(error: Exception, expected: str) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})"
    if isinstance(error, UnreadableError) or not expected:
        return f"cannot be read ({first_line(error)})"
    reason = f"no {error}" if isinstance(error, KeyError) else first_line(error)
    return f"is damaged or not {expected} ({reason})"


def check_file(path: str | os.PathLike[str], limit: int | None = None) -> None:
    """Check that `path` is a regular file, or a link to one, of at most `limit` bytes.

    Raises UnreadableError when it is not, and OSError for a folder or a file that cannot be examined.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("it is a pipe or a device, not a file")
    if limit is not None and status.st_size > limit:
        raise UnreadableError(f"it has {status.st_size / 1e6:,.0f} MB, more than the limit of {limit / 1e6:,.0f} MB")


def unpacked_limit(path: str | os.PathLike[str]) -> int:
    """Bytes that the content of a file of arrays may take in memory."""
    return UNPACKED + 4 * os.path.getsize(path)


def check_archive(path: str | os.PathLike[str]) -> None:
    """Check a zip file's checksums, and that it does not unpack to much more than its size.

    numpy and torch do not compress what they write into one. Raises UnreadableError, and zipfile's own errors for a
    damaged file or another format.
    """
    check_file(path)
    with zipfile.ZipFile(path) as parts:
        unpacked, limit = sum(part.file_size for part in parts.infolist()), unpacked_limit(path)
        if unpacked > limit:
            raise UnreadableError(f"it would unpack to {unpacked / 1e6:,.0f} MB, more than {limit / 1e6:,.0f} MB")
        if broken := parts.testzip():
            raise UnreadableError(f"wrong checksum of {broken}")


def read_text(path: Path, limit: int = TEXT) -> str:
    """The text of a UTF-8 file. Raises UnreadableError when it is too large or not UTF-8, and OSError."""
    check_file(path, limit)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path, limit: int = JSON) -> Any:
    """The content of a JSON file. Raises UnreadableError when it is too large or not valid JSON, and OSError."""
    text = read_text(path, limit)
    try:
        return json.loads(text)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(f"it is not JSON ({error})") from error
