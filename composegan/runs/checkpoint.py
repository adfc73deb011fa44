"""Checkpoints: written atomically, and read without unpickling anything but tensors and plain values."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch

from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import check_archive, reading
from composegan.training.moments import is_plain

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"
CONTENT = ("images_seen", "networks", "optimizers", "domain", "classes", "best")


def save(folder: Path, state: dict[str, Any], *, best: bool = False, instead: bool = False) -> Path:
    """Save `state` (tensors and plain values) as the folder's last checkpoint; the one before is kept as well.

    best: also keep it as the best so far. instead: the last one was only saved because of a signal, or in the same
    step; replace it and keep the one before. Returns the path written. Raises UserError when it cannot be saved;
    existing files are then unchanged.
    """
    last = folder / LAST
    if last.exists() and not (instead and (folder / PREVIOUS).exists()):
        with atomic_file(folder / PREVIOUS) as before:  # renamed after `last`: two are complete at any time
            _link(last, before)
            _write(last, state, folder / BEST if best else None)
    else:
        _write(last, state, folder / BEST if best else None)
    return last


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. Raises UserError naming the file when it is missing or damaged."""
    with reading(path, "a checkpoint of composegan"):
        check_archive(path)  # torch does not verify the checksums
        with warnings.catch_warnings(action="ignore"):  # about content that is rejected below
            state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or any(key not in state for key in CONTENT):
            raise ValueError(f"it lacks some of {', '.join(CONTENT)}")
        if wrong := _what_is_wrong(state):
            raise ValueError(wrong)
    return state


def _what_is_wrong(state: dict[str, Any]) -> str | None:
    """Which of CONTENT has a wrong type or range; None: none has."""
    images, best, networks, classes = (state[key] for key in ("images_seen", "best", "networks", "classes"))
    if type(images) is not int or not 0 <= images < 2**53:
        return "images_seen is not a number of images"
    if not isinstance(networks, dict) or not all(
        isinstance(name, str) and is_plain(networks[name]) for name in networks
    ):
        return "networks are not tensors by name"
    if not isinstance(state["optimizers"], list):
        return "optimizers are not a list"
    if not isinstance(classes, list) or not all(isinstance(text, str) for text in (state["domain"], *classes)):
        return "domain and classes are not texts"
    return None if type(best) in (int, float) else "best is not a number"


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
    with atomic_file(path) as partial:
        with partial.open("wb") as file:  # given a path, torch hides why it could not write
            torch.save(state, file)
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
