"""Each penalty against its definition, by small functions whose gradients are known."""

import math

import pytest
import torch
from torch.nn import functional as F

from composegan.losses.regularizers import image_slope, mask_loss, path_length, presence_loss, r1_penalty
from composegan.networks.semantic_map import SemanticMap


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_r1_of_linear_score_is_squared_weights():
    image, embedded = normal(3, 3, 4, 6).requires_grad_(), normal(3, 5, 4, 6).requires_grad_()
    on_image, on_embedded, stem = normal(3, 4, 6), normal(5, 4, 6), normal(5, 7)
    scores = (image * on_image).sum(dim=(1, 2, 3)) + (embedded * on_embedded).sum(dim=(1, 2, 3))
    penalty = r1_penalty(scores[:, None], image, embedded, stem @ stem.T)
    torch.testing.assert_close(penalty.image, on_image.square().sum())
    at_mask = torch.einsum("ck,chw->khw", stem, on_embedded)  # the gradient seen from before the stem
    torch.testing.assert_close(penalty.mask, at_mask.square().sum())


def test_r1_is_batch_mean_and_differentiable():
    """The score `sum a_b x^2 / 2` of sample b has gradient `a_b x`; the penalty's gradient by x is `2 a_b^2 x / B`."""
    image, embedded = normal(2, 3, 2, 2).requires_grad_(), normal(2, 1, 2, 2).requires_grad_()
    a = torch.tensor([1.0, 3.0], dtype=torch.float64)
    scores = a[:, None] * (image.square().sum(dim=(1, 2, 3)) / 2)[:, None] + embedded.sum(dim=(1, 2, 3))[:, None]
    penalty = r1_penalty(scores, image, embedded, torch.eye(1, dtype=torch.float64))
    torch.testing.assert_close(penalty.image, (a.square() * image.square().sum(dim=(1, 2, 3))).mean())
    penalty.image.backward()
    torch.testing.assert_close(image.grad, a.square()[:, None, None, None] * image.detach())


def test_image_slope_equals_image_r1():
    image, embedded = normal(2, 3, 2, 2).requires_grad_(), normal(2, 1, 2, 2).requires_grad_()
    scores = (image**3).sum(dim=(1, 2, 3)) + embedded.sum(dim=(1, 2, 3))
    expected = r1_penalty(scores, image, embedded, torch.eye(1, dtype=torch.float64)).image
    penalty = image_slope((image**3).sum(dim=(1, 2, 3)), image)
    torch.testing.assert_close(penalty, expected)
    torch.testing.assert_close(penalty, 9 * image.detach().pow(4).sum() / 2)
    assert penalty.requires_grad


def lengths_by_hand(make, codes, noise):
    """For each sample alone: the gradient of the noise-weighted image by each of its codes."""
    found = []
    for b in range(len(codes)):
        code = codes[b : b + 1].detach().requires_grad_()
        image = make(code)
        (gradient,) = torch.autograd.grad((image * noise[b] / math.sqrt(image[0, 0].numel())).sum(), code)
        found.append(torch.stack([row.norm() ** 2 for row in gradient[0]]).mean().sqrt())
    return torch.stack(found)


@pytest.fixture
def scene():
    """A smooth generator of 4 codes a picture, and what path length takes."""
    matrix = normal(4 * 3, 3 * 2 * 6)

    def make(codes):
        return torch.tanh(codes.flatten(1) @ matrix).view(-1, 3, 2, 6)

    return make, normal(2, 4, 3), normal(2, 3, 2, 6)


def test_path_length_values(scene):
    make, codes, noise = scene
    codes.requires_grad_()
    mean = torch.tensor(0.3, dtype=torch.float64)
    result = path_length(make(codes), codes, mean, noise)
    expected = lengths_by_hand(make, codes, noise)
    torch.testing.assert_close(result.lengths, expected)
    torch.testing.assert_close(result.mean, 0.99 * mean + 0.01 * expected.mean())
    torch.testing.assert_close(result.penalty, (expected - result.mean).square().mean())
    assert not result.mean.requires_grad
    assert mean == 0.3


@pytest.mark.parametrize("decay", [0.01, 0.5])
def test_path_penalty_gradient_flows_through_mean(scene, decay):
    """By finite differences of the whole penalty, the mean it updates included."""
    make, codes, noise = scene
    mean = torch.tensor(0.3, dtype=torch.float64)

    def penalty(codes):
        codes = codes if codes.requires_grad else codes.detach().requires_grad_()
        return path_length(make(codes), codes, mean, noise, decay).penalty

    assert torch.autograd.gradcheck(penalty, codes.requires_grad_())


def test_mask_loss_value():
    coarse = torch.rand(2, 4, 4, 8, dtype=torch.float64) * 2 - 1
    refined = normal(2, 4, 16, 32)
    expected = (coarse - F.avg_pool2d(refined, 4)).square().mean()
    torch.testing.assert_close(mask_loss(coarse, SemanticMap(4, refinement=refined)), expected)


def test_mask_loss_is_zero_for_equal_masks():
    coarse = torch.rand(2, 4, 4, 8) * 2 - 1
    fine = coarse.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    assert mask_loss(coarse, SemanticMap(4, refinement=fine)).item() == pytest.approx(0, abs=1e-12)


def test_presence_loss_value():
    m = torch.zeros(2, 3, 4, 4)
    m[:, 0] = 1
    m[0, 1, 0, :2] = 1  # two pixels of sixteen
    m[0, 0, 0, :2] = 0
    present = torch.tensor([[True, True, False], [True, True, False]])
    areas = torch.tensor([1.0, 0.5, 0.5])
    loss = presence_loss(2 * m - 1, present, areas)
    gone = math.log(0.125) - math.log(1e-8)  # class 1 of the second picture; in the first it has just enough
    assert math.isclose(loss.item(), gone / 4, rel_tol=1e-4)
    assert presence_loss(2 * m - 1, present & torch.tensor([True, False, True]), areas).item() == 0


def test_presence_loss_ignores_faint_classes():
    spread, gathered = torch.full((1, 2, 8, 8), 0.02), torch.zeros(1, 2, 8, 8)
    spread[:, 0], gathered[:, 0], gathered[0, 1, 0, 0] = 0.98, 1, 1
    areas, present = torch.tensor([1.0, 0.05]), torch.ones(1, 2, dtype=torch.bool)
    assert presence_loss(2 * gathered - 1, present, areas) == 0 < presence_loss(2 * spread - 1, present, areas)


def test_presence_loss_keeps_gradient_of_vanished_class():
    depth = torch.zeros(1, 2, 8, 8, dtype=torch.float64)
    depth[:, 1] = -7 + torch.rand(8, 8)
    depth.requires_grad_()
    loss = presence_loss(2 * depth.softmax(dim=1) - 1, torch.ones(1, 2, dtype=torch.bool), torch.tensor([1.0, 0.1]))
    (gradient,) = torch.autograd.grad(loss, depth)
    assert gradient[0, 1].sum() < -0.5  # a step up of all of its depths is a fall of the loss as large
