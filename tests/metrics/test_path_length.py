import pytest
import torch

from composegan.metrics.path_length import path_lengths, unit_difference


def test_the_difference_of_unit_maps_by_hand():
    """Orthogonal directions are at 2, opposite ones at 4; length does not count."""
    a = torch.tensor([3.0, 0]).view(1, 2, 1, 1)
    b = torch.tensor([0.0, 5]).view(1, 2, 1, 1)
    assert unit_difference([a], [b]).tolist() == [2]
    assert unit_difference([a, a, a], [2 * a, b, -a]).tolist() == pytest.approx([(0 + 2 + 4) / 3])


def test_the_length_on_a_circle_is_the_square_of_its_speed():
    """Pictures (cos a, sin a) with a = speed * w move by speed * |end - start| on the unit circle."""

    def draw(w):
        angle = w[:, :1].double()
        return torch.cat((angle.cos(), angle.sin()), dim=1)[:, :, None, None]

    start, end = torch.zeros(3, 2).double(), torch.tensor([[1.0, 9], [2.0, 9], [-0.5, 9]]).double()
    lengths = path_lengths(draw, lambda images: [images], start, end, torch.tensor([0.1, 0.5, 0.9]).double())
    assert lengths.tolist() == pytest.approx([1, 4, 0.25], rel=1e-4)
