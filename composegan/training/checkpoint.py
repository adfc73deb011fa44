"""Checkpoints: written whole or not at all, read without unpickling anything but tensors and plain values."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch

from composegan.config.errors import UserError, first_line
from composegan.saving import whole_file

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"
CONTENT = ("images_seen", "networks", "optimizers", "domain", "classes", "best")


def save(folder: Path, state: dict[str, Any], *, best: bool = False) -> Path:
    """Save `state` (tensors and plain values) as the folder's last checkpoint; the one before is kept as well.

    best: also keep it as the best so far. Returns the path written. Raises UserError when it cannot be saved; what was
    there before is then untouched.
    """
    last = folder / LAST
    if last.exists():
        with whole_file(folder / PREVIOUS) as before:  # takes its name after `last`: two are whole at any moment
            _link(last, before)
            _write(last, state)
    else:
        _write(last, state)
    if best:
        with whole_file(folder / BEST) as second:
            _link(last, second)
    return last


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. Raises UserError naming the file when it is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as parts:  # torch does not look at the checksums
            if broken := parts.testzip():
                raise ValueError(f"wrong checksum of {broken}")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such checkpoint") from None
    except Exception as error:  # in a damaged file anything can go wrong
        raise UserError(f"{path}: the checkpoint is damaged ({first_line(error)})") from error
    if not isinstance(state, dict) or any(key not in state for key in CONTENT):
        raise UserError(f"{path}: is not a checkpoint of composegan")
    return state


def read_newest(folder: Path) -> tuple[dict[str, Any], Path, str | None] | None:
    """The newest checkpoint that can be read: (state, path, a line about a damaged newer one or None).

    None when there has been none yet. Raises UserError when all there are are damaged.
    """
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


def _write(path: Path, state: dict[str, Any]) -> None:
    with whole_file(path) as partial, partial.open("wb") as file:  # given a name, torch hides why it could not write
        torch.save(state, file)


def _link(path: Path, second: Path) -> None:
    """Give a file a second name; a copy where the file system has no links."""
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:
        shutil.copyfile(path, second)
