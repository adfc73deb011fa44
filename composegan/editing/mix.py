"""Mixed pictures: everything from one picture, some classes from another."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image

from composegan.editing.target import Target
from composegan.errors import as_path
from composegan.io.atomic import writing
from composegan.io.output import check_folder
from composegan.model.codes import Codes
from composegan.model.sample import SAVED, TUNED, Picture, Samples, draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import enlarge, grid


@dataclass(frozen=True, eq=False, repr=False)
class Mixed(Picture):
    """rows: R pictures; columns: C pictures; mixed: R * C, row by row, each with the row's codes but for the target's,
    which are the column's."""

    rows: Samples
    columns: Samples
    mixed: Samples

    def sheet(self, masks: bool = False, least: int = 96) -> Image.Image:
        """A grid: columns on top, rows on the left, the mixed pictures between. masks: each below its picture.

        least: small pictures are enlarged to at least this many pixels on the shorter side.
        """
        left, top, inner = (
            enlarge(np.concatenate((part.images, part.masks), axis=1) if masks else part.images, least)
            for part in (self.rows, self.columns, self.mixed)
        )
        lines = [np.concatenate((np.full_like(top[:1], 255), top))]
        for number, first in enumerate(left):
            lines.append(np.concatenate((first[None], inner[number * len(top) : (number + 1) * len(top)])))
        return grid(np.concatenate(lines), 1 + len(top))

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write rows/, columns/ and mixed/ (as `Samples.save`), and sheet.png.

        overwrite: also write into a folder that holds anything but a saved mixture. Raises UserError for such a folder
        otherwise, and if writing fails.
        """
        folder = as_path("folder", folder)
        check_folder(folder, ("rows", "columns", "mixed", "sheet.png"), overwrite=overwrite)
        parts = {"rows": self.rows, "columns": self.columns, "mixed": self.mixed}
        for name in parts:
            check_folder(folder / name, SAVED, TUNED, overwrite)
        with writing(folder):
            for name, part in parts.items():
                part.save(folder / name, overwrite=True)
            self.sheet().save(folder / "sheet.png")
        return folder

    def __repr__(self) -> str:
        return f"Mixed({len(self.rows)} rows, {len(self.columns)} columns)"


def mix(model: Model, rows: Codes, columns: Codes, target: Target, *, batch: int = 16) -> Mixed:
    """Draw R x C pictures with the codes of row r, but the target's of column c."""
    lines = rows[[row for row in range(len(rows)) for _ in range(len(columns))]]  # R * C pictures
    mixed = lines.blend(columns.repeat(len(rows)), 1.0, target.mask(rows))
    return Mixed(draw(model, rows), draw(model, columns), draw(model, mixed, batch=batch))
