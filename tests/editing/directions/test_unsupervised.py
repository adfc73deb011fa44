"""Principal components of a known mapping, and factorised weights against the forward pass."""

from __future__ import annotations

import pytest
import torch

from composegan.editing.directions.unsupervised import (
    covariance,
    pca_directions,
    sefa_directions,
    style_affines,
)
from composegan.editing.target import Target
from composegan.errors import UserError
from composegan.model.codes import Codes
from composegan.networks.generator import Generator
from composegan.networks.modern_generator import ModernGenerator

SETTINGS = {
    "classes": 3, "height": 16, "width": 16, "latent_channels": 16, "mapping_layers": 1, "local_layers": 4,
    "base_layers": 1, "depth_layers": 3, "local_channels": 6, "coarse_channels": 8, "coarse_size": 8,
    "min_feat_size": 4, "max_channels": 8,
}  # fmt: skip


def small(**changes):
    torch.manual_seed(0)
    return Generator(**{**SETTINGS, **changes}).requires_grad_(False)


@pytest.mark.parametrize(
    ("group_of", "slots", "driven"),
    [
        (None, (3,), [(1, 1), (2, 1)]),  # shape of class 1: without the base layer
        (None, (4,), [(3, 1)]),
        (None, (1,), [(0, 0), (1, 0), (2, 0)]),  # of the background: with it
        (None, (0,), [(0, 1), (0, 2)]),
        ((0, 1, 1), (4, 6), [(3, 1)]),
    ],
)
def test_slots_drive_the_styles_of_their_layers(group_of, slots, driven):
    """Slots: base, then (shape, texture) of each class; driven: (layer, group)."""
    generator = small(group_of=group_of)
    expected = [generator.local.style_weight[layer, group] for layer, group in driven]
    torch.testing.assert_close(generator.driven_styles(slots), expected)


def test_texture_slot_of_modern_generator_drives_late_texture():
    generator = ModernGenerator(**SETTINGS).requires_grad_(False)
    (late,) = generator.driven_styles((4,))
    expected = (*generator.texture.style_weight[:, 1], generator.texture.color_weight[1])
    torch.testing.assert_close(late, torch.cat(expected))
    assert len(generator.driven_styles((3,))) == 3


def test_shape_and_base_slots_of_modern_generator_drive_the_choice_of_typical_shapes():
    generator = ModernGenerator(**SETTINGS, shapes=2).requires_grad_(False)
    shapes = generator.local.shapes
    assert generator.driven_styles((3,))[-1].equal(shapes.weight[1])
    assert generator.driven_styles((0,))[-1].equal(shapes.view_weight)
    assert generator.driven_styles((1,))[-1].equal(shapes.weight[0])


@pytest.mark.parametrize("part", ["shape", "texture", "both"])
def test_sefa_finds_the_directions_that_change_styles_most(model, part):
    """Measured on the styles of the forward pass, against many random directions."""
    target = Target(("ball",), part)
    found = sefa_directions(model, target, 3, torch.eye(16, dtype=torch.float64))
    generator = model.generator
    codes = model.codes(1)

    def styles(slots):
        expanded = generator.expand(slots)
        return generator.local._styles(expanded.view(len(slots), 3, 3, -1)).permute(2, 0, 1, 3).flatten(1).double()

    def effect(vectors):
        """|change of all styles| for a step of 1 along each row."""
        moved = codes.repeat(len(vectors)).slots
        moved[:, list(target.slots(model))] += vectors[:, None]
        return (styles(moved) - styles(codes.slots)).norm(dim=1)

    steps = torch.stack([d.vectors[0] / d.vectors[0].norm() for d in found])
    strengths = torch.tensor([d.facts["strength"] for d in found], dtype=torch.float64)
    torch.testing.assert_close(effect(steps), strengths, rtol=1e-4, atol=1e-5)
    assert (strengths[:-1] >= strengths[1:]).all() and strengths[0] > strengths[2]
    anything = torch.nn.functional.normalize(torch.randn(500, 16, generator=torch.Generator().manual_seed(0)))
    assert effect(anything).max() <= strengths[0] * 1.0001
    without_first = torch.nn.functional.normalize(anything - (anything @ steps[0])[:, None] * steps[0])
    assert effect(without_first).max() <= strengths[1] * 1.0001


def test_sefa_counts_classes_of_a_group_once():
    generator = small(group_of=(0, 1, 1))
    torch.testing.assert_close(style_affines(generator, (4, 6)), style_affines(generator, (4,)))
    assert len(style_affines(generator, (2, 4))) == 12


def test_sefa_refuses_a_part_that_drives_no_layer():
    generator = small(base_layers=3)  # class 1 has no shape layer of its own
    with pytest.raises(UserError, match="no layer takes these codes"):
        style_affines(generator, (5,))


def test_sefa_order_holds_for_the_picture(model):
    target = Target(("ground",), "both")
    found = sefa_directions(model, target, 16, torch.eye(16, dtype=torch.float64))
    codes = Codes.of(model, model.codes(8).slots)
    before = model.synthesize(codes.slots).image
    change = [(model.synthesize(found[i].apply(codes, 1.0).slots).image - before).abs().mean() for i in (0, -1)]
    assert change[0] > 1.5 * change[1]


def test_pca_finds_the_axes_of_a_linear_mapping_and_their_deviations(model, monkeypatch):
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


def test_one_sigma_is_the_deviation_of_w_in_every_slot(model):
    spread = covariance(model)
    (one,) = pca_directions(model, Target(("ball",), "texture"), 1, spread)
    (many,) = pca_directions(model, Target(("ball", "glass"), "both"), 1, spread)
    step_of_one, step_of_many = ((d.sigma * d.vectors).double() for d in (one, many))
    torch.testing.assert_close(step_of_many, step_of_one.expand(4, -1), rtol=1e-5, atol=1e-7)
