"""Augmentation changes picture and mask alike and is differentiable."""

import pytest
import torch

from composegan.networks.semantic_map import SemanticMap
from composegan.training.augment import augment

CLASSES = 4


def labels(batch: int = 6, height: int = 24, width: int = 32) -> torch.Tensor:
    """Blocks of classes: (batch, height, width) uint8."""
    coarse = torch.randint(0, CLASSES, (batch, 1, height // 8, width // 8)).float()
    return torch.nn.functional.interpolate(coarse, size=(height, width))[:, 0].to(torch.uint8)


def test_probability_zero_changes_nothing():
    image, mask = torch.randn(2, 3, 24, 32), SemanticMap.from_labels(labels(2), CLASSES)
    changed, moved = augment(image, mask, 0.0)
    assert changed is image and moved is mask


def test_image_alone_changes_as_with_a_mask():
    image, mask = torch.randn(2, 3, 24, 32), SemanticMap.from_labels(labels(2), CLASSES)
    torch.manual_seed(0)
    expected, _ = augment(image, mask, 1.0)
    torch.manual_seed(0)
    changed, nothing = augment(image, None, 1.0)
    assert nothing is None
    assert torch.equal(changed, expected)


def test_labels_move_with_the_picture():
    torch.manual_seed(0)
    truth = labels()
    onehot = SemanticMap.from_labels(truth, CLASSES).logits()  # (6, 4, 24, 32)
    torch.manual_seed(1)
    _, moved_labels = augment(torch.zeros(6, 3, 24, 32), SemanticMap.from_labels(truth, CLASSES), 1.0)
    torch.manual_seed(1)
    _, moved_map = augment(torch.zeros(6, 3, 24, 32), SemanticMap(CLASSES, refinement=onehot), 1.0)
    assert moved_labels.label_image.dtype == torch.uint8
    assert (moved_labels.labels() != truth).float().mean() > 0.1
    # Nearest and bilinear sampling can only differ where classes meet.
    assert (moved_labels.labels() == moved_map.labels()).float().mean() > 0.97


def test_coarse_mask_moves_with_the_refinement():
    y, x = torch.meshgrid(torch.linspace(-1, 1, 6), torch.linspace(-1, 1, 8), indexing="ij")
    coarse = torch.stack((x, y, x * y, x - y)).expand(3, -1, -1, -1)  # (3, 4, 6, 8), and smooth
    generated = SemanticMap(CLASSES, refinement=torch.zeros(3, 2, 24, 32), coarse=coarse, basis=torch.randn(CLASSES, 2))
    torch.manual_seed(1)
    _, moved = augment(torch.zeros(3, 3, 24, 32), generated, 1.0)
    torch.manual_seed(1)
    _, expected = augment(torch.zeros(3, 3, 24, 32), SemanticMap(CLASSES, refinement=generated.logits()), 1.0)
    inside = (slice(None), slice(None), slice(8, 16), slice(10, 22))
    assert (generated.logits() - expected.logits())[inside].abs().max() > 0.1
    torch.testing.assert_close(moved.logits()[inside], expected.logits()[inside], atol=0.01, rtol=0)


def test_each_change_has_the_given_probability():
    torch.manual_seed(0)
    image = torch.randn(400, 3, 8, 8)
    mask = SemanticMap.from_labels(torch.zeros(400, 8, 8, dtype=torch.uint8), CLASSES)
    changed, _ = augment(image, mask, 0.1)
    same = ((changed - image).abs().amax(dim=(1, 2, 3)) < 1e-3).float().mean()
    assert abs(same - 0.9**6) < 0.08  # six changes, each left out nine times of ten


def test_gradients_reach_picture_and_mask():
    image = torch.randn(2, 3, 16, 16, requires_grad=True)
    refinement = torch.randn(2, CLASSES, 16, 16, requires_grad=True)
    changed, moved = augment(image, SemanticMap(CLASSES, refinement=refinement), 1.0)
    (changed.square().sum() + moved.logits().square().sum()).backward()
    assert image.grad.abs().sum() > 0 and refinement.grad.abs().sum() > 0


def generated(side: int, kind: torch.dtype) -> SemanticMap:
    """A mask of full rank, as a model in mixed precision makes it."""
    return SemanticMap(CLASSES, refinement=ramp(side).to(kind).repeat(1, 2, 1, 1)[:, :CLASSES])


def low_rank(side: int, kind: torch.dtype) -> SemanticMap:
    fine, coarse = ramp(side)[:, :2], ramp(side // 4).repeat(1, 2, 1, 1)[:, :CLASSES]
    return SemanticMap(CLASSES, refinement=fine.to(kind), coarse=coarse.to(kind), basis=torch.ones(CLASSES, 2))


def labelled(side: int, kind: torch.dtype) -> SemanticMap:
    return SemanticMap.from_labels((ramp(side)[:, 0] * 90 + 100).to(torch.uint8), 200)


def ramp(side: int) -> torch.Tensor:
    """The coordinates x, y and their product: (4, 3, side, side)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    return torch.stack((x, y, x * y)).expand(4, -1, -1, -1)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mask", [generated, low_rank, labelled])
@pytest.mark.parametrize("side", [32, 256])
def test_mixed_precision_moves_no_pixel(half, mask, side):
    """Picture and mask move as in float32, also where the network made them in half precision."""
    kept = half if mask is not labelled else torch.float32
    torch.manual_seed(3)
    expected, expected_mask = augment(ramp(side).to(half).float(), mask(side, kept), 1.0)
    torch.manual_seed(3)
    with torch.autocast("cpu", half):
        found, found_mask = augment(ramp(side).to(half), mask(side, kept), 1.0)
    assert torch.equal(found, expected)
    for name in ("label_image", "refinement", "coarse"):
        one, other = getattr(found_mask, name), getattr(expected_mask, name)
        assert (one is None and other is None) or (one.dtype == other.dtype and torch.equal(one, other)), name
        assert one is None or one.dtype in (torch.float32, torch.uint8)
