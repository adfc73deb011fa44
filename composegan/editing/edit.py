"""Change some codes of some classes, and see what that changes in the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from composegan.io.atomic import writing
from composegan.metrics.leakage import change, leakage, region_of
from composegan.model import TRUNCATION
from composegan.model.codes import Codes
from composegan.model.random_codes import mean_codes
from composegan.model.sample import Samples, draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import heat_map, table, to_uint8

MARGIN = 1 / 64
"""Of the picture's shorter side, and at least a pixel: the width of an outline, which is a blend of two classes."""


@dataclass(frozen=True)
class Edit:
    """Pictures before and after.

    before: what the model draws of the codes before, or the photos that they were found for. after: what it draws of
    those after, or, where it was composited, that within the edited classes and `before` elsewhere.
    difference: (N, H, W) in 0..2, mean absolute difference over channels of what the model draws of both.
    leakage, composited_leakage: (N,) in 0..1, the part of the model's and of the composited change that is outside the
    edited classes (as they were before or are after); None where that says nothing (base codes belong to all classes)
    or was not done.
    """

    before: Samples
    after: Samples
    classes: tuple[str, ...]
    difference: np.ndarray
    leakage: np.ndarray | None = None
    composited_leakage: np.ndarray | None = None

    def sheet(self) -> Image.Image:
        """A row a picture: before, after, both masks, and the model's change (white: the most there is)."""
        cells = (self.before.images, self.after.images, self.before.masks, self.after.masks, self._heat())
        rows = [np.stack([part[i] for part in cells]) for i in range(len(self.difference))]
        return table(rows, ("before", "after", "mask before", "mask after", "model's change"))

    def mean_leakage(self, of_each: np.ndarray) -> float:
        """The leakage of all changes together: pictures that hardly change count for little."""
        weights = self.difference.sum(axis=(1, 2))
        return float((of_each * weights).sum() / max(weights.sum(), 1e-12))

    def figures(self) -> dict[str, Any]:
        """Plain values: the change (mean over pixels, 0..2) and the leakage of each picture and of all."""
        figures: dict[str, Any] = {"classes": list(self.classes), "change": self.difference.mean(axis=(1, 2)).tolist()}
        for name in ("leakage", "composited_leakage"):
            of_each = getattr(self, name)
            if of_each is not None:
                figures[name] = {"all": self.mean_leakage(of_each), "each": of_each.tolist()}
        return figures

    def save(self, folder: Path) -> Path:
        """Write before/, after/ (as `sample` does), difference/ (heat maps), sheet.png and edit.json."""
        with writing(folder):
            self.before.save(folder / "before")
            self.after.save(folder / "after")
            (folder / "difference").mkdir(exist_ok=True)
            for number, picture in enumerate(self._heat()):
                Image.fromarray(picture).save(folder / "difference" / f"{number:05d}.png")
            self.sheet().save(folder / "sheet.png")
            (folder / "edit.json").write_text(json.dumps(self.figures(), indent=2) + "\n")
        return folder

    def _heat(self) -> np.ndarray:
        return heat_map(self.difference, float(self.difference.max()))


def compare(
    model: Model,
    before: Codes,
    after: Codes,
    classes: Sequence[str] | None,
    *,
    composite: bool = True,
    photos: np.ndarray | None = None,
    batch: int = 16,
) -> Edit:
    """Draw both and measure where they differ.

    classes: those edited, by name; None: all, as base codes were edited too. composite: paste the edited classes into
    the pictures before, so that nothing else changes; into `photos`, (N, H, W, 3) uint8, where those are given.
    """
    first, second = (draw(model, codes, batch=batch) for codes in (before, after))
    old, new = (_tensor(samples.images) for samples in (first, second))
    difference = change(old, new).numpy()
    if classes is None:
        return Edit(first, second, model.classes, difference)
    labels = (torch.from_numpy(samples.labels) for samples in (first, second))
    region = region_of(*labels, [model.index(name) for name in classes])
    edit = Edit(first, second, tuple(classes), difference, leakage(old, new, region).numpy())
    if not composite:
        return edit
    if photos is not None:
        first, old = replace(first, images=photos), _tensor(photos)
    second = replace(second, images=to_uint8(paste(old, new, region)))
    pasted = leakage(old, _tensor(second.images), region).numpy()
    return replace(edit, before=first, after=second, composited_leakage=pasted)


def paste(old: Tensor, new: Tensor, region: Tensor) -> Tensor:
    """`new` within the region, `old` elsewhere, and a soft passage of MARGIN outside of it.

    old, new: (N, 3, H, W); region: (N, H, W) bool -> (N, 3, H, W).
    """
    reach = max(1, round(MARGIN * min(region.shape[1:])))
    inside = region[:, None].float()  # (N, 1, H, W)
    soft = F.avg_pool2d(F.pad(inside, [reach] * 4, mode="replicate"), 2 * reach + 1, stride=1)  # (N, 1, H, W)
    return old + torch.maximum(inside, soft) * (new - old)


def resample(model: Model, codes: Codes, chosen: Tensor, *, seed: int = 1, truncation: float = TRUNCATION) -> Codes:
    """The chosen slots (see `Codes.slots_of`) of fresh random codes, of another draw for each picture. Each picture has
    the classes it had."""
    return replace(codes.blend(model.codes(len(codes), seed, truncation), 1.0, chosen), present=codes.present)


def scale(model: Model, codes: Codes, chosen: Tensor, amount: float) -> Codes:
    """The chosen slots nearer to the mean code (below 1; 0 is the mean) or farther from it (above 1)."""
    return replace(codes.blend(mean_codes(model), 1 - amount, chosen), present=codes.present)


def _tensor(images: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) in -1..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
