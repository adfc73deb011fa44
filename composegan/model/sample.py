"""Pictures of codes: images, coloured masks, and a contact sheet."""

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
from composegan.model.saved_model import Model
from composegan.viz.pictures import color_masks, contact_sheet, to_uint8


@dataclass(frozen=True)
class Samples:
    """images: (N, H, W, 3) uint8; labels: (N, H, W) uint8; codes: of the N pictures, after truncation."""

    images: np.ndarray
    labels: np.ndarray
    codes: Codes
    colors: tuple[tuple[int, int, int], ...]

    @property
    def masks(self) -> np.ndarray:
        """(N, H, W, 3) uint8: the label maps in the classes' colours."""
        return color_masks(self.labels, self.colors)

    def contact_sheet(self) -> Image.Image:
        """All images beside their coloured masks."""
        return contact_sheet(self.images, self.labels, self.colors)

    def save(self, folder: str | Path) -> Path:
        """Write images/, masks/ (in colours), labels/ (class numbers), codes.npz and contact_sheet.png.

        Raises UserError when the disk is full or not writable.
        """
        folder = Path(folder)
        with writing(folder):
            for part, pictures in (("images", self.images), ("masks", self.masks), ("labels", self.labels)):
                (folder / part).mkdir(parents=True, exist_ok=True)
                for number, picture in enumerate(pictures):
                    Image.fromarray(picture).save(folder / part / f"{number:05d}.png")
            self.codes.save(folder / "codes.npz")
            self.contact_sheet().save(folder / "contact_sheet.png")
        return folder


@torch.inference_mode()
def draw(model: Model, codes: Codes, *, batch: int = 16, classes: Sequence[str] | None = None) -> Samples:
    """The pictures of codes. classes: the only ones to compose, by name, of those a picture has; None: all of those.

    Raises UserError unless there are pictures to draw and batch is positive, for a class that is not there, and when
    a picture has none of them.
    """
    if batch < 1:
        raise UserError(f"batch={batch}: at least 1 is needed")
    shown = codes if classes is None else codes.having(only=classes)
    images, labels = [], []
    for start in range(0, len(shown), batch):
        result = model.synthesize(shown[start : start + batch])
        images.append(to_uint8(result.image))
        labels.append(result.mask.labels().cpu().numpy())
    return Samples(np.concatenate(images), np.concatenate(labels), codes, model.colors)
