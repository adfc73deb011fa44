"""The foremost classes of each pixel, without K channels at full size where the mask has fewer."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from composegan.networks.resample import upsample_matrix
from composegan.networks.semantic_map import SemanticMap

STRIP = 1 << 22
"""Logits, of all classes and of the whole batch, that a low-rank mask is expanded to at a time."""
ABSENT = -1e4
"""The logit of an absent class: its weight is 0 exactly."""


def foremost_of(mask: SemanticMap, count: int, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The `count` largest logits of each pixel of a generated mask, and their classes: two of (B, count, P).

    present: (B, K), on the mask's device; absent classes have the logit ABSENT. None: all are present. A low-rank mask
    is expanded strip by strip, and again for the gradient.
    """
    fine = mask.refinement
    assert fine is not None
    height, width = fine.shape[2:]
    if mask.basis is None:
        return foremost(_without(mask.logits(), present).flatten(2), count)
    basis, matrices = mask.basis.to(fine.dtype), None
    if mask.coarse is not None:
        doublings = (height // mask.coarse.shape[2]).bit_length() - 1
        matrices = [upsample_matrix(size, doublings, like=mask.coarse) for size in mask.coarse.shape[2:]]

    def strip(fine: Tensor, *apart: Tensor) -> tuple[Tensor, Tensor]:
        logits = torch.einsum("ke,behw->bkhw", basis, fine)  # (B, K, s, W)
        if apart:
            coarse, rows, columns = apart  # (B, K, h, w), (s, h), (W, w)
            logits = logits + rows @ coarse @ columns.T  # (B, K, s, W)
        return foremost(_without(logits, present).flatten(2), count)

    rows_each = max(1, STRIP // (len(fine) * mask.classes * width))
    parts = []
    for first in range(0, height, rows_each):
        last = first + rows_each
        given = (mask.coarse, matrices[0][first:last], matrices[1]) if matrices else ()
        parts.append(checkpoint(strip, fine[:, :, first:last], *given, use_reentrant=False, preserve_rng_state=False))
    value, index = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))  # (B, n, P)
    return value, index


def foremost(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest logits of each pixel and their classes: (B, K, P) -> two of (B, count, P), largest first."""
    if count != 2:
        return logits.topk(count, dim=1)
    value, index = logits.max(dim=1, keepdim=True)  # (B, 1, P); faster than topk on CPU
    others, second = logits.scatter(1, index, -math.inf).max(dim=1, keepdim=True)  # (B, 1, P)
    return torch.cat((value, others), dim=1), torch.cat((index, second), dim=1)


def _without(logits: Tensor, present: Tensor | None) -> Tensor:
    return logits if present is None else logits.masked_fill(~present[:, :, None, None], ABSENT)
