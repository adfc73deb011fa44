"""Edit leakage in a vocabulary that may be coarser than the model's: the classes that are one in it change together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.class_scaling.judges import relabel
from composegan.metrics.leakage import change, leakage, region_of
from composegan.metrics.presence import present
from composegan.model.codes import PARTS, Codes
from composegan.model.saved_model import Model

PICTURES = 32
"""Pictures, at most, that each class is edited in."""
NOTHING = 1e-3
"""A mean change below this (of -1..1) is no change, and has no part that leaks."""


def leakages(model: Model, codes: Codes, table: np.ndarray, proportions: Tensor, seed: int) -> dict[str, Tensor]:
    """By part ("texture", "shape") and class, what of the change is elsewhere when other codes are put in: (K,), 0..1.

    table: (classes of the model,), the class of each here; proportions: (N, K), of the masks read so. NaN for a class
    that is in no picture, or whose codes change nothing. The new codes are those of seed + 1; class sets stay.
    """
    others = model.codes(len(codes), seed=seed + 1)
    values = {part: torch.full((proportions.shape[1],), torch.nan, dtype=torch.float64) for part in PARTS}
    for k in range(proportions.shape[1]):
        pictures = present(proportions)[:, k].nonzero()[:PICTURES, 0].tolist()
        members = [name for name, parent in zip(model.names, table, strict=True) if parent == k]
        if not pictures:
            continue
        old, new = codes[pictures], others[pictures]
        before, labels = drawn(model, old, table)
        for part in PARTS:
            edited = replace(old.blend(new, 1.0, old.slots_of(members, [part])), present=old.present)
            after, other_labels = drawn(model, edited, table)
            changed = change(before, after).mean(dim=(1, 2)) > NOTHING
            leaked = leakage(before, after, region_of(labels, other_labels, [k]))[changed]
            values[part][k] = leaked.double().mean()  # NaN of none
    return values


def drawn(model: Model, codes: Codes, table: np.ndarray) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in -1..1 and labels (N, H, W), as the table has them."""
    samples = model.draw(codes, batch=PICTURES)
    images = torch.from_numpy(samples.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, relabel(torch.from_numpy(samples.labels), table)
