import pytest
import torch

from composegan.evaluation.path_length import path_lengths


def test_path_length_on_a_circle_is_its_squared_speed():
    """Pictures (cos a, sin a) with a = speed * w move by speed * |end - start| on the unit circle."""

    def draw(w):
        angle = w[:, :1].double()
        return torch.cat((angle.cos(), angle.sin()), dim=1)[:, :, None, None]

    def distance(a, b):
        return (a - b).square().sum(dim=(1, 2, 3))

    start, end = torch.zeros(3, 2).double(), torch.tensor([[1.0, 9], [2.0, 9], [-0.5, 9]]).double()
    lengths = path_lengths(draw, distance, start, end, torch.tensor([0.1, 0.5, 0.9]).double())
    assert lengths.tolist() == pytest.approx([1, 4, 0.25], rel=1e-4)
