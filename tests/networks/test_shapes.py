"""Typical shapes: a class begins with one of those that it has in the view which the base code chooses."""

from __future__ import annotations

import torch

from composegan.networks.modern_generator import ModernGenerator
from composegan.networks.routing import Routing
from composegan.networks.shapes import TypicalShapes

CLASSES, SHAPES = 3, 2


def shapes(likely: torch.Tensor) -> tuple[TypicalShapes, torch.Tensor]:
    torch.manual_seed(0)
    made = TypicalShapes(CLASSES, SHAPES, 4, 4, 8)
    codes = torch.randn(8) + 0.2 * torch.randn(500, 8)
    made.set(torch.randn(CLASSES, SHAPES, 4, 4), likely, torch.tensor([0, 2, 1]), codes)
    return made, codes


def test_mean_code_prefers_no_view_and_no_shape():
    made, codes = shapes(torch.full((SHAPES, CLASSES, SHAPES), 0.5))
    mean = codes.mean(dim=0)
    share = made(mean[None], mean.expand(1, CLASSES, 8))  # (K, B, J)
    torch.testing.assert_close(share, torch.full((CLASSES, 1, SHAPES), 0.5))


def test_random_code_chooses_nearly_one_view_whatever_the_deviation_of_codes():
    made, codes = shapes(torch.eye(2)[:, None].expand(SHAPES, CLASSES, SHAPES).clamp(1e-9, 1))
    share = made(codes, codes[:, None].expand(-1, CLASSES, -1))  # (K, B, J)
    assert share.amax(dim=2).mean() > 0.97 and (share.mean(dim=1) > 0.3).all()


def test_base_code_chooses_among_shapes_for_all_classes():
    """In each view a class has one shape only: then the shape code cannot change it."""
    made, codes = shapes(torch.eye(2)[:, None].expand(SHAPES, CLASSES, SHAPES).clamp(1e-9, 1))
    base, codes = 1e4 * torch.randn(50, 8), codes[:50, None].expand(-1, CLASSES, -1)
    share = made(base, codes)  # (K, B, J)
    chosen = share.argmax(dim=2)
    assert (chosen == chosen[0]).all() and 5 < chosen[0].sum() < 45
    torch.testing.assert_close(made(base, codes.flip(0)).argmax(dim=2), chosen)


def test_class_begins_with_its_shape():
    """Class 1 is on the left in all its shapes, class 3 on the right; class 0 fills the rest."""
    torch.manual_seed(0)
    generator = ModernGenerator(
        classes=4, height=32, width=64, latent_channels=12, mapping_layers=2, local_layers=3, base_layers=1,
        local_channels=8, coarse_channels=10, coarse_size=16, min_feat_size=4, channel_multiplier=0.01, max_channels=12,
        recompute=False, shapes=SHAPES, depth_layers=2,
    )  # fmt: skip
    odds = torch.full((4, SHAPES, 4, 8), -9.0)
    odds[0], odds[1, :, :, :3], odds[3, :, :, 5:] = 9, 9, 9
    likely, order = torch.full((SHAPES, 4, SHAPES), 0.5), torch.tensor([0, 3, 1, 2])
    generator.local.shapes.set(odds, likely, order, torch.randn(99, 12))
    m = (generator(torch.randn(5, 12)).coarse + 1) / 2
    assert m[:, 1, :, :8].mean() > 0.9 and m[:, 3, :, 24:].mean() > 0.9 and m[:, 0, :, 15:17].mean() > 0.9
    present = torch.tensor([True, False, True, True])
    assert not generator(torch.randn(5, 12), classes=present).coarse[:, 1].add(1).any()


def test_classes_are_painted_from_back_to_front():
    """The softmax of pseudo-depths: a class's probability times those that no class in front is there."""
    made, _ = shapes(torch.full((SHAPES, CLASSES, SHAPES), 0.5))  # from back to front: 0, 2, 1
    made.odds[0] = 40.0  # the background is everywhere
    share = torch.rand(CLASSES, 5, SHAPES)  # (K, B, J)
    _, first, second = torch.einsum("kbj,kjhw->kbhw", share, made.odds).sigmoid()  # (B, h, w) each
    everywhere = torch.ones_like(first)
    for present, painted in (
        ([True, True, True], ((1 - second) * (1 - first), first, second * (1 - first))),
        ([True, False, True], (1 - second, 0 * everywhere, second)),
        ([True, True, False], (1 - first, first, 0 * everywhere)),
    ):
        there = torch.tensor(present).expand(5, CLASSES)
        routing = Routing.of(there, range(CLASSES))
        depth = torch.full((5 * CLASSES, 16), -torch.inf).index_copy(0, routing.pair, made.depth(share, routing))
        depth = depth.view(5, CLASSES, 4, 4)
        if all(present):
            torch.testing.assert_close(depth, made.depth(share).view_as(depth))
        torch.testing.assert_close(depth.softmax(dim=1), torch.stack(painted, dim=1), atol=1e-5, rtol=0)


def test_gradient_is_finite_where_a_view_lacks_a_shape():
    """Likelihoods saved in half precision may be 0."""
    made, codes = shapes(torch.eye(2)[:, None].expand(SHAPES, CLASSES, SHAPES))
    base = (1e4 * codes[:4]).requires_grad_()  # chooses one view only
    made(base, codes[:4, None].expand(-1, CLASSES, -1)).square().sum().backward()
    assert base.grad.isfinite().all()
