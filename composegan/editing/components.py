"""How a picture is put together: one class after another, and each class's pseudo-depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from composegan.errors import UserError
from composegan.io.atomic import writing
from composegan.model.codes import Codes
from composegan.model.sample import Samples, draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import heat_map, table


@dataclass(frozen=True)
class Components:
    """One picture, class by class.

    names: of the classes in the order they are added; steps: one picture a class, step i is composed of the first
    i + 1 classes; depth: (n, h, w) float32, each class's pseudo-depth, higher is nearer.
    """

    names: tuple[str, ...]
    steps: Samples
    depth: np.ndarray

    def sheet(self) -> Image.Image:
        """Rows: picture, mask and pseudo-depth (light is near; one scale for all classes); a column a class."""
        low, high = float(self.depth.min()), float(self.depth.max())
        size = self.steps.images.shape[1:3]
        near = heat_map(self.depth - low, high - low)
        near = np.stack([np.asarray(Image.fromarray(part).resize(size[::-1])) for part in near])
        columns = [f"{'+ ' if i else ''}{name}" for i, name in enumerate(self.names)]
        return table((self.steps.images, self.steps.masks, near), columns, ("picture", "mask", "depth"), least=96)

    def save(self, folder: Path, number: int) -> None:
        """Write NUMBER.png, and NUMBER.npz with `depth` and `names`."""
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self.sheet().save(folder / f"{number:05d}.png")
            np.savez(folder / f"{number:05d}.npz", depth=self.depth, names=np.array(self.names))


@torch.inference_mode()
def components(model: Model, codes: Codes, classes: Sequence[str]) -> Components:
    """Add the classes one after another. codes: of one picture; classes: their order, by name; those that the picture
    does not have are passed over.

    Raises UserError for a class that is not there, and when the picture has none of them.
    """
    classes = [name for name in classes if codes[name].present.all()]
    if not classes:
        raise UserError("the picture has none of these classes")
    indices = [model.index(name) for name in classes]
    whole = model.synthesize(codes)
    steps = [draw(model, codes, classes=classes[: i + 1]) for i in range(len(classes))]
    together = Samples(
        np.concatenate([step.images for step in steps]), np.concatenate([step.labels for step in steps]),
        codes.repeat(len(steps)), model.colors,
    )  # fmt: skip
    return Components(tuple(classes), together, whole.depth[0, indices].float().cpu().numpy())
