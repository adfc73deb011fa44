"""Whether something may be written where it would replace files. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from composegan.errors import UserError, check_flags


def is_occupied(path: Path) -> bool:
    """Whether there is anything but an empty folder. What cannot be looked at is reported when it is written."""
    try:
        return any(path.iterdir()) if path.is_dir() else path.exists()
    except OSError:
        return False


def check_folder(folder: Path, names: Collection[str], optional: Collection[str] = (), overwrite: bool = False) -> None:
    """Check that a folder may be written: it is new, empty, or an earlier result, unless `overwrite`.

    names, optional: patterns of the names in a result, all of the former and any of the latter. Hidden files are
    ignored. Raises UserError.
    """
    check_flags(overwrite=overwrite)
    if overwrite or not folder.is_dir() or not is_occupied(folder):
        return
    found = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    whole = all(any(fnmatchcase(name, pattern) for name in found) for pattern in names)
    if not whole or not all(any(fnmatchcase(name, pattern) for pattern in (*names, *optional)) for name in found):
        raise UserError(f"{folder}: holds other files; choose another folder, or write over them with overwrite=True")


def check_file(path: Path, read: Callable[[Path], Any] | None = None, overwrite: bool = False) -> None:
    """Check that a file may be written: it is new, or an earlier result, unless `overwrite`.

    read: raises UserError for anything but an earlier result; None: every file counts as something else.
    Raises UserError.
    """
    check_flags(overwrite=overwrite)
    if overwrite or not path.is_file():
        return
    try:
        if read:
            read(path)
            return
    except UserError:
        pass
    raise UserError(f"{path}: exists; choose another file, or write over it with overwrite=True")
