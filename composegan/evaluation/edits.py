"""Metrics of edits: how many classes are live, and how much of an edit's change falls outside its class.

`live_classes` reports the share of classes that are live, and their ownership; `edit_leakage` the change outside the
class, averaged over the live classes. See `class_edits` for how classes are edited.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from composegan.evaluation.class_edits import EditTable, edit_classes
from composegan.evaluation.floor import Floor, floor_of
from composegan.evaluation.generated import Generated
from composegan.evaluation.liveness import liveness
from composegan.evaluation.pictures import leakage_sheet
from composegan.evaluation.shares import is_first
from composegan.metrics.figure import Figure, NotMeasuredError
from composegan.metrics.layout import LAYOUT, class_proportions, mean_known
from composegan.metrics.leakage import margin_of, weighted_mean
from composegan.metrics.presence import presence_rates, present
from composegan.metrics.thresholds import ALIVE, OWNED, VISIBLE
from composegan.model.class_codes import NONE, PARTS
from composegan.plugin.contracts import HIGHER, LOWER, Metric

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation

PSNR = "PSNR of the background in dB, over the whole frame, as in PIE-Bench"
FORMS = {
    "outside": ("edit_outside", LOWER, "mean change outside the class, in grey levels of 255"),
    "visible": ("edit_visible", LOWER, f"share of the pixels outside that change by more than {VISIBLE:g} levels"),
    "squared": ("edit_leakage_squared", LOWER, "share of the squared change outside, as in LELSD's localization score"),
    "mse": ("edit_mse_outside", LOWER, "mean squared error outside, images in -1..1, as in StyleMapGAN"),
    "psnr": ("edit_background_psnr", HIGHER, PSNR),
}
"""By field of `EditChange`: the name of a figure without its part, which values are better, and what it is."""


def _table(evaluation: Evaluation) -> EditTable:
    """The edits of an evaluation, made once. Adds their columns and the sheet to the report."""
    if isinstance(known := evaluation.kept.get("edits"), EditTable):
        return known
    model, proportions = evaluation.model, evaluation.generated[LAYOUT.name]
    if not model.generator.layout.class_codes:
        raise NotMeasuredError(NONE)
    found = edit_classes(
        model, evaluation.w, proportions, evaluation.seed, evaluation.truncation, evaluation.batch, evaluation.present
    )
    table = EditTable.of(found, len(model.classes))
    evaluation.kept["edits"] = table
    evaluation.columns |= {"ownership": table.ownership, "leakage_pictures": table.pictures}
    for part in PARTS:
        values = table.measured[part]
        evaluation.columns |= {
            f"liveness_{part}": values["inside"], f"leakage_{part}": values["leakage"],
            f"leakage_{part}_margin": values["leakage_margin"], f"outside_{part}": values["outside"],
            f"live_{part}": table.live(part).double(),
        }  # fmt: skip
    evaluation.sheets["leakage"] = leakage_sheet(found, model.classes)
    return table


def _measure_live(evaluation: Evaluation) -> list[Figure]:
    """The share of the real set's classes that are live, and their mean ownership."""
    table = _table(evaluation)
    if not is_first():
        return []
    there = presence_rates(evaluation.real[LAYOUT.name]) > 0
    if not there.any():
        raise NotMeasuredError("no class covers 1/1024 of a real image")
    counts = int(table.pictures.sum()), 0
    live = table.live_classes[there].double()
    note = (
        f"of {len(live)} classes; a live class owns {OWNED:g} of its pixels, and its codes change them by a grey level"
    )
    own = table.ownership.nan_to_num(0)[there]
    about = "mean composition weight of a class in its own pixels; mean over classes, 0 for one that is never drawn"
    return [
        Figure("live_classes", live.mean().item(), HIGHER, None, *counts, note=note),
        Figure("ownership", own.mean().item(), HIGHER, None, *counts, note=about),
    ]


def _measure_leakage(evaluation: Evaluation) -> list[Figure]:
    """Of texture and shape: the leakage of live classes, weighted by change; other forms; the mean over all classes."""
    table = _table(evaluation)
    if not is_first():
        return []
    found: list[Figure] = []
    for part in sorted(PARTS, reverse=True):
        found += _live_figures(evaluation, table, part)
        values, name = table.measured[part]["leakage"], f"edit_leakage_all_{part}"
        if values.isnan().all():
            evaluation.skipped.append(f"{name} is left out: other codes changed no picture")
            continue
        note = "part of the change outside the class, without margin; mean over all classes, dead ones included, each "
        note += f"of up to {int(table.pictures.max())} pictures"
        found.append(Figure(name, mean_known(values), LOWER, None, int(table.pictures.sum()), 0, note=note))
    return found


def _floor(evaluation: Evaluation) -> Floor:
    """The floor of the real set, measured once. Adds its columns to the report."""
    if not isinstance(floor := evaluation.kept.get("floor"), Floor):
        floor = evaluation.kept["floor"] = floor_of(evaluation.real_set)
        evaluation.columns |= {"floor": floor.leakage, "floor_margin": floor.leakage_margin}
    return floor


def _live_figures(evaluation: Evaluation, table: EditTable, part: str) -> list[Figure]:
    values, live, generator = table.measured[part], table.live(part), evaluation.model.generator
    counts = int(table.pictures[live].sum()), 0
    weighted = weighted_mean(values["leakage_margin"][live], values["change"][live]) if live.any() else torch.nan
    if math.isnan(weighted):
        evaluation.skipped.append(f"edit_leakage_{part} is left out: the {part} of no class is live")
        return []
    margin, floor = margin_of(generator.height, generator.width), _floor(evaluation)
    note = f"part of the change farther than {margin} px from the class, weighted by change over live classes"
    note += f"; beside it a perfect painter's, on {floor.images} real label maps"
    figures = [Figure(f"edit_leakage_{part}", weighted, LOWER, floor.mean, *counts, floor.images, note=note)]
    for key, (name, better, what) in FORMS.items():
        if not math.isnan(mean := mean_known(values[key][live])):
            figures.append(
                Figure(f"{name}_{part}", mean, better, None, *counts, note=f"{what}; mean over live classes")
            )
    return figures


def _watch_live(
    images: Tensor, labels: Tensor, classes: int, device: torch.device
) -> Callable[[Generated], Mapping[str, Tensor]]:
    """Which of the classes of the real images are live, while a model trains."""
    there = present(class_proportions(labels, classes)).any(dim=0)

    def measure(generated: Generated) -> dict[str, Tensor]:
        ownership, inside = liveness(generated, classes)
        live = ((ownership >= OWNED) & (inside >= ALIVE)).double()
        return {"live": live.where(there, torch.nan), "liveness": inside, "ownership": ownership}

    return measure


live_classes = Metric(
    rows=LAYOUT, measure=_measure_live, by_class=_watch_live, better=HIGHER, least=2, on_every_rank=True, position=68
)
metric = Metric(rows=LAYOUT, measure=_measure_leakage, in_training=False, on_every_rank=True, position=70)
