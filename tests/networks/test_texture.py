"""Texture only where it is seen: exactly the dense computation where nothing is dropped, close to it elsewhere."""

import pytest
import torch

from composegan.networks.routing import Routing
from composegan.networks.texture import TextureRouting, by_patch, by_row, choose, kept_weights, patch_size
from composegan.planning.cost import Watched

from .small import derivatives, small_bank, small_generator
from .test_routing import random_case

ANY = TextureRouting(threshold=1e-300)
"""Wherever a class has any weight at all: nothing is dropped, but everything is routed."""


def twin(bank, texture):
    """The same weights with another texture routing."""
    transparent = [] if bank.opaque is None else (bank.opaque == 0).nonzero()[:, 0].tolist()
    settings = {
        "group_of": bank.group_of, "transparent": transparent,
        "height": bank.height, "width": bank.width, "depth_layers": bank.depth_layers, "recompute": bank.recompute,
        "texture": texture, "adapter_rank": 0 if bank.adapter_out is None else bank.adapter_out.shape[-1],
    }  # fmt: skip
    other = small_bank(**settings)
    other.load_state_dict(bank.state_dict())
    return other


@pytest.mark.parametrize(
    ("seed", "classes", "changes"),
    [
        *((seed, classes, {"height": 8, "width": 12}) for seed, classes in enumerate((2, 5, 13, 30, 66, 150))),
        (6, 7, {"adapter_rank": 2, "height": 8, "width": 8}), (7, 9, {"recompute": True, "height": 16, "width": 24}),
        (8, 6, {"depth_layers": 1, "height": 16, "width": 24}), (9, 6, {"depth_layers": 4, "height": 8, "width": 16}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("all_present", [False, True])
def test_texture_routing_without_dropping_equals_dense_bank(seed, classes, changes, all_present):
    bank, codes, present = random_case(seed, classes, **changes)
    codes, present = codes.requires_grad_(), None if all_present else present
    textured = twin(bank, ANY)
    dense, routed = bank(codes, present), textured(codes, present)
    torch.testing.assert_close(routed, dense)
    torch.testing.assert_close(derivatives(routed, codes, textured), derivatives(dense, codes, bank))


def test_texture_routing_is_independent_of_tiling(monkeypatch):
    bank, codes, present = random_case(1, 5, height=24, width=40)
    textured = twin(bank, TextureRouting(threshold=0.05))
    answers = []
    for size in (1 << 20, 1 << 12, 1):
        monkeypatch.setattr("composegan.networks.local_bank.TILE", size)
        answers.append(textured(codes, present))
    for other in answers[1:]:
        torch.testing.assert_close(other, answers[0])


@pytest.mark.parametrize("size", [(8, 12), (16, 32), (64, 64), (12, 20)])
def test_by_row_inverts_by_patch(size):
    patch, plane = patch_size(*size), torch.arange(size[0] * size[1]).view(1, -1)
    assert all(side % part == 0 for side, part in zip(size, patch, strict=True))
    ordered = by_patch(plane, *size, patch)
    first = plane.view(size)[: patch[0], : patch[1]].flatten()
    assert torch.equal(ordered[0, : len(first)], first)
    assert torch.equal(by_row(ordered, 1, *size, patch), plane.view(1, *size))


def decided(classes: int = 6, batch: int = 2, patches: int = 9, pixels: int = 4) -> torch.Tensor:
    """Weights (B, K, T, p) that are nearly all in one class or two a patch."""
    draws = torch.Generator().manual_seed(0)
    scores = torch.randn(batch, classes, patches, 1, generator=draws) * 8
    return (scores + torch.randn(batch, classes, patches, pixels, generator=draws)).double().softmax(dim=1)


def everything(weights: torch.Tensor) -> Routing:
    return Routing.of(torch.ones(weights.shape[:2]), range(weights.shape[1]))


def test_choose_respects_threshold():
    weights = decided()
    chosen = choose(weights, everything(weights), TextureRouting(0.02))
    passing = (weights.amax(dim=3) > 0.02).flatten(0, 1).flatten()
    assert torch.equal(chosen.index, passing.nonzero()[:, 0])
    assert chosen.counts.all() and 18 <= len(chosen.index) < passing.numel() / 2


def test_kept_weights_sum_to_all_weights():
    weights = decided()
    routing = everything(weights)
    chosen = choose(weights, routing, TextureRouting(0.02))
    kept = kept_weights(weights, chosen, routing)
    place = chosen.pair // 6 * 9 + chosen.patch
    sums = torch.zeros(18, 4, dtype=torch.float64).index_add(0, place, kept)
    torch.testing.assert_close(sums, torch.ones_like(sums))


def test_fixed_capacity_gives_same_result():
    """As on a GPU: what is there only to fill the number counts for nothing."""
    weights = decided()
    routing = everything(weights)
    how = TextureRouting(0.02, capacity=0.6)
    free, fixed = (choose(weights, routing, how, fixed) for fixed in (False, True))
    assert len(fixed.index) == 65 > len(free.index)  # 0.6 of 108
    full = torch.zeros(108, 4, dtype=torch.float64)
    one, other = (full.index_copy(0, chosen.index, kept_weights(weights, chosen, routing)) for chosen in (free, fixed))
    torch.testing.assert_close(one, other)


def test_foremost_class_survives_low_capacity():
    weights = decided()
    chosen = choose(weights, everything(weights), TextureRouting(capacity=0.0))
    assert len(chosen.index) == 18
    pair = weights.amax(dim=3).argmax(dim=1) + torch.arange(2)[:, None] * 6  # (B, T)
    assert sorted(chosen.index.tolist()) == sorted((pair * 9 + torch.arange(9)).flatten().tolist())


def test_texture_routing_on_sharp_masks_is_cheap_and_close():
    """Masks as a trained model's, nearly all one class: a part of the texture layers' work, and the same features."""
    bank = small_bank(group_of=(0,) * 12, transparent=(), height=32, width=32, layers=8, recompute=False)
    with torch.no_grad():
        bank.depth_gain.mul_(30)
    codes, textured = torch.randn(1, 96, 10, dtype=torch.float64), None
    settings = {"group_of": (0,) * 12, "transparent": (), "height": 32, "width": 32, "layers": 8}
    textured = small_bank(**settings, texture=TextureRouting(0.01))
    textured.load_state_dict(bank.state_dict())
    with Watched() as dense:
        features, *_ = bank(codes)
    with Watched() as sparse:
        others, *_ = textured(codes)
    assert sparse.flops < 0.8 * dense.flops
    assert (features - others).abs().mean() < 0.01 * features.abs().mean()


def test_generator_with_texture_routing():
    plain = small_generator(local_layers=5)
    routed = small_generator(local_layers=5, texture_threshold=1e-30)
    routed.load_state_dict(plain.state_dict())
    slots = torch.randn(2, plain.layout.slots, 12)
    torch.testing.assert_close(routed(slots).image, plain(slots).image, rtol=1e-4, atol=1e-5)
