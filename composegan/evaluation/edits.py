"""edit_leakage: resample a class's texture or shape, and measure how much of the change falls outside the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from composegan.editing.edit import MARGIN
from composegan.evaluation.generated import random_w
from composegan.evaluation.pictures import leakage_sheet
from composegan.evaluation.shares import joined, share
from composegan.metrics.figure import Figure
from composegan.metrics.layout import LAYOUT, mean_known
from composegan.metrics.leakage import change, leakage, region_of
from composegan.metrics.presence import present
from composegan.model.class_codes import PARTS
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.plugin.contracts import LOWER, Metric
from composegan.runtime.progress import progress_bar
from composegan.viz.pictures import to_uint8

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation

PICTURES = 32
"""Each class is edited in at most this many pictures."""
NOTHING = 1e-3
"""A smaller mean change (of -1..1; a tenth of a step of 8 bits) counts as no change, and has no leakage."""


@dataclass
class ClassLeakage:
    """Edits of class k in `pictures` pictures.

    values: mean leakage of "texture" and "shape" over pictures, and as "texture_margin" and "shape_margin" with the
    class grown by a margin; NaN if nothing changed. before, after: (H, W, 3) uint8 and heat: (H, W), the change, of the
    first picture; after and heat by part.
    """

    k: int
    pictures: int
    values: dict[str, float]
    before: np.ndarray
    after: dict[str, np.ndarray] = field(default_factory=dict)
    heat: dict[str, np.ndarray] = field(default_factory=dict)


def edit_leakage(
    model: Model, w: Tensor, proportions: Tensor, seed: int, truncation: float, batch: int,
    class_sets: Tensor | None = None,
) -> list[ClassLeakage]:  # fmt: skip
    """The leakage of each class that is in some picture, in order; shared among the processes.

    w: (N, S); proportions: (N, K): each class is edited in the first PICTURES pictures it is in, with the codes of
    seed + 1. class_sets: (N, K) bool, which edits keep.
    """
    others = Codes.of(model, random_w(model, len(w), seed + 1, truncation))
    codes = Codes.of(model, w.to(model.device), class_sets)
    chosen = [_with_class(proportions[:, k]) for k in range(len(model.classes))]
    own = list(share([k for k, pictures in enumerate(chosen) if len(pictures)]))
    with progress_bar("Editing classes", sum(len(chosen[k]) for k in own)) as advance:
        return joined([_edit_class(model, k, codes, others, chosen[k].split(batch), advance) for k in own])


def margin_of(model: Model) -> int:
    """By how many pixels a class is grown."""
    return max(1, round(MARGIN * min(model.generator.height, model.generator.width)))


def _edit_class(
    model: Model, k: int, codes: Codes, others: Codes, batches: Sequence[Tensor], advance: Callable[[int], None]
) -> ClassLeakage:
    leaked: dict[str, list[Tensor]] = {f"{part}{ending}": [] for part in PARTS for ending in ("", "_margin")}
    found: ClassLeakage | None = None
    for pictures in batches:
        old = codes[pictures.tolist()]
        image, labels = _draw(model, old)
        found = found or ClassLeakage(k, sum(map(len, batches)), {}, to_uint8(image[:1])[0])
        for part in PARTS:
            new = old.blend(others[pictures.tolist()], 1.0, codes.slots_of([model.classes[k]], [part]))
            edited, edited_labels = _draw(model, replace(new, present=old.present))
            changed = change(image, edited).mean(dim=(1, 2)) > NOTHING
            for key, grown in ((part, 0), (f"{part}_margin", margin_of(model))):
                values = leakage(image, edited, region_of(labels, edited_labels, [k], grown))
                leaked[key].append(values[changed].double())
            found.after.setdefault(part, to_uint8(edited[:1])[0])
            found.heat.setdefault(part, change(image[:1], edited[:1])[0].numpy())
        advance(len(pictures))
    assert found is not None
    return replace(found, values={key: torch.cat(parts).mean().item() for key, parts in leaked.items()})


def _with_class(shares: Tensor) -> Tensor:
    """The first PICTURES pictures that have a class, the one with most of it first, to be shown. shares: (N,)."""
    pictures = present(shares).nonzero()[:PICTURES, 0]
    return pictures[shares[pictures].argsort(descending=True)]


@torch.inference_mode()
def _draw(model: Model, codes: Codes) -> tuple[Tensor, Tensor]:
    """Images (B, 3, H, W) clamped to -1..1, and labels (B, H, W), on the CPU."""
    result = model.synthesize(codes)
    return result.image.float().clamp(-1, 1).cpu(), result.mask.labels().cpu()


def _measure(evaluation: Evaluation) -> list[Figure]:
    """Four figures: of texture and shape, without and with a margin. Adds columns and a sheet to the report."""
    model, proportions = evaluation.model, evaluation.generated[LAYOUT.name]
    found = edit_leakage(
        model, evaluation.w, proportions, evaluation.seed, evaluation.truncation, evaluation.batch, evaluation.present
    )
    pictures = torch.zeros(len(model.classes), dtype=torch.int64)
    columns = {key: torch.full((len(pictures),), torch.nan, dtype=torch.float64) for key in found[0].values}
    for each in found:
        pictures[each.k] = each.pictures
        for key, value in each.values.items():
            columns[key][each.k] = value
    evaluation.columns |= {f"leakage_{key}": values for key, values in columns.items()}
    evaluation.columns["leakage_pictures"] = pictures
    evaluation.sheets["leakage"] = leakage_sheet(found, model.classes)
    return [
        figure for key, values in columns.items() if (figure := _figure(evaluation, key, values, pictures)) is not None
    ]


def _figure(evaluation: Evaluation, key: str, values: Tensor, pictures: Tensor) -> Figure | None:
    name = f"edit_leakage_{key}"
    if values.isnan().all():
        evaluation.skipped.append(f"{name} is left out: other codes changed no picture")
        return None
    grown = f" grown by {margin_of(evaluation.model)} pixel" if key.endswith("_margin") else ""
    note = f"part of the change outside the class{grown}; mean over classes, each of up to {int(pictures.max())}"
    return Figure(name, mean_known(values), LOWER, None, int(pictures.sum()), 0, note=note)


metric = Metric(rows=LAYOUT, measure=_measure, in_training=False, on_every_rank=True, position=70)
