"""Precision and recall of feature manifolds."""

import pytest
import torch

from composegan.errors import UserError
from composegan.metrics import manifold
from composegan.metrics.manifold import precision, recall


def cloud(count=60, seed=0, shift=0.0):
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed)) + shift


def both(real, fake):
    return precision(real, fake), recall(real, fake)


def test_precision_and_recall_of_equal_and_distant_sets():
    assert both(cloud(), cloud()) == (1, 1)
    assert both(cloud(), cloud(shift=100.0)) == (0, 0)
    assert all(0.5 < value < 1 for value in both(cloud(), cloud(seed=1)))


def test_one_repeated_image_is_precise_without_recall():
    assert both(cloud(), cloud()[:1].repeat(60, 1)) == (1, 1 / 60)


def test_recall_of_half_the_variety_is_half():
    real = torch.cat((cloud(), cloud(seed=1, shift=100.0)))
    assert both(real, cloud()) == (1, pytest.approx(0.5, abs=0.01))


def test_balls_reach_to_the_kth_neighbour():
    """On a line, the points 0, 1, 2, 3 have their third neighbours at distance 3, 2, 2, 3."""
    real = torch.tensor([[0.0], [1], [2], [3]])
    inside, outside = torch.tensor([[-2.9], [5.9], [4.0], [1.5]]), torch.tensor([[-3.1], [6.1], [9.0], [-7.0]])
    assert (precision(real, inside), precision(real, outside)) == (1, 0)


def test_block_size_does_not_change_the_result(monkeypatch):
    whole = both(cloud(), cloud(seed=1))
    monkeypatch.setattr(manifold, "BLOCK", 7)
    assert both(cloud(), cloud(seed=1)) == whole


@pytest.mark.parametrize("measure", [precision, recall])
def test_too_few_images_are_refused(measure):
    with pytest.raises(UserError, match="^3 images are too few; precision and recall need at least 4$"):
        measure(cloud(), cloud(3))
