"""A row for each direction: its pictures from -3 to +3 standard deviations, and their masks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

from composegan.editing.directions.direction import Direction
from composegan.model.codes import Codes
from composegan.model.sample import draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import table

STEPS = (-3, -2, -1, 0, 1, 2, 3)


def strips(model: Model, directions: Iterable[Direction], codes: Codes, batch: int = 16) -> Image.Image:
    """For each direction and each picture of `codes` a row of images at `STEPS` and below it their masks in colours.

    Pictures of several codes stand side by side.
    """
    rows, names = [], []
    for direction in directions:
        images, masks = [], []
        for one in codes:
            drawn = [draw(model, direction.apply(one, step), batch=batch) for step in STEPS]
            images += [samples.images for samples in drawn]
            masks += [samples.masks for samples in drawn]
        rows += [np.concatenate(images), np.concatenate(masks)]
        names += [direction.name, ""]
    columns = [f"{step:+d}" if step else "0" for step in STEPS] * len(codes)
    return table(rows, columns, names, least=64)
