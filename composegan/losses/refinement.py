"""How well a refined mask fits a label map."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from composegan.networks.semantic_map import SemanticMap, label_shares

SHARP = 4.0
"""Factor of the mask's values, which the coarse mask keeps near -1..1: the log odds of a right pixel are about 8."""


def refinement_loss(mask: SemanticMap, labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Cross entropy of a generated mask with labels (B, H, W) -> ().

    A low-rank mask is compared at `size` (rows, columns), that of the coarse mask, with the share of each class in a
    cell: it never has K channels at full size.
    """
    if mask.basis is None:
        return F.cross_entropy(SHARP * mask.logits(), labels.long())
    return F.cross_entropy(SHARP * mask.pooled(*size), label_shares(labels, mask.classes, *size))
