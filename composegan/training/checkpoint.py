"""Checkpoints: written whole or not at all, read without unpickling anything but tensors and plain values."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from composegan.config.errors import UserError, first_line
from composegan.reading import check_archive
from composegan.saving import whole_file

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"
CONTENT = ("images_seen", "networks", "optimizers", "domain", "classes", "best")


def save(folder: Path, state: dict[str, Any], *, best: bool = False, instead: bool = False) -> Path:
    """Save `state` (tensors and plain values) as the folder's last checkpoint; the one before is kept as well.

    best: also keep it as the best so far. instead: what is the last one now was saved early, because somebody asked the
    run to stop, or is of the same step; it is replaced, and the one before it stays. Returns the path written. Raises
    UserError when it cannot be saved; what was there before is then untouched.
    """
    last = folder / LAST
    if last.exists() and not (instead and (folder / PREVIOUS).exists()):
        with whole_file(folder / PREVIOUS) as before:  # takes its name after `last`: two are whole at any moment
            _link(last, before)
            _write(last, state, folder / BEST if best else None)
    else:
        _write(last, state, folder / BEST if best else None)
    return last


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. Raises UserError naming the file when it is missing or damaged."""
    try:
        check_archive(path)  # torch does not look at the checksums
        with warnings.catch_warnings(action="ignore"):  # of tensors that are no checkpoint's, which is told below
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such checkpoint") from None
    except Exception as error:  # in a damaged file anything can go wrong
        raise UserError(f"{path}: the checkpoint is damaged ({first_line(error)})") from error
    if not isinstance(state, dict) or any(key not in state for key in CONTENT):
        raise UserError(f"{path}: is not a checkpoint of composegan")
    if wrong := _what_is_wrong(state):
        raise UserError(f"{path}: the checkpoint is damaged ({wrong})")
    return state


def _what_is_wrong(state: dict[str, Any]) -> str | None:
    """The first of CONTENT that is not what `save` is given; None when all are."""
    images, best, networks, classes = (state[key] for key in ("images_seen", "best", "networks", "classes"))
    if type(images) is not int or not 0 <= images < 2**53:
        return "images_seen is no number of images"
    if not isinstance(networks, dict) or not all(
        isinstance(name, str) and _is_plain(networks[name]) for name in networks
    ):
        return "networks are not tensors by name"
    if not isinstance(state["optimizers"], list):
        return "optimizers are no list"
    if not isinstance(classes, list) or not all(isinstance(text, str) for text in (state["domain"], *classes)):
        return "domain and classes are not texts"
    return None if type(best) in (int, float) else "best is no number"


def _is_plain(tensor: Any) -> bool:
    """Whether it is a tensor whose numbers are all in the file: one can claim more of them than there are."""
    if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        return False
    return not tensor.is_nested and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def check_moments(saved: Any, network: nn.Module) -> None:
    """Raises ValueError unless a state dict is of an Adam over the parameters of a network."""
    parameters = list(network.parameters())
    if not isinstance(saved, dict):
        raise ValueError("its optimizer is no Adam")
    try:
        (group,) = saved["param_groups"]
        if not isinstance(group, dict) or not isinstance(saved["state"], dict):
            raise ValueError("its optimizer is no Adam")
        if list(group["params"]) != list(range(len(parameters))):
            raise ValueError("it is of other parameters")
        if not all(isinstance(value, (int, float, tuple, list, type(None))) for value in group.values()):
            raise ValueError("it has settings that are no numbers")
        for number, moments in saved["state"].items():
            if type(number) is not int or not isinstance(moments, dict):
                raise ValueError("its optimizer is no Adam")
            for part, tensor in moments.items():
                wanted = torch.Size() if part == "step" else parameters[number].shape
                if not _is_plain(tensor) or tensor.shape != wanted or not tensor.is_floating_point():
                    raise ValueError(f"its {part} does not fit parameter {number}")
            if not moments.keys() >= {"step", "exp_avg", "exp_avg_sq"}:
                raise ValueError(f"it has not all moments of parameter {number}")
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"its optimizer is no Adam ({type(error).__name__})") from error


def read_newest(folder: Path) -> tuple[dict[str, Any], Path, str | None] | None:
    """The newest checkpoint that can be read: (state, path, a line about a damaged newer one or None).

    None when there has been none yet. Raises UserError when all there are are damaged, or their place is out of reach.
    """
    if folder.is_symlink() and not folder.exists():
        raise UserError(f"{folder}: leads to {os.readlink(folder)}, which is not there; a disk that is not mounted?")
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
    """The newest checkpoint, with its path, that a run would also have written had nobody asked it to stop. None when
    there is none; where it is damaged, the newest one."""
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
    """second: another name for it, which it takes before its own: killed in between, the run comes here again."""
    with whole_file(path) as partial:
        with partial.open("wb") as file:  # given a name, torch hides why it could not write
            torch.save(state, file)
        if second:
            with whole_file(second) as link:
                _link(partial, link)


def _link(path: Path, second: Path) -> None:
    """Give a file a second name; a copy where the file system has no links."""
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:
        shutil.copyfile(path, second)
