"""Edits: change some codes of some classes, and measure what changes in the picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from composegan.data.framing import Framed
from composegan.editing import AMOUNT, METHODS, check_used
from composegan.editing.photo_paste import Change, paste_into_photo
from composegan.editing.target import Target
from composegan.errors import UserError, as_path, check_choice, check_flags, check_number, shown
from composegan.io.atomic import writing
from composegan.io.output import check_folder
from composegan.metrics.leakage import change, grown, leakage, margin_of, region_of
from composegan.model import TRUNCATION
from composegan.model.codes import Codes
from composegan.model.random_codes import draw_codes, mean_codes
from composegan.model.sample import SAVED, TUNED, Picture, Samples, codes_of, draw, write_numbered
from composegan.model.saved_model import Model
from composegan.version import __version__
from composegan.viz.pictures import ONE_LEVEL, change_map, table, to_uint8

RECORD = "edit.json"
Region = Literal["classes", "changed", "both"]


@dataclass(frozen=True, eq=False, repr=False)
class Edit(Picture):
    """Pictures before and after an edit.

    before: what the model draws of the codes before, or the pictures that the edit was pasted into; after: what it
    draws of the codes after, pasted into `before` if composited, pictures and labels. difference: (N, H, W) in 0..2,
    mean over channels of the absolute change of the model's own pictures. leakage, composited_leakage: (N,) in 0..1,
    the part of the model's change, and of the composited one, outside the edited classes as they were before or are
    after, or outside the pixels whose class a whole painted layout changed; NaN for a picture that did not change;
    None if base codes changed, which belong to all classes, or if not composited. leakage_beyond_margin: as leakage,
    of the classes grown by `margin` pixels, so that a blended outline does not count. about: plain values on how the
    edit was made, for edit.json.
    """

    before: Samples
    after: Samples
    classes: tuple[str, ...]
    difference: np.ndarray
    leakage: np.ndarray | None = None
    composited_leakage: np.ndarray | None = None
    leakage_beyond_margin: np.ndarray | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> np.ndarray:
        """Whether the model's picture changed by more than a grey level somewhere: (N,) bool."""
        return self.difference.max(axis=(1, 2)) > ONE_LEVEL

    @property
    def margin(self) -> int:
        """The width of an outline, in pixels."""
        return margin_of(*self.difference.shape[1:])

    def sheet(self) -> Image.Image:
        """A row per picture: before, after, both masks, and the model's change (lightest: 64 grey levels or more)."""
        heat = change_map(self.difference)
        cells = (self.before.images, self.after.images, self.before.masks, self.after.masks, heat)
        rows = [np.stack([part[i] for part in cells]) for i in range(len(self.difference))]
        return table(rows, ("before", "after", "mask before", "mask after", "model's change"))

    def mean_leakage(self, composited: bool = False, beyond_margin: bool = False) -> float | None:
        """Leakage of the model's, or of the composited, change, averaged with the size of each picture's change.

        beyond_margin: of the model's change, only what is farther than `margin` pixels from the classes.
        None if it was not measured, or if no picture changed.
        """
        if beyond_margin:
            return self._mean(self.leakage_beyond_margin)
        return self._mean(self.composited_leakage if composited else self.leakage)

    def _mean(self, each: np.ndarray | None) -> float | None:
        if each is None or not (measured := np.isfinite(each)).any():
            return None
        weights = self.difference.sum(axis=(1, 2))[measured]
        return float((each[measured] * weights).sum() / max(weights.sum(), 1e-12))

    def figures(self) -> dict[str, Any]:
        """Plain values: the change (mean over pixels, 0..2) and the leakage, per picture and averaged."""
        figures: dict[str, Any] = {"classes": list(self.classes), "change": self.difference.mean(axis=(1, 2)).tolist()}
        for name in ("leakage", "leakage_beyond_margin", "composited_leakage"):
            if (each := getattr(self, name)) is not None:
                values = [value if math.isfinite(value) else None for value in each.tolist()]
                figures[name] = {"all": self._mean(each), "each": values}
        return figures

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write before/, after/ (as `Samples.save`), difference/ (heat maps), sheet.png and edit.json.

        overwrite: also write into a folder that holds anything but a saved edit. Raises UserError for such a folder
        otherwise, and if writing fails.
        """
        folder = as_path("folder", folder)
        check_folder(folder, ("before", "after", "difference", "sheet.png", RECORD), overwrite=overwrite)
        for part in ("before", "after"):
            check_folder(folder / part, SAVED, TUNED, overwrite)
        with writing(folder):
            self.before.save(folder / "before", overwrite=True)
            self.after.save(folder / "after", overwrite=True)
            (folder / "difference").mkdir(exist_ok=True)
            write_numbered(folder / "difference", change_map(self.difference), replace=(folder / RECORD).exists())
            self.sheet().save(folder / "sheet.png")
            record = {**self.figures(), "composegan": __version__, **self.about}
            (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return folder

    def __repr__(self) -> str:
        leak = self.mean_leakage()
        outside = "" if leak is None else f", {leak:.1%} of the change outside"
        nothing = "" if self.changed.any() else ", nothing changed"
        return f"Edit({len(self.difference)} pictures, {', '.join(self.classes)}{outside}{nothing})"


def edit_codes(
    model: Model,
    codes: Codes,
    target: Target,
    method: str = "resample",
    *,
    amount: float | None = None,
    other: Codes | None = None,
    seed: int = 1,
    truncation: float = TRUNCATION,
) -> Codes:
    """A copy of codes with the target changed. Only "add" and "remove" change which classes are present, and "copy"
    and "interpolate" (from amount 0.5), as `Codes.blend` does.

    amount: of "scale" (0: the mean, 1: unchanged, 2: twice as far from it) and "interpolate" (1: the other's codes),
    default 0.5.
    other: of "copy" and "interpolate", one picture or as many as codes; default: drawn from seed and truncation.
    Raises UserError for an unknown method, an argument that it does not use, and another number of pictures.
    """
    if isinstance(method, str) and method in ("move", "recolor"):
        raise UserError(f"method={method}: model.{method} does that, with arguments of its own")
    check_choice("method", method, METHODS)
    check_used(method, amount, other)
    amount = AMOUNT if amount is None else amount
    check_number("amount", amount)
    chosen = target.mask(codes)
    if method == "resample":
        drawn = draw_codes(model, len(codes), seed=seed, truncation=truncation, present=codes.present)
        return replace(codes.blend(drawn, 1.0, chosen), present=codes.present)
    if method == "scale":
        return replace(codes.blend(mean_codes(model), 1 - amount, chosen), present=codes.present)
    if method == "add" and model.class_sets is None and all(codes[name].present.all() for name in target.classes):
        raise UserError(
            "method=add: every picture of this model has all classes already; a model that was trained with "
            "training.class_sets=data has pictures without some"
        )
    if method in ("add", "remove"):
        return codes.having(**{method: target.classes})
    other = model.codes(len(codes), seed, truncation) if other is None else other
    if len(other) not in (1, len(codes)):
        raise UserError(f"other has {len(other)} pictures for {len(codes)}; select 1 or {len(codes)} of them")
    return codes.blend(other, 1.0 if method == "copy" else amount, chosen)


def compare(
    model: Model,
    before: Codes | Samples,
    after: Codes,
    classes: Sequence[str] | None,
    *,
    composite: bool = True,
    region: Region = "classes",
    photos: np.ndarray | Sequence[Framed] | None = None,
    batch: int = 16,
    about: Mapping[str, Any] | None = None,
) -> Edit:
    """Draw both and measure where they differ.

    before: codes, or pasted pictures of another edit. classes: those edited, by name; None: all, because base codes
    changed. region: measure and paste all pixels of these classes, before and after; only the pixels whose class is
    changed, and an outline around them; or both of these. composite: paste what was edited into the pictures before,
    so that nothing else changes: into those of another edit, or into `photos`, (N, H, W, 3) uint8, or photos with
    frames, into which the edit is carried back at their own resolution as well (`after.photos`). about: see `Edit`.
    Raises UserError for pasted pictures of another model, and for photos beside pasted pictures.
    """
    check_flags(composite=composite)
    kept = before if isinstance(before, Samples) else None
    if len(before) != len(after):
        raise UserError(f"before has {len(before)} pictures and after {len(after)}; give as many of both")
    first, second = (draw(model, codes, batch=batch) for codes in (codes_of(before), after))
    old, new = (_tensor(samples.images) for samples in (first, second))
    facts = {"model": model.weights, "space": model.space, **(about or {})}
    edit = Edit(
        first, second, model.classes if classes is None else tuple(classes), change(old, new).numpy(), about=facts
    )
    if classes is None:
        return edit
    indices = [model.index(name) for name in classes]
    pixels = _region(first, second, indices, region)
    beyond = _leakage(old, new, grown(pixels, edit.margin))
    edit = replace(edit, leakage=_leakage(old, new, pixels), leakage_beyond_margin=beyond)
    if not composite:
        return edit
    base = first
    if photos is not None:
        if kept:
            raise UserError("photos: the pictures before are those of an edit, pasted already; leave photos out")
        base = replace(first, pasted=model.weights, **_photos(photos, first.images.shape))
    elif kept:
        if kept.pasted != model.weights:
            raise UserError(
                f"codes: pictures of an edit by another model (weights {kept.pasted}, not {model.weights}); use that "
                "model, or leave the pasted pictures out by composite=off"
            )
        base, pixels = kept, _region(kept, second, indices, region)
    old = _tensor(base.images)
    images = to_uint8(paste(old, new, pixels))
    labels = np.where(pixels.numpy(), second.labels, base.labels)
    drawn = (first.images, second.images, first.labels, second.labels, pixels.numpy())
    carried = tuple(
        paste_into_photo(photo, Change(*(part[number] for part in drawn))) for number, photo in enumerate(base.photos)
    )
    after_ = replace(second, images=images, labels=labels, pasted=model.weights, photos=carried)
    return replace(edit, before=base, after=after_, composited_leakage=_leakage(old, _tensor(images), pixels))


def _photos(photos: np.ndarray | Sequence[Framed], shape: tuple[int, ...]) -> dict[str, Any]:
    """Images of this shape, and the photos themselves if they have frames."""
    framed = tuple(photos) if isinstance(photos, (list, tuple)) else ()
    if framed and all(isinstance(photo, Framed) for photo in framed) and len(framed) == shape[0]:
        return {"images": np.stack([photo.fitted(*shape[1:3]) for photo in framed]), "photos": framed}
    if not isinstance(photos, np.ndarray) or (photos.shape, photos.dtype) != (shape, np.uint8):
        raise UserError(
            f"photos={shown(photos)}: must be the photos of an inversion, one for each picture, or an array {shape} of "
            "uint8"
        )
    return {"images": photos}


def paste(old: Tensor, new: Tensor, region: Tensor) -> Tensor:
    """`new` within the region, `old` elsewhere, with a soft edge of a margin around the region.

    old, new: (N, 3, H, W); region: (N, H, W) bool -> (N, 3, H, W).
    """
    reach = margin_of(*region.shape[1:])
    inside = region[:, None].float()  # (N, 1, H, W)
    soft = F.avg_pool2d(F.pad(inside, [reach] * 4, mode="replicate"), 2 * reach + 1, stride=1)  # (N, 1, H, W)
    return old + torch.maximum(inside, soft) * (new - old)


def _leakage(old: Tensor, new: Tensor, region: Tensor) -> np.ndarray:
    """As `metrics.leakage.leakage`: (N,), but NaN for a picture that changed by at most a grey level."""
    changed = change(old, new).amax(dim=(1, 2)) > ONE_LEVEL
    return leakage(old, new, region).where(changed, torch.nan).numpy()


def _region(first: Samples, second: Samples, classes: list[int], region: Region) -> Tensor:
    """Pixels where either shows one of the classes, or where both differ, with an outline: (N, H, W) bool."""
    labels, others = torch.from_numpy(first.labels), torch.from_numpy(second.labels)
    shown = region_of(labels, others, classes)
    if region == "classes":
        return shown
    changed = grown(labels != others, 2 * margin_of(*labels.shape[1:]))
    return changed if region == "changed" else shown | changed


def _tensor(images: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) in -1..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
