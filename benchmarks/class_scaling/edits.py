"""Edits in a vocabulary that may be coarser than the model's: merged classes are edited together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.class_scaling.judges import relabel
from composegan.metrics.layout import mean_known
from composegan.metrics.leakage import EditChange, margin_of, region_of, weight_in, weighted_mean
from composegan.metrics.presence import present
from composegan.metrics.thresholds import ALIVE, OWNED
from composegan.model.class_codes import PARTS
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.networks.generator import Synthesis

PICTURES = 32
"""Number of pictures, at most, in which each class is edited."""
COLUMNS = ("ownership", *(f"{what}_{part}" for part in PARTS for what in ("liveness", "leakage", "change")))


def edit_classes(model: Model, codes: Codes, table: np.ndarray, proportions: Tensor, seed: int) -> dict[str, Tensor]:
    """Replace the codes of each class by those of seed + 1, one part at a time; class sets are kept.

    table: (classes of the model,), their classes in the vocabulary; proportions: (N, K), of the masks in the
    vocabulary. Returns COLUMNS, each (K,) float64 and a mean over pictures: ownership 0..1; of each part the liveness
    and the change of the whole picture in grey levels, and the leakage beyond a margin, 0..1. NaN for a class that is
    in no picture; leakage also where nothing changes.
    """
    others = model.codes(len(codes), seed=seed + 1, truncation=1.0)
    columns = {name: torch.full((proportions.shape[1],), torch.nan, dtype=torch.float64) for name in COLUMNS}
    for k in range(proportions.shape[1]):
        pictures = present(proportions)[:, k].nonzero()[:PICTURES, 0].tolist()
        if pictures:
            for name, value in _edit_class(model, codes[pictures], others[pictures], table, k).items():
                columns[name][k] = value
    return columns


@torch.inference_mode()
def _edit_class(model: Model, old: Codes, new: Codes, table: np.ndarray, k: int) -> dict[str, float]:
    members = np.flatnonzero(table == k)
    names = [model.classes[member] for member in members]
    result = model.synthesize(old)
    before, labels = drawn(result, table)
    weight = (result.coarse[:, members.tolist()].float().cpu() + 1).sum(dim=1) / 2  # (N, h, w)
    owned, pixels = weight_in(weight, labels == k)
    found = {"ownership": (owned.sum() / pixels.sum()).item()}
    margin = margin_of(*before.shape[2:])
    for part in PARTS:
        edited = replace(old.blend(new, 1.0, old.slots_of(names, [part])), present=old.present)
        after, other_labels = drawn(model.synthesize(edited), table)
        changed = EditChange.of(before, after, region_of(labels, other_labels, [k]), margin)
        found[f"liveness_{part}"] = mean_known(changed.inside)
        found[f"leakage_{part}"] = mean_known(changed.leakage_margin)
        found[f"change_{part}"] = mean_known(changed.change)
    return found


def figures_of(columns: dict[str, Tensor], there: Tensor) -> dict[str, float]:
    """Over the classes `there` (K,) bool, those of the real set: how many are live, their mean ownership (0 for one
    that is never drawn), and by part the leakage of live classes, weighted by their change. The thresholds are those of
    `composegan evaluate`."""
    owns = columns["ownership"].nan_to_num(0)
    live = {part: there & (owns >= OWNED) & (columns[f"liveness_{part}"] >= ALIVE) for part in PARTS}
    live["shape"][0] = False  # class 0 has no pseudo-depth of its own
    found = {
        "live_classes": torch.stack(list(live.values())).any(dim=0).sum().item(),
        "ownership": owns[there].mean().item(),
    }
    for part, these in live.items():
        found[f"leakage_{part}"] = weighted_mean(columns[f"leakage_{part}"][these], columns[f"change_{part}"][these])
    return found


def drawn(result: Synthesis, table: np.ndarray) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in -1..1 and labels (N, H, W) in the table's vocabulary, on the CPU."""
    return result.image.float().clamp(-1, 1).cpu(), relabel(result.mask.labels().cpu(), table)
