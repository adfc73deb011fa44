"""Codes that fit class sets: the base code's view is one that has these classes."""

from __future__ import annotations

import pytest
import torch

from composegan.networks.fitting import CANDIDATES, first_fit, fitted
from composegan.networks.generator import Generator
from composegan.networks.modern_generator import ModernGenerator

VIEWS, CLASSES = 3, 4
SIZES = {
    "classes": CLASSES, "height": 32, "width": 32, "latent_channels": 12, "mapping_layers": 2, "local_layers": 3,
    "base_layers": 1, "depth_layers": 2, "local_channels": 8, "coarse_channels": 10, "coarse_size": 16,
    "min_feat_size": 4, "channel_multiplier": 0.01, "max_channels": 12, "recompute": False,
}  # fmt: skip
SETS = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]).bool()
"""The class sets of the views."""


@pytest.fixture(scope="module")
def generator():
    """Nearly all pictures of view v have class 0, and of the others class v + 1 only."""
    torch.manual_seed(0)
    made = ModernGenerator(**SIZES, shapes=VIEWS)
    rates = SETS.float().clamp(0.02, 0.98)  # (V, K)
    likely = rates[:, :, None].expand(-1, -1, VIEWS) / VIEWS
    made.local.shapes.set(
        torch.randn(CLASSES, VIEWS, 4, 4), likely, torch.arange(CLASSES), made.map(torch.randn(500, 12))
    )
    return made


def views_of(generator, z):
    shapes, base = generator.local.shapes, generator.map(z) / 12**0.5
    return torch.nn.functional.linear(base, shapes.view_weight, shapes.view_bias).softmax(dim=1)  # (B, V)


def test_views_of_drawn_codes_have_the_class_sets(generator):
    torch.manual_seed(1)
    wanted = torch.arange(300) % VIEWS
    z = torch.randn(400, 12)
    drawn = fitted(generator, z, SETS[wanted])
    assert torch.equal(drawn[300:], z[300:])
    before, after = (views_of(generator, each[:300]).take_along_dim(wanted[:, None], 1).mean() for each in (z, drawn))
    assert before < 0.4 and after > 0.85


def test_class_set_of_two_views_is_drawn_in_both(generator):
    torch.manual_seed(1)
    either = torch.tensor([1, 1, 1, 0]).bool().expand(300, -1)  # as likely in the first two views
    shares = views_of(generator, fitted(generator, torch.randn(300, 12), either)).mean(dim=0)
    assert (shares[:2] > 0.25).all() and shares[2] < 0.1


@torch.no_grad()
def test_views_with_equal_classes_leave_codes_unchanged(generator):
    shapes = generator.local.shapes
    kept = shapes.likely.clone()
    z = torch.randn(20, 12)
    for table in (torch.full_like(kept, 1 / VIEWS), kept[:1].expand_as(kept)):  # older models have the former
        shapes.likely.copy_(table)
        assert torch.equal(fitted(generator, z, SETS[torch.arange(20) % VIEWS]), z)
    shapes.likely.copy_(kept)


def test_codes_without_class_sets_or_views_draw_nothing(generator):
    z = torch.randn(6, 12)
    assert fitted(generator, z, None) is z
    for other in (Generator(**SIZES), ModernGenerator(**SIZES)):
        before = torch.get_rng_state()
        assert other.candidates == 1 and fitted(other, z, SETS[torch.arange(6) % VIEWS]) is z
        assert torch.equal(torch.get_rng_state(), before)


def test_first_accepted_candidate_is_taken():
    fit = torch.tensor([[-0.7, 0.0, 0.0], [-9.0, -3.0, -9.0], [0.0, 0.0, 0.0]])
    assert first_fit(fit, torch.full((3, 3), 0.9)).tolist() == [1, 1, 0]
    share = (first_fit(torch.tensor([[0.25, 1.0]]).log().expand(4000, -1), torch.rand(4000, 2)) == 0).float().mean()
    assert share == pytest.approx(0.25, abs=0.03)


def test_same_sources_give_the_same_codes_in_any_batch(generator):
    z, sets = torch.randn(4, 12), SETS[torch.arange(4) % VIEWS]
    whole = fitted(generator, z, sets, [torch.Generator().manual_seed(i) for i in range(4)])
    single = [fitted(generator, z[i : i + 1], sets[i : i + 1], [torch.Generator().manual_seed(i)]) for i in range(4)]
    assert torch.equal(whole, torch.cat(single)) and CANDIDATES > 1
