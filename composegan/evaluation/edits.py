"""Edit leakage of every class: its texture or its shape is drawn anew, and what changes elsewhere is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from composegan.editing.edit import MARGIN
from composegan.evaluation.shares import joined, share
from composegan.metrics.leakage import change, leakage, region_of
from composegan.metrics.presence import present
from composegan.model.codes import PARTS, Codes
from composegan.model.saved_model import Model
from composegan.runtime.progress import progress_bar
from composegan.viz.pictures import to_uint8

PICTURES = 32
NOTHING = 1e-3
"""A mean change below this (of -1..1; a tenth of a step of 8 bits) is no change, and has no part that leaks."""


@dataclass(frozen=True)
class Leakage:
    """texture, shape: (K,), mean over pictures with the class; NaN where there is none, or nothing changed.

    texture_margin, shape_margin: the same with the class grown by `margin` pixels. pictures: (K,), how many were
    edited. before, after: (rows, H, W, 3) uint8 and heat: (rows, H, W), a row for each class in `rows`; after and heat
    by part.
    """

    values: dict[str, Tensor]
    pictures: Tensor
    margin: int
    rows: list[int]
    before: np.ndarray
    after: dict[str, np.ndarray]
    heat: dict[str, np.ndarray]


def edit_leakage(
    model: Model, w: Tensor, proportions: Tensor, seed: int, truncation: float, batch: int,
    having: Tensor | None = None,
) -> Leakage:  # fmt: skip
    """w: (N, S) of the pictures, of which each class takes the first PICTURES that it is in; proportions: (N, K).

    The new codes are those of seed + 1. having: (N, K) bool, the pictures' class sets, which stay as they are.
    """
    from composegan.evaluation.generated import random_w

    classes, margin = len(model.classes), max(1, round(MARGIN * min(model.generator.height, model.generator.width)))
    others = Codes.of(model, random_w(model, len(w), seed + 1, truncation))
    codes = Codes.of(model, w.to(model.device), having)
    chosen = [_with_class(proportions[:, k]) for k in range(classes)]
    own = list(share([k for k in range(classes) if len(chosen[k])]))
    with progress_bar("Editing classes", sum(len(chosen[k]) for k in own)) as advance:
        found = joined([_of_class(model, k, codes, others, chosen[k].split(batch), margin, advance) for k in own])
    values = {key: torch.full((classes,), torch.nan, dtype=torch.float64) for key in found[0].values}
    for each in found:
        for key, value in each.values.items():
            values[key][each.k] = value
    return Leakage(
        values, torch.tensor([len(pictures) for pictures in chosen]), margin, [each.k for each in found],
        np.stack([each.before for each in found]),
        {part: np.stack([each.after[part] for each in found]) for part in PARTS},
        {part: np.stack([each.heat[part] for each in found]) for part in PARTS},
    )  # fmt: skip


@dataclass
class _OfClass:
    """Class k's part of `Leakage`: values by key, and the row of pictures."""

    k: int
    values: dict[str, float]
    before: np.ndarray
    after: dict[str, np.ndarray]
    heat: dict[str, np.ndarray]


def _of_class(
    model: Model, k: int, codes: Codes, others: Codes, batches: Sequence[Tensor], margin: int,
    advance: Callable[[int], None],
) -> _OfClass:  # fmt: skip
    found: dict[str, list[Tensor]] = {f"{part}{ending}": [] for part in PARTS for ending in ("", "_margin")}
    before, after, heat = None, {}, {}
    for pictures in batches:
        old = codes[pictures.tolist()]
        image, labels = _draw(model, old)
        for part in PARTS:
            new = old.blend(others[pictures.tolist()], 1.0, codes.slots_of([model.classes[k]], [part]))
            new = replace(new, present=old.present)
            edited, edited_labels = _draw(model, new)
            changed = change(image, edited).mean(dim=(1, 2)) > NOTHING
            for key, grown in ((part, 0), (f"{part}_margin", margin)):
                leaked = leakage(image, edited, region_of(labels, edited_labels, [k], grown))
                found[key].append(leaked[changed].double())
            if before is None:
                after[part] = to_uint8(edited[:1])[0]
                heat[part] = change(image[:1], edited[:1])[0].numpy()
        before = to_uint8(image[:1])[0] if before is None else before
        advance(len(pictures))
    return _OfClass(k, {key: torch.cat(parts).mean().item() for key, parts in found.items()}, before, after, heat)


def _with_class(shares: Tensor) -> Tensor:
    """The first PICTURES pictures that have a class, the one with most of it in front, to be shown. shares: (N,)."""
    pictures = present(shares).nonzero()[:PICTURES, 0]
    return pictures[shares[pictures].argsort(descending=True)]


@torch.inference_mode()
def _draw(model: Model, codes: Codes) -> tuple[Tensor, Tensor]:
    """Images (B, 3, H, W) clamped to -1..1, and labels (B, H, W), on the CPU."""
    result = model.synthesize(codes)
    return result.image.float().clamp(-1, 1).cpu(), result.mask.labels().cpu()
