"""Find the files below a folder, through symbolic links, and match them by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from unicodedata import normalize

from composegan.errors import UserError
from composegan.io.guarded import reading

MOST_FOLDERS = 100_000
"""Folders below a root. Links that cross each other can make more of them than there are."""


def files_below(root: Path | str, endings: Iterable[str]) -> list[str]:
    """Files with one of the endings, in any case, as sorted paths below `root`. Hidden files and folders are skipped.

    Symbolic links are followed, except to a folder that contains the link. Raises UserError for a folder that cannot
    be read and for a link to nothing.
    """
    endings, found, visited = set(endings), [], 0
    start = os.path.realpath(root)
    parents = [start, *map(str, Path(start).parents)]
    folders = [(str(root), "", frozenset(map(_identity, parents[1:])))]
    while folders:
        folder, below, above = folders.pop()
        visited += 1
        if visited > MOST_FOLDERS:
            raise UserError(f"{root}: has more than {MOST_FOLDERS:,} folders in it; remove links that cross each other")
        with reading(folder), os.scandir(folder) as entries:
            if (identity := _identity(folder)) in above:
                continue
            for entry in entries:
                name = below + entry.name
                if entry.name.startswith("."):
                    continue
                if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
                    folders.append((entry.path, f"{name}/", above | {identity}))
                elif os.path.splitext(entry.name)[1].lower() in endings:
                    found.append(name)
                elif entry.is_symlink() and not os.path.exists(entry.path):
                    raise UserError(
                        f"{entry.path}: links to {os.readlink(entry.path)}, which does not exist; remove it"
                    )
    return sorted(found)


def without_labels(root: Path, files: Sequence[str]) -> list[str]:
    """The files, paths below `root`, that are not below a folder `labels` beside a folder `images`."""

    def is_labels(folder: str) -> bool:
        above, _, name = folder.rpartition("/")
        return bool(folder) and ((name == "labels" and (root / above / "images").is_dir()) or is_labels(above))

    skipped = {folder for folder in {file.rpartition("/")[0] for file in files} if is_labels(folder)}
    return [file for file in files if file.rpartition("/")[0] not in skipped]


def by_stem(files: Iterable[str], root: Path) -> dict[str, str]:
    """Paths below `root` by `name_of` without the ending. Raises UserError for two with the same one."""
    found: dict[str, str] = {}
    for file in files:
        stem = name_of(os.path.splitext(file)[0])
        if stem in found:
            raise UserError(f"{root / file}: {found[stem]} has the same name without its ending; rename one of them")
        found[stem] = file
    return found


def name_of(text: str) -> str:
    """A file's name in Unicode's composed form: macOS writes é as e and an accent, other systems as one character."""
    return normalize("NFC", text)


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
