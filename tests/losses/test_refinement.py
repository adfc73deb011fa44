"""The cross entropy of refined masks with label maps."""

from __future__ import annotations

import pytest
import torch

from composegan.losses.refinement import refinement_loss
from composegan.networks.semantic_map import SemanticMap, label_shares

LABELS = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]])[None].repeat_interleave(2, 2)
LABELS = LABELS.repeat_interleave(2, 1)  # (1, 8, 8), in cells of 4 pixels or more


def masks(labels, low_rank):
    """A generated mask that has these labels exactly: all of it refined, or all of it coarse."""
    truth = SemanticMap.from_labels(labels, 3)
    if not low_rank:
        return SemanticMap(3, refinement=truth.logits())
    return SemanticMap(3, refinement=torch.zeros(1, 2, 8, 8), coarse=truth.pooled(4, 4), basis=torch.randn(3, 2))


@pytest.mark.parametrize("low_rank", [False, True])
def test_right_mask_has_a_small_loss(low_rank):
    right, wrong = (refinement_loss(masks(labels, low_rank), LABELS, (4, 4)) for labels in (LABELS, LABELS.flip(1)))
    assert right < 0.3 * wrong and right < (0.2 if low_rank else 1e-3)  # -1..1 are certain


def test_label_shares_are_those_of_the_pooled_map():
    labels = torch.randint(0, 5, (2, 8, 12), dtype=torch.uint8)
    expected = (SemanticMap.from_labels(labels, 5).pooled(4, 6) + 1) / 2
    torch.testing.assert_close(label_shares(labels, 5, 4, 6), expected)
