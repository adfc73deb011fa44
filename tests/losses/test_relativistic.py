"""The modern objective: paired scores, penalties by finite differences, locality."""

from __future__ import annotations

import pytest
import torch

from composegan.losses.locality import FLOOR, locality_loss
from composegan.losses.regularizers import r1_penalty
from composegan.losses.relativistic import pair_loss, slope
from composegan.networks.discriminator import MaskStem
from composegan.networks.joint_discriminator import JointDiscriminator
from composegan.networks.semantic_map import SemanticMap


def test_pair_loss_is_log_two_for_equal_scores_and_falls_with_the_margin():
    scores = torch.tensor([[0.3], [-1.0]])
    torch.testing.assert_close(pair_loss(scores, scores), torch.tensor(2.0).log())
    assert pair_loss(scores + 1, scores) < pair_loss(scores, scores) < pair_loss(scores, scores + 1)


def test_slope_estimates_r1_of_both_inputs():
    """The mean of many estimates is the weighted sum of the exact penalties, which second derivatives train."""
    torch.manual_seed(0)
    discriminator = JointDiscriminator(classes=3, height=8, width=8, multiplier=0.004, max_channels=8).double()
    image = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    labels = SemanticMap.from_labels(torch.randint(0, 3, (2, 8, 8)), 3)
    embedded = discriminator.embed(labels).detach()
    stem = discriminator.mask_stem
    image.requires_grad_(), embedded.requires_grad_()
    exact = r1_penalty(discriminator.judge(image, embedded), image, embedded, stem.metric())
    with torch.no_grad():
        found = [
            slope(discriminator.judge, image, embedded, stem.factor(), (2.0, 5.0), epsilon=1e-4) for _ in range(3000)
        ]
    mean = torch.stack(found).mean()
    torch.testing.assert_close(mean, 2 * exact.image + 5 * exact.mask, rtol=0.1, atol=0)
    assert exact.mask > 0.01 * exact.image  # the joint discriminator looks at masks


@pytest.mark.parametrize("classes", [1, 3, 8, 20])
def test_factor_of_mask_stem_is_a_root_with_a_finite_gradient(classes):
    stem = MaskStem(classes, 8)
    with torch.no_grad():
        stem.weight[: 8 - min(classes, 8)] = 0  # equal eigenvalues
    torch.testing.assert_close(stem.factor() @ stem.factor().T, stem.metric())
    stem.factor().square().sum().backward()
    assert stem.weight.grad.isfinite().all()


def test_slope_trains_discriminator_without_second_derivatives():
    discriminator = JointDiscriminator(classes=3, height=8, width=8, multiplier=0.004, max_channels=8)
    embedded = discriminator.embed(SemanticMap.from_labels(torch.randint(0, 3, (2, 8, 8)), 3))
    slope(
        discriminator.judge, torch.randn(2, 3, 8, 8), embedded, discriminator.mask_stem.factor(), (1.0, 1.0)
    ).backward()
    silent = [name for name, weight in discriminator.named_parameters() if weight.grad is None]
    assert silent == []


def test_locality_loss_is_the_share_outside_the_class():
    before = torch.zeros(1, 3, 9, 9)
    labels = torch.zeros(1, 9, 9, dtype=torch.uint8)
    labels[:, 4, 4] = 1
    after = before.clone()
    after[:, :, 3:6, 3:6] = 0.5  # the pixel of class 1 and its neighbours
    edited = torch.tensor([1])
    assert locality_loss(before, after, labels, labels, edited) == 0
    after[:, :, 0, :] = 0.5  # nine more pixels, elsewhere
    found = locality_loss(before, after, labels, labels, edited)
    torch.testing.assert_close(found, torch.tensor(4.5 / (9 + FLOOR * 81)))
    moved = labels.clone()
    moved[:, 0, :] = 1  # where the class has moved to counts as its own
    assert locality_loss(before, after, labels, moved, edited) == 0


def test_image_tower_sees_the_mask():
    discriminator = JointDiscriminator(classes=3, height=8, width=8, multiplier=0.01, max_channels=8)
    discriminator.mask_tower = torch.nn.Sequential(discriminator.mask_tower, torch.nn.Threshold(torch.inf, 0.0))  # deaf
    masks = [SemanticMap.from_labels(torch.full((1, 8, 8), k), 3) for k in (0, 1)]
    one, other = (discriminator(torch.zeros(1, 3, 8, 8), mask) for mask in masks)
    assert (one - other).abs() > 1e-4
