"""The codes.npz file: `slots`, `classes`, `space`, `present`, the files of the weights tuned to its pictures, and the
label maps of their painted pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from composegan.errors import UserError
from composegan.io.atomic import atomic_file
from composegan.io.guarded import reading
from composegan.io.npz import read_npz
from composegan.model.delta import Delta

FORMAT = 1


class CodesFile(NamedTuple):
    """slots: float32; classes: names; space: of the latent codes; present: bool (older files: all classes are present).

    tuned: for each picture the file of the weights tuned to it, relative to the folder, or ""; empty if no picture has
    any. pasted: fingerprint of the model whose edit made the pictures beside the file, "" if they are just drawn.
    layout: as of `Codes`; None if no picture has painted pixels.
    """

    slots: np.ndarray
    classes: tuple[str, ...]
    space: str
    present: np.ndarray
    tuned: tuple[str, ...] = ()
    pasted: str = ""
    layout: np.ndarray | None = None


def write_codes(path: Path, content: CodesFile) -> Path:
    """Write the file. Raises UserError if that fails."""
    given: dict[str, Any] = content._asdict()
    given = {name: value for name, value in given.items() if isinstance(value, np.ndarray) or value}
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **given, format=FORMAT)
    return path


def read_codes(path: Path) -> CodesFile:
    """Read the file.

    Shapes and values are not validated. Raises UserError if the file is missing or damaged.
    """
    if not path.exists():
        inside = sorted(f"codes={file.parent}" for file in path.parent.glob(f"*/{path.name}"))[:3]
        if inside:  # a folder of an edit or a mixture
            raise UserError(f"codes={path}: does not exist; use {' or '.join(inside)}")
        raise UserError(f"codes={path}: does not exist; `composegan sample` writes a codes.npz")
    with reading(f"codes={path}", "a file of codes"):
        content = read_npz(path)
        if int(content["format"]) != FORMAT:
            raise ValueError(f"format {content['format']}, not {FORMAT}")
        slots, classes = content["slots"], tuple(map(str, content["classes"]))
        if slots.dtype.kind != "f":
            raise ValueError(f"slots are {slots.dtype}, not floating-point numbers")
        present = content["present"] if "present" in content else np.ones((len(slots), len(classes)))
        tuned = tuple(map(str, content["tuned"])) if "tuned" in content else ()
        if tuned and len(tuned) != len(slots):
            raise ValueError(f"tuned weights of {len(tuned)} pictures, not {len(slots)}")
        pasted = str(content["pasted"]) if "pasted" in content else ""
        layout = content.get("layout")
        space = str(content["space"])
        return CodesFile(slots.astype(np.float32), classes, space, present != 0, tuned, pasted, layout)


def tuned_file(delta: Delta, path: Path) -> str:
    """The file of tuned weights, relative to the folder of a file of codes; written there if there is none."""
    file = delta.path or path.with_name(f"{path.stem}-{delta.fingerprint}.delta.safetensors")
    if not file.exists():
        delta.save(file)
    return os.path.relpath(file.absolute(), path.parent.absolute())


def read_tuned(path: Path, files: Sequence[str]) -> tuple[Delta | None, ...]:
    """The tuned weights that a file of codes names. Raises UserError for one that is missing or damaged."""
    found: dict[str, Delta | None] = {"": None}
    for picture, file in enumerate(files):
        if file not in found:
            if not (path.parent / file).exists():
                raise UserError(
                    f"codes={path}: the weights tuned to picture {picture}, {path.parent / file}, are missing; "
                    "put them back, or invert the photo again"
                )
            found[file] = Delta.load(Path(os.path.normpath(path.parent / file)))
    return tuple(found[file] for file in files)
