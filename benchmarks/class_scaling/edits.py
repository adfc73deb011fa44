"""Edit leakage in a vocabulary that may be coarser than the model's: merged classes are edited together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.class_scaling.judges import relabel
from composegan.metrics.leakage import change, leakage, region_of
from composegan.metrics.presence import present
from composegan.model.class_codes import PARTS
from composegan.model.codes import Codes
from composegan.model.saved_model import Model

PICTURES = 32
"""Number of pictures, at most, in which each class is edited."""
NOTHING = 1e-3
"""Edits with a smaller mean change (in -1..1) are left out."""


def leakages(model: Model, codes: Codes, table: np.ndarray, proportions: Tensor, seed: int) -> dict[str, Tensor]:
    """The share of the change outside the class when its codes are replaced, by part ("texture", "shape"): (K,), 0..1.

    table: (classes of the model,), their classes in the vocabulary; proportions: (N, K), of the masks in the
    vocabulary. NaN for a class that is in no picture, or whose codes change nothing. The new codes are those of seed +
    1; the class sets are kept.
    """
    others = model.codes(len(codes), seed=seed + 1, truncation=1.0)
    values = {part: torch.full((proportions.shape[1],), torch.nan, dtype=torch.float64) for part in PARTS}
    for k in range(proportions.shape[1]):
        pictures = present(proportions)[:, k].nonzero()[:PICTURES, 0].tolist()
        members = [name for name, parent in zip(model.classes, table, strict=True) if parent == k]
        if not pictures:
            continue
        old, new = codes[pictures], others[pictures]
        before, labels = drawn(model, old, table)
        for part in PARTS:
            edited = replace(old.blend(new, 1.0, old.slots_of(members, [part])), present=old.present)
            after, other_labels = drawn(model, edited, table)
            changed = change(before, after).mean(dim=(1, 2)) > NOTHING
            leaked = leakage(before, after, region_of(labels, other_labels, [k]))[changed]
            values[part][k] = leaked.double().mean()  # NaN if empty
    return values


def drawn(model: Model, codes: Codes, table: np.ndarray) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in -1..1 and labels (N, H, W) in the table's vocabulary."""
    samples = model.draw(codes, batch=PICTURES)
    images = torch.from_numpy(samples.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, relabel(torch.from_numpy(samples.labels), table)
