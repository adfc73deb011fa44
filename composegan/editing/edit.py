"""Change some codes of some classes, and see what that changes in the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from composegan.editing.codes import Codes, mean_codes
from composegan.editing.sample import Samples, draw
from composegan.interop.saved_model import Model
from composegan.metrics.leakage import change, leakage, region_of
from composegan.pictures import heat_map, table
from composegan.saving import writing

MARGIN = 1 / 64
"""Of the picture's shorter side: how far around a class an edit may reach, as outlines are blends of two classes."""


@dataclass(frozen=True)
class Edit:
    """Pictures before and after. difference: (N, H, W), mean absolute difference over channels, in 0..2.

    leakage, leakage_beyond_margin: (N,) in 0..1, the part of the change that is outside the edited classes (as they
    were before or are after), strictly and more than MARGIN away from them; None when base codes were edited, which
    belong to all classes.
    """

    before: Samples
    after: Samples
    classes: tuple[str, ...]
    difference: np.ndarray
    leakage: np.ndarray | None
    leakage_beyond_margin: np.ndarray | None

    def sheet(self) -> Image.Image:
        """A row a picture: before, after, both masks, and a heat map of the difference (white: the most there is)."""
        heat = heat_map(self.difference, float(self.difference.max()))
        cells = (self.before.images, self.after.images, self.before.masks, self.after.masks, heat)
        rows = [np.stack([part[i] for part in cells]) for i in range(len(heat))]
        return table(rows, ("before", "after", "mask before", "mask after", "difference"))

    def figures(self) -> dict[str, Any]:
        """Plain values: the mean change and the leakage, of all and of each picture."""
        figures: dict[str, Any] = {"classes": list(self.classes), "change": self.difference.mean(axis=(1, 2)).tolist()}
        if self.leakage is not None:
            margin = max(1, round(MARGIN * min(self.difference.shape[1:])))
            figures |= {
                "leakage": {"mean": float(self.leakage.mean()), "of each": self.leakage.tolist()},
                f"leakage beyond {margin} px": {
                    "mean": float(self.leakage_beyond_margin.mean()),
                    "of each": self.leakage_beyond_margin.tolist(),
                },
            }
        return figures

    def save(self, folder: Path) -> Path:
        """Write before/, after/ (as `sample` does), difference/ (heat maps), sheet.png and edit.json."""
        heat = heat_map(self.difference, float(self.difference.max()))
        with writing(folder):
            self.before.save(folder / "before")
            self.after.save(folder / "after")
            (folder / "difference").mkdir(exist_ok=True)
            for number, picture in enumerate(heat):
                Image.fromarray(picture).save(folder / "difference" / f"{number:05d}.png")
            self.sheet().save(folder / "sheet.png")
            (folder / "edit.json").write_text(json.dumps(self.figures(), indent=2) + "\n")
        return folder


def compare(
    model: Model, before: Codes, after: Codes, classes: Sequence[str], *, base: bool = False, batch: int = 16
) -> Edit:
    """Draw both and measure where they differ. classes: those edited, by name; base: the base codes were, too."""
    first, second = (draw(model, codes, batch=batch) for codes in (before, after))
    images = [torch.from_numpy(samples.images).permute(0, 3, 1, 2).float() / 127.5 - 1 for samples in (first, second)]
    difference = change(*images)
    if base:
        return Edit(first, second, tuple(classes), difference.numpy(), None, None)
    labels = [torch.from_numpy(samples.labels) for samples in (first, second)]
    indices = [model.index(name) for name in classes]
    margin = max(1, round(MARGIN * min(difference.shape[1:])))
    strict, beyond = (leakage(*images, region_of(*labels, indices, margin=m)).numpy() for m in (0, margin))
    return Edit(first, second, tuple(classes), difference.numpy(), strict, beyond)


def resample(model: Model, codes: Codes, chosen: torch.Tensor, *, seed: int = 1, truncation: float = 1.0) -> Codes:
    """The chosen slots (see `Codes.slots_of`) of fresh random codes, of another draw for each picture."""
    return codes.blend(model.codes(len(codes), seed, truncation), 1.0, chosen)


def scale(model: Model, codes: Codes, chosen: torch.Tensor, amount: float) -> Codes:
    """The chosen slots nearer to the mean code (below 1; 0 is the mean) or farther from it (above 1)."""
    return codes.blend(mean_codes(model), 1 - amount, chosen)
