"""Checkpoints: written atomically, and read without unpickling anything but tensors and plain values."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import reading
from composegan.io.schema import COUNT, FLAG, NUMBER, STRING, Each, Leaf, OrNone, check
from composegan.io.tensor_file import read_saved
from composegan.training.moments import ADAM, FLOATS, SCALAR, TENSOR

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"

SCHEMA = {
    "images_seen": COUNT, "networks": Each(FLOATS), "optimizers": [ADAM], "domain": STRING, "classes": [STRING],
    "best": NUMBER, "best_of?": STRING, "early?": FLAG, "shown?": FLAG, "skipped?": COUNT, "tries?": COUNT,
    "data?": COUNT, "world?": COUNT, "parts?": COUNT, "grouping?": [[COUNT]],
    "guard?": {
        "sums?": Each(SCALAR), "usual?": Each([NUMBER]),
        "steps?": Each(Leaf("a number from 1", lambda x: COUNT.valid(x) and x > 0)),
    },
    "class_sets?": OrNone({"sets": TENSOR, "counts": TENSOR, "areas?": TENSOR}), "figures?": Each(SCALAR),
}  # fmt: skip
"""Everything that is read from a checkpoint. Older versions did not save what is optional."""


def save(folder: Path, state: dict[str, Any], *, best: bool = False, instead: bool = False) -> Path:
    """Save `state` (tensors and plain values) as the folder's last checkpoint; the one before is kept as well, unless
    it is damaged.

    best: also keep it as the best so far. instead: the last one was only saved because of a signal, or in the same
    step; replace it and keep the one before. Returns the path written. Raises UserError when it cannot be saved;
    existing files are then unchanged.
    """
    last, previous = folder / LAST, folder / PREVIOUS
    if last.exists() and not (instead and previous.exists()) and _is_intact(last):
        with atomic_file(previous) as before:  # renamed after `last`: two are complete at any time
            _link(last, before)
            _write(last, state, folder / BEST if best else None)
    else:
        _write(last, state, folder / BEST if best else None)
    return last


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. Raises UserError naming the file when it is missing or damaged."""
    with reading(path, "a checkpoint of composegan"):
        state = read_saved(path)
        check(state, SCHEMA)
    return state


_written: bytes | None = None  # the digest of the last checkpoint that this process wrote; None if `read` may refuse it


def _is_intact(path: Path) -> bool:
    """Whether the file has the bytes that were written last or, if not, can be read."""
    if _written is not None and path.is_file():
        with suppress(OSError):
            if _digest(path) == _written:
                return True
    return _is_readable(path)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _is_sound(state: dict[str, Any]) -> bool:
    try:
        check(state, SCHEMA)
    except ValueError:
        return False
    return True


def _is_readable(path: Path) -> bool:
    try:
        read(path)
    except UserError:
        return False
    return True


@contextmanager
def restoring(path: Path) -> Iterator[None]:
    """Turn any error of loading the weights in `path`, a checkpoint or a model, into a UserError of one line."""
    try:
        yield
    except Exception as error:  # a damaged file can cause any
        raise UserError(f"{path}: belongs to another model ({' '.join(str(error).split())[:200]})") from error


def read_newest(folder: Path) -> tuple[dict[str, Any], Path, str | None] | None:
    """The newest readable checkpoint: (state, path, a line about a damaged newer one or None); None: there is none yet.

    Raises UserError when no readable checkpoint is left, or `folder` leads to a missing disk.
    """
    if folder.is_symlink() and not folder.exists():
        raise UserError(f"{folder}: leads to {os.readlink(folder)}, which does not exist; is a disk not mounted?")
    found = [path for path in (folder / LAST, folder / PREVIOUS) if path.exists()]
    damaged = []
    for path in found:
        try:
            state = read(path)
        except UserError as error:
            damaged.append(str(error))
            continue
        return state, path, f"{damaged[0]}; continuing from {path.name}" if damaged else None
    if damaged:
        raise UserError("; ".join(damaged))
    return None


def read_regular(folder: Path) -> tuple[dict[str, Any], Path] | None:
    """The newest checkpoint, with its path, that was not only saved because of a signal; None: there is none.

    If that one is damaged, the newest of all.
    """
    newest = read_newest(folder)
    if newest is None or not newest[0].get("early"):
        return newest and newest[:2]
    if not (folder / PREVIOUS).exists():
        return None
    try:
        before = read(folder / PREVIOUS)
    except UserError:
        return newest[:2]
    return None if before.get("early") else (before, folder / PREVIOUS)


def _write(path: Path, state: dict[str, Any], second: Path | None) -> None:
    """Write `state`. second: another name, which the file gets first: after a kill in between, both are saved again."""
    global _written
    with atomic_file(path) as partial:
        with partial.open("wb") as file:  # given a path, torch hides why it could not write
            torch.save(state, file)
        _written = _digest(partial) if _is_sound(state) else None
        if second:
            with atomic_file(second) as link:
                _link(partial, link)


def _link(path: Path, second: Path) -> None:
    """Give a file a second name; make a copy if the file system has no links."""
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:
        shutil.copyfile(path, second)
