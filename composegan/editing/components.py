"""Components: a picture composed class by class, with the pseudo-depth of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from composegan.errors import UserError, as_path, whole_number
from composegan.io.atomic import writing
from composegan.io.output import check_folder
from composegan.model.codes import Codes
from composegan.model.sample import Picture, Samples, concat_samples, draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import heat_map, table


@dataclass(frozen=True, eq=False, repr=False)
class Components(Picture):
    """One picture, class by class.

    classes: in the order they are added; steps: a picture per class, step i composed of the first i + 1; depth:
    (n, h, w) float32, the pseudo-depth of each class; the class with the greatest depth is visible.
    """

    classes: tuple[str, ...]
    steps: Samples
    depth: np.ndarray

    def sheet(self) -> Image.Image:
        """Rows: picture, mask and pseudo-depth (light: near; one scale for all classes). A column per class."""
        low, high = float(self.depth.min()), float(self.depth.max())
        size = self.steps.images.shape[1:3]
        near = heat_map(self.depth - low, high - low)
        near = np.stack([np.asarray(Image.fromarray(part).resize(size[::-1])) for part in near])
        columns = [f"{'+ ' if i else ''}{name}" for i, name in enumerate(self.classes)]
        return table((self.steps.images, self.steps.masks, near), columns, ("picture", "mask", "depth"), least=96)

    def save(self, folder: str | PathLike[str], number: int = 0, *, overwrite: bool = False) -> Path:
        """Write NUMBER.png, such as 00000.png, and NUMBER.npz with `depth` and `names`.

        number: of the picture, to save several in one folder. overwrite: also write into a folder that holds anything
        but saved components. Raises UserError for such a folder otherwise, and if writing fails.
        """
        folder, number = as_path("folder", folder), whole_number("number", number)
        check_folder(folder, ("[0-9]*.png", "[0-9]*.npz"), overwrite=overwrite)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self.sheet().save(folder / f"{number:05d}.png")
            np.savez(folder / f"{number:05d}.npz", depth=self.depth, names=np.array(self.classes))
        return folder

    def __repr__(self) -> str:
        return f"Components({', '.join(self.classes)})"


@torch.inference_mode()
def components(model: Model, codes: Codes, classes: Sequence[str]) -> Components:
    """Add the classes one after another. codes: of one picture; classes: by name; those absent are skipped.

    Raises UserError for an unknown class, and if the picture has none of them.
    """
    classes = [name for name in classes if codes[name].present.all()]
    if not classes:
        raise UserError("the picture has none of these classes; name others with classes=")
    whole = model.synthesize(codes)
    steps = concat_samples([draw(model, codes, classes=classes[: i + 1]) for i in range(len(classes))])
    indices = [model.index(name) for name in classes]
    return Components(tuple(classes), steps, whole.depth[0, indices].float().cpu().numpy())
