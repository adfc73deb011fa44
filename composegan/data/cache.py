"""The cache of results computed on a data set: arrays in npz files, never pickles."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from composegan.data.folder import FolderSource
from composegan.data.packed import IMAGES, INDEX, LABELS, PackedSource
from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.plugin.domain import Source

SPREAD = 64


def fingerprint(source: Source, spread: int = SPREAD) -> str:
    """A short hash that changes when the images or labels do.

    For a packed or plain folder it covers the files' names, sizes and times; for other sources the length and the
    content of `spread` evenly spaced items. An unreadable item counts as None.
    """
    if isinstance(source, PackedSource):
        return digest([source.index.names, [_stamp(source.folder / name) for name in (INDEX, IMAGES, LABELS)]])
    if isinstance(source, FolderSource):
        return digest([[names, [_stamp(source.root / name) for name in names]] for names in source.files])
    items = np.linspace(0, len(source) - 1, min(spread, len(source))).round().astype(int).tolist()
    return digest([len(source), [_content(source, index) for index in items]])


def digest(content: Any) -> str:
    """A short hash of plain values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of an npz file; None when it is missing or damaged, so that they are computed again."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return dict(content)
    except Exception:  # a damaged file can raise anything
        return None


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write an npz file atomically. Raises UserError when it cannot be written."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _content(source: Source, index: int) -> tuple[str, str, str] | None:
    try:
        sample = source[index]
    except (UserError, OSError):
        return None
    return sample.name, _hash(sample.image), _hash(sample.labels)


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
