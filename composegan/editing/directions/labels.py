"""Labels that somebody gave to pictures of codes: a CSV of picture and 0 or 1."""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.io.guarded import UnreadableError, read_text


def read_labels(path: Path, pictures: int) -> tuple[Tensor, Tensor]:
    """The labelled pictures' numbers (n,) int64 and whether each has the attribute (n,) bool.

    A line is `NUMBER,0` or `NAME,1`, the name being a file that `sample` wrote for the codes (`00003.png`); a first
    line of words is a heading. pictures: how many codes there are. Raises UserError naming the line that is wrong.
    """
    try:
        rows = list(enumerate(csv.reader(read_text(path).splitlines()), start=1))
    except (OSError, UnreadableError, csv.Error) as error:
        raise UserError(f"labels={path}: cannot be read ({error})") from error
    found: dict[int, bool] = {}
    for line, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells) or (line == 1 and not any(character.isdigit() for character in "".join(cells))):
            continue
        if len(cells) != 2 or cells[1] not in ("0", "1"):
            raise UserError(f"labels={path}: line {line}: a picture and 0 or 1 are needed, as in 00003.png,1")
        stem = Path(cells[0]).stem
        if not (stem.isascii() and stem.isdigit() and len(stem) < 10):
            raise UserError(
                f"labels={path}: line {line}: {cells[0][:40]!r} is no picture's number or name such as 00003.png"
            )
        number = int(stem)
        if number >= pictures:
            raise UserError(
                f"labels={path}: line {line}: picture {number}, but the codes have 0 to {pictures - 1} only"
            )
        if found.setdefault(number, cells[1] == "1") != (cells[1] == "1"):
            raise UserError(f"labels={path}: line {line}: picture {number} was labelled otherwise above")
    if not found:
        raise UserError(f"labels={path}: holds no labels; a line for each picture is needed, as in 00003.png,1")
    return torch.tensor(list(found)), torch.tensor(list(found.values()))
