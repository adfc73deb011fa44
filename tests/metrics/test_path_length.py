import pytest
import torch

from composegan.metrics.path_length import map_distance, path_lengths, unit_maps


def weigh(level, difference):
    return difference.sum(dim=1)


def distance(maps, others):
    return map_distance(unit_maps(maps), unit_maps(others), weigh)


def test_map_distance_of_unit_vectors():
    """Orthogonal directions are at 2, opposite ones at 4; length does not count."""
    a, b = torch.tensor([3.0, 0]).view(1, 2, 1, 1), torch.tensor([0.0, 5]).view(1, 2, 1, 1)
    assert distance([a], [b]).tolist() == pytest.approx([2])
    assert distance([a, a, a], [2 * a, b, -a]).tolist() == pytest.approx([0 + 2 + 4])


def test_path_length_on_a_circle_is_its_squared_speed():
    """Pictures (cos a, sin a) with a = speed * w move by speed * |end - start| on the unit circle."""

    def draw(w):
        angle = w[:, :1].double()
        return torch.cat((angle.cos(), angle.sin()), dim=1)[:, :, None, None]

    start, end = torch.zeros(3, 2).double(), torch.tensor([[1.0, 9], [2.0, 9], [-0.5, 9]]).double()
    lengths = path_lengths(draw, lambda a, b: distance([a], [b]), start, end, torch.tensor([0.1, 0.5, 0.9]).double())
    assert lengths.tolist() == pytest.approx([1, 4, 0.25], rel=1e-4)
