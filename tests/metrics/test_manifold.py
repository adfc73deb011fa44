import pytest
import torch

from composegan.errors import UserError
from composegan.metrics import manifold
from composegan.metrics.manifold import precision_recall


def cloud(count=60, seed=0, shift=0.0):
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(seed)) + shift


def test_the_same_set_is_wholly_within_itself_and_a_far_one_not_at_all():
    assert precision_recall(cloud(), cloud()) == (1, 1)
    assert precision_recall(cloud(), cloud(shift=100.0)) == (0, 0)
    precision, recall = precision_recall(cloud(), cloud(seed=1))
    assert 0.5 < precision < 1 and 0.5 < recall < 1


def test_one_good_picture_again_and_again_is_precise_and_recalls_nothing():
    real = cloud()
    precision, recall = precision_recall(real, real[:1].repeat(60, 1))
    assert precision == 1 and recall == 1 / 60


def test_half_the_variety():
    real = torch.cat((cloud(), cloud(seed=1, shift=100.0)))
    precision, recall = precision_recall(real, cloud())
    assert precision == 1 and recall == pytest.approx(0.5, abs=0.01)


def test_balls_reach_to_the_kth_neighbour():
    """On a line: points 0, 1, 2, 3 have their third neighbours at 3, 2, 2, 3."""
    real = torch.tensor([[0.0], [1], [2], [3]])
    inside, outside = torch.tensor([[-2.9], [5.9], [4.0], [1.5]]), torch.tensor([[-3.1], [6.1], [9.0], [-7.0]])
    assert precision_recall(real, inside)[0] == 1
    assert precision_recall(real, outside)[0] == 0
    assert precision_recall(real, torch.cat((inside, outside)), neighbours=1)[0] == pytest.approx(2 / 8)


def test_blocks_make_no_difference(monkeypatch):
    whole = precision_recall(cloud(), cloud(seed=1))
    monkeypatch.setattr(manifold, "BLOCK", 7)
    assert precision_recall(cloud(), cloud(seed=1)) == whole


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="^3 images are too few: precision and recall need at least 4$"):
        precision_recall(cloud(), cloud(3))
