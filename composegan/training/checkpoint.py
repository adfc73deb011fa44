"""Checkpoints: written whole or not at all, read without unpickling anything but tensors and plain values."""

from __future__ import annotations

import errno
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from composegan.config.errors import UserError

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """`write` fills a temporary neighbour, which is flushed to disk and then takes the name `path` in one move.

    Whatever happens, `path` is either what it was or wholly new.
    Raises UserError when the disk is full or not writable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        # torch's file writer reports a full disk as a RuntimeError.
        number = getattr(error, "errno", None)
        full = number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error) or "file write failed" in str(error)
        if not full and not isinstance(error, OSError):
            raise
        reason = "no space left on the disk" if full else (error.strerror or str(error))
        kept = "; the one before is untouched" if path.exists() else ""
        raise UserError(f"{path} could not be saved: {reason}{kept}; make room, then continue the run") from error
    finally:
        temporary.unlink(missing_ok=True)


def save(folder: Path, state: dict[str, Any], *, best: bool = False) -> Path:
    """Save `state` (tensors and plain values) as the folder's last checkpoint; the one before is kept as well.

    best: also keep it as the best so far. Returns the path written. Raises UserError when it cannot be saved.
    """
    last = folder / LAST
    if last.exists():
        # A second name for the old file, so that at no moment there is none.
        spare = folder / f".{PREVIOUS}.tmp"
        spare.unlink(missing_ok=True)
        os.link(last, spare)
        os.replace(spare, folder / PREVIOUS)
    write_atomically(last, lambda path: torch.save(state, path))
    if best:
        spare = folder / f".{BEST}.tmp"
        spare.unlink(missing_ok=True)
        os.link(last, spare)
        os.replace(spare, folder / BEST)
    return last


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. Raises UserError naming the file when it is missing or damaged."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no checkpoint; the run stopped before its first one") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: the checkpoint is damaged ({_first_line(error)})") from error
    if not isinstance(state, dict) or "images_seen" not in state:
        raise UserError(f"{path}: is not a checkpoint of composegan")
    return state


def read_newest(folder: Path) -> tuple[dict[str, Any], Path, str | None]:
    """The newest checkpoint that can be read: (state, path, a line about a damaged newer one or None).

    Raises UserError when there is none.
    """
    try:
        return read(folder / LAST), folder / LAST, None
    except UserError as error:
        if not (folder / PREVIOUS).exists():
            raise
        return read(folder / PREVIOUS), folder / PREVIOUS, f"{error}; continuing from {PREVIOUS}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
