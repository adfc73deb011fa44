"""The discriminator's score of held-out pictures."""

import numpy as np
import pytest
import torch
from torch import nn

from composegan.config.schema import DataConfig
from composegan.data.sample import Sample
from composegan.evaluation.held_out import COUNT, HeldOut
from composegan.networks.generator import Synthesis


class Grey(list):
    """Pictures of one grey, 0..255."""

    def __init__(self, value):
        image = np.full((3, 8, 8), value, np.uint8)
        super().__init__(Sample(image, np.zeros((8, 8), np.uint8), f"{value}/{i}") for i in range(3))


class Brightness(nn.Module):
    """A discriminator to which bright pictures are real."""

    def forward(self, image, mask):
        assert mask.labels().shape == (len(image), 8, 8)
        return 5 * image.mean(dim=(1, 2, 3))[:, None] + 100


def black(codes, classes=None):
    from composegan.networks.semantic_map import SemanticMap

    labels = SemanticMap.from_labels(torch.zeros(len(codes), 8, 8, dtype=torch.uint8), 2)
    return Synthesis(image=torch.full((len(codes), 3, 8, 8), -1.0), mask=labels, coarse=labels, depth=labels)


@pytest.mark.parametrize(("held_out", "overfit"), [(255, 0.0), (0, 1.0), (153, 0.4)])
def test_overfit_is_the_share_of_the_distance_to_generated_pictures(held_out, overfit):
    judged = HeldOut(Grey(255), Grey(held_out), DataConfig(height=8, width=8), 2, 0, torch.device("cpu"))
    figures = judged(Brightness(), black, lambda count: (torch.zeros(count, 4), None))
    assert len(judged.known[0]) == COUNT
    assert figures["overfit"] == pytest.approx(overfit)
    assert figures["held_out"] == pytest.approx(100 + 5 * (held_out / 127.5 - 1))


def test_overfit_is_left_out_where_generated_pictures_score_higher():
    judged = HeldOut(Grey(0), Grey(0), DataConfig(height=8, width=8), 2, 0, torch.device("cpu"))
    assert "overfit" not in judged(Brightness(), black, lambda count: (torch.zeros(count, 4), None))
