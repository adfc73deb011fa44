"""Fingerprints of data sets: short hashes by which results computed on them are cached."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from composegan.errors import UserError
from composegan.plugin.domain import Source

RECENT = 2.0
"""Seconds after a change in which a file may change again without a new time, as times are rounded."""


def fingerprint(source: Source) -> str | None:
    """A short hash that changes when the images or labels of a source may have changed; None if it cannot tell.

    From its method `fingerprint() -> str | None`, and the Python files of its package and of `composegan.data`.
    """
    own = getattr(source, "fingerprint", None)
    known = own() if callable(own) else None
    return known and digest([known, code_of(type(source).__module__), code_of(__name__)])


def fingerprint_of_files(files: Iterable[Path | str], *rest: Any, content: bool = True) -> str:
    """A short hash of files, for a source's method `fingerprint`: their paths, inodes, sizes and times of change.

    rest: values that decide how the files are read. content: also the content of files changed in the last RECENT
    seconds. A missing file counts as None.
    """
    recent = time.time() - RECENT if content else math.inf
    known = hashlib.sha256(digest(rest).encode())
    for file in files:
        known.update(os.fsencode(file) + f" {_stamp(file, recent)}\n".encode())
    return known.hexdigest()[:16]


def content_fingerprint(source: Source, numbers: Sequence[int]) -> str:
    """A short hash of the number of items of a source and the content of some. An unreadable item counts as None."""
    return digest([len(source), [_content(source, number) for number in numbers]])


def code_of(module: str) -> list[str]:
    """Hashes of the Python files of the package of a module, or of the module; empty without a file (a notebook)."""
    known = sys.modules.get(module)
    file = Path(getattr(known, "__file__", None) or "")
    files = sorted(file.parent.rglob("*.py")) if getattr(known, "__package__", "") else [file]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]


def digest(content: Any) -> str:
    """A short hash of plain values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _stamp(path: Path | str, recent: float) -> tuple[int | str, ...] | None:
    """Size, times of change of the content and of anything, inode (links may change their target, for files of the same
    times), and a hash of the content if it changed after `recent`."""
    try:
        status = os.stat(path)
        times = status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        if status.st_ctime < recent or not stat.S_ISREG(status.st_mode):
            return times
        with open(path, "rb") as file:
            return *times, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _content(source: Source, index: int) -> tuple[str, str, str] | None:
    try:
        sample = source[index]
    except (UserError, OSError):
        return None
    return sample.name, _hash(sample.image), _hash(sample.labels)


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
