"""The cache of results computed on a data set: its folder, and arrays in npz files, never pickles."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from composegan.config.schema import DataConfig
from composegan.errors import UserError, first_line
from composegan.io.atomic import atomic_file
from composegan.io.npz import read_npz
from composegan.runtime.ranks import is_first_process

log = logging.getLogger(__name__)
TEMPORARY = "COMPOSEGAN_TEMPORARY_CACHE"
"""Hands a temporary cache folder to the processes that this one starts."""


def cache_folder(data: DataConfig) -> Path:
    """The folder of cached demos and of results computed on data sets: `data.cache`, else $COMPOSEGAN_CACHE, else
    ~/.cache/composegan.

    If it cannot be written, a temporary one, with a warning; it is removed at exit.
    """
    folder = configured_cache(data)
    try:
        if folder is None:
            raise OSError("there is no home folder")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
    known = os.environ.get(TEMPORARY, "")
    if not os.path.isdir(known):
        known = os.environ[TEMPORARY] = tempfile.mkdtemp(prefix="composegan-cache-")
        atexit.register(shutil.rmtree, known, ignore_errors=True)
        if is_first_process():
            where = folder or "the cache folder"
            log.warning("%s: cannot be written (%s); cached in %s until the end; set data.cache", where, reason, known)
    return Path(known)


def configured_cache(data: DataConfig) -> Path | None:
    """The cache folder of the settings, which may not exist or be read-only; None without a home folder."""
    try:
        return Path(data.cache or os.environ.get("COMPOSEGAN_CACHE") or "~/.cache/composegan").expanduser()
    except RuntimeError:  # no home
        return None


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of an npz file; None when it is missing or damaged, so that they are computed again."""
    try:
        return read_npz(path)
    except Exception:  # a damaged file can raise anything
        return None


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write an npz file as `write_cached` does."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)

    write_cached(path, write)


def write_cached(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file of the cache atomically: `write` gets a temporary one. Warns when it cannot be written."""
    try:
        with atomic_file(path) as temporary:
            write(temporary)
    except UserError as error:
        log.warning("not cached: %s", error)
