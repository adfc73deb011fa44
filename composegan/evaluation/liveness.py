"""Ownership and liveness while a model trains, from a few dozen edits."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.evaluation.class_edits import with_codes_of
from composegan.evaluation.generated import Generated
from composegan.metrics.layout import class_proportions
from composegan.metrics.leakage import LEVELS, change, mean_in, weight_in
from composegan.metrics.presence import present

EDITS, EACH, BATCH = 64, 4, 16
"""Edits, at most, unless there are more classes; pictures that each class is edited in, at most."""


@torch.inference_mode()
def liveness(generated: Generated, classes: int) -> tuple[Tensor, Tensor]:
    """Ownership (0..1) and liveness (grey levels), both of the class's codes replaced at once: (K,) float64 twice.

    Each class is edited in the first pictures that show it, with the codes of the next picture; 0 for one that no
    picture shows, and for all classes of a generator without codes per class.
    """
    if not generated.generator.layout.class_codes:
        return torch.zeros(classes, dtype=torch.float64), torch.zeros(classes, dtype=torch.float64)
    shown = present(class_proportions(generated.labels, classes))  # (N, K)
    if generated.present is not None:
        shown &= generated.present
    each = max(1, min(EACH, EDITS // classes))
    pictures, edited = (shown & (shown.cumsum(dim=0) <= each)).nonzero(as_tuple=True)
    sums = torch.zeros(4, classes, dtype=torch.float64)
    generator, others = generated.generator, generated.w.roll(1, 0)
    for rows, k in zip(pictures.split(BATCH), edited.split(BATCH), strict=True):
        there = None if generated.present is None else generated.present[rows]
        some = rows.to(generated.w.device)
        before = generator(generated.w[some], classes=there)
        after = generator(with_codes_of(generator.layout, generated.w[some], others[some], k), classes=there)
        own, moved = (result.mask.labels().cpu() == k[:, None, None] for result in (before, after))
        weights = before.coarse[torch.arange(len(rows)), k.to(before.coarse.device)].float().cpu().add(1).div(2)
        image, other = (result.image.float().clamp(-1, 1).cpu() for result in (before, after))
        inside = mean_in(change(image, other).double(), own | moved) * LEVELS
        found = torch.stack((*weight_in(weights, own), inside.nan_to_num(0), torch.ones_like(inside)))
        sums.index_add_(1, k, found)
    return sums[0] / sums[1].clamp(min=1), sums[2] / sums[3].clamp(min=1)
