"""A grid of mixed pictures: everything from the left, some classes from above."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from composegan.model.codes import Codes
from composegan.model.sample import Samples, draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import enlarge, grid


def mix(model: Model, rows: Codes, columns: Codes, chosen: torch.Tensor, *, batch: int = 16) -> Samples:
    """R x C pictures, row by row: the codes of row r, but the chosen slots (`Codes.slots_of`) of column c."""
    lines = rows[[row for row in range(len(rows)) for _ in range(len(columns))]]  # R C pictures
    return draw(model, lines.blend(columns.repeat(len(rows)), 1.0, chosen), batch=batch)


def mix_sheet(rows: Samples, columns: Samples, mixed: Samples, *, masks: bool, least: int = 96) -> Image.Image:
    """Columns' pictures on top, rows' on the left, mixed ones between; with masks, each below its picture."""

    def cells(samples: Samples) -> np.ndarray:
        pictures = np.concatenate((samples.images, samples.masks), axis=1) if masks else samples.images
        return enlarge(pictures, least)

    left, top, inner = cells(rows), cells(columns), cells(mixed)
    lines = [np.concatenate((np.full_like(top[:1], 255), top))]
    for number, first in enumerate(left):
        lines.append(np.concatenate((first[None], inner[number * len(top) : (number + 1) * len(top)])))
    return grid(np.concatenate(lines), 1 + len(top))
