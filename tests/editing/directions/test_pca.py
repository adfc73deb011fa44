"""Principal components of a mapping that is known."""

from __future__ import annotations

import torch

from composegan.editing.directions.direction import Target
from composegan.editing.directions.pca import covariance, pca_directions


def test_the_axes_of_a_linear_mapping_are_found_with_their_deviations(model, monkeypatch):
    """`w = z D Q` for a rotation Q has the covariance `Q^T D^2 Q`: components are Q's rows, deviations D."""
    draws = torch.Generator().manual_seed(3)
    rotation = torch.linalg.qr(torch.randn(16, 16, generator=draws))[0]
    deviations = torch.tensor([5.0, 3.0, 2.0] + [0.1] * 13)
    monkeypatch.setattr(model.generator, "map", lambda z: z * deviations @ rotation)
    found = pca_directions(model, Target(("ball",), "texture"), 3, covariance(model))
    assert [direction.name for direction in found] == [f"ball.texture.pca{i}" for i in range(3)]
    for direction, row, deviation in zip(found, rotation, deviations, strict=False):
        assert (direction.vectors[0] @ row).abs() > 0.995
        assert abs(direction.sigma / deviation - 1) < 0.03
    parts = [direction.facts["explained"] for direction in found]
    wanted = (deviations[:3] ** 2 / (deviations**2).sum()).tolist()
    assert all(abs(part - want) < 0.02 for part, want in zip(parts, wanted, strict=True))


def test_the_unit_is_one_of_w_however_many_slots_move(model):
    """Two slots that hold one w: a step of one sigma is the deviation of w in each."""
    spread = covariance(model)
    (one,) = pca_directions(model, Target(("ball",), "texture"), 1, spread)
    (many,) = pca_directions(model, Target(("ball", "glass"), "both"), 1, spread)
    step_of_one, step_of_many = ((d.sigma * d.vectors).double() for d in (one, many))
    torch.testing.assert_close(step_of_many, step_of_one.expand(4, -1), rtol=1e-5, atol=1e-7)
