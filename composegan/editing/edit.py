"""Edits: change some codes of some classes, and measure what changes in the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from composegan.editing import METHODS
from composegan.editing.target import Target
from composegan.errors import UserError, nearest
from composegan.io.atomic import writing
from composegan.metrics.leakage import change, leakage, region_of
from composegan.model import TRUNCATION
from composegan.model.codes import Codes
from composegan.model.random_codes import mean_codes
from composegan.model.sample import Picture, Samples, draw
from composegan.model.saved_model import Model
from composegan.viz.pictures import heat_map, table, to_uint8

MARGIN = 1 / 64
"""Width of an outline, where two classes blend, as a part of the picture's shorter side; at least a pixel."""


@dataclass(frozen=True, eq=False, repr=False)
class Edit(Picture):
    """Pictures before and after an edit.

    before: what the model draws of the codes before, or the photos that the edit was pasted into; after: what it draws
    of the codes after, pasted into `before` if composited. difference: (N, H, W) in 0..2, mean over channels of the
    absolute change of the model's own pictures. leakage, composited_leakage: (N,) in 0..1, the part of the model's
    change, and of the composited one, outside the edited classes as they were before or are after; None if base codes
    changed, which belong to all classes, or if not composited.
    """

    before: Samples
    after: Samples
    classes: tuple[str, ...]
    difference: np.ndarray
    leakage: np.ndarray | None = None
    composited_leakage: np.ndarray | None = None

    def sheet(self) -> Image.Image:
        """A row per picture: before, after, both masks, and the model's change (white: the largest)."""
        cells = (self.before.images, self.after.images, self.before.masks, self.after.masks, self._heat())
        rows = [np.stack([part[i] for part in cells]) for i in range(len(self.difference))]
        return table(rows, ("before", "after", "mask before", "mask after", "model's change"))

    def mean_leakage(self, composited: bool = False) -> float | None:
        """Leakage of the model's, or of the composited, change, averaged with the size of each picture's change."""
        each = self.composited_leakage if composited else self.leakage
        if each is None:
            return None
        weights = self.difference.sum(axis=(1, 2))
        return float((each * weights).sum() / max(weights.sum(), 1e-12))

    def figures(self) -> dict[str, Any]:
        """Plain values: the change (mean over pixels, 0..2) and the leakage, per picture and averaged."""
        figures: dict[str, Any] = {"classes": list(self.classes), "change": self.difference.mean(axis=(1, 2)).tolist()}
        for name, each in (("leakage", self.leakage), ("composited_leakage", self.composited_leakage)):
            if each is not None:
                figures[name] = {"all": self.mean_leakage(name != "leakage"), "each": each.tolist()}
        return figures

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write before/, after/ (as `Samples.save`), difference/ (heat maps), sheet.png and edit.json."""
        folder = Path(folder)
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

    def __repr__(self) -> str:
        leak = self.mean_leakage()
        outside = "" if leak is None else f", {leak:.1%} of the change outside"
        return f"Edit({len(self.difference)} pictures, {', '.join(self.classes)}{outside})"


def edit_codes(
    model: Model,
    codes: Codes,
    target: Target,
    method: str = "resample",
    *,
    amount: float = 0.5,
    other: Codes | None = None,
    seed: int = 1,
    truncation: float = TRUNCATION,
) -> Codes:
    """A copy of codes with the target changed. Only "add" and "remove" change which classes are present, and "copy"
    and "interpolate" (from amount 0.5), as `Codes.blend` does.

    amount: of "scale" (0: the mean, 1: unchanged, 2: twice as far from it) and "interpolate" (1: the other's codes).
    other: of "copy" and "interpolate", one picture or as many as codes; default: drawn from seed and truncation.
    Raises UserError for an unknown method, and for another number of pictures.
    """
    chosen = target.mask(codes)
    if method == "resample":
        return replace(codes.blend(model.codes(len(codes), seed, truncation), 1.0, chosen), present=codes.present)
    if method == "scale":
        return replace(codes.blend(mean_codes(model), 1 - amount, chosen), present=codes.present)
    if method in ("add", "remove"):
        return codes.having(**{method: target.classes})
    if method not in METHODS:
        raise UserError(f"method={method}: {nearest(method, METHODS)}")
    other = model.codes(len(codes), seed, truncation) if other is None else other
    if len(other) not in (1, len(codes)):
        raise UserError(f"other has {len(other)} pictures for {len(codes)}; select 1 or {len(codes)} of them")
    return codes.blend(other, 1.0 if method == "copy" else amount, chosen)


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

    classes: those edited, by name; None: all, because base codes changed. composite: paste the edited classes into the
    pictures before, so that nothing else changes; into `photos`, (N, H, W, 3) uint8, if given.
    """
    first, second = (draw(model, codes, batch=batch) for codes in (before, after))
    old, new = (_tensor(samples.images) for samples in (first, second))
    difference = change(old, new).numpy()
    if classes is None:
        return Edit(first, second, model.classes, difference)
    labels = [torch.from_numpy(samples.labels) for samples in (first, second)]
    region = region_of(labels[0], labels[1], [model.index(name) for name in classes])
    edit = Edit(first, second, tuple(classes), difference, leakage(old, new, region).numpy())
    if not composite:
        return edit
    if photos is not None:
        first, old = replace(first, images=photos), _tensor(photos)
    second = replace(second, images=to_uint8(paste(old, new, region)))
    pasted = leakage(old, _tensor(second.images), region).numpy()
    return replace(edit, before=first, after=second, composited_leakage=pasted)


def paste(old: Tensor, new: Tensor, region: Tensor) -> Tensor:
    """`new` within the region, `old` elsewhere, with a soft edge of MARGIN around the region.

    old, new: (N, 3, H, W); region: (N, H, W) bool -> (N, 3, H, W).
    """
    reach = max(1, round(MARGIN * min(region.shape[1:])))
    inside = region[:, None].float()  # (N, 1, H, W)
    soft = F.avg_pool2d(F.pad(inside, [reach] * 4, mode="replicate"), 2 * reach + 1, stride=1)  # (N, 1, H, W)
    return old + torch.maximum(inside, soft) * (new - old)


def _tensor(images: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) in -1..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
