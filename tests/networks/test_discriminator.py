"""The discriminator equals the plain one; any batch, any rectangle, any form of mask."""

import math

import pytest
import torch
from torch.nn import functional as F

from composegan.networks.discriminator import Discriminator, minibatch_deviation
from composegan.networks.semantic_map import SemanticMap

from . import plain
from .small import small_discriminator, small_generator


def plain_score(discriminator: Discriminator, image: torch.Tensor, logits: torch.Tensor | None) -> torch.Tensor:
    """image (B, 3, H, W), mask (B, K, H, W) or None -> score (B, 1), from the reference model's facts."""

    def conv(x, layer, **arguments):
        fan_in = layer.weight[0].numel()
        return F.conv2d(x, layer.weight / math.sqrt(fan_in), layer.bias, **arguments)

    def tower(x, blocks):
        for block in blocks:
            main = plain.lrelu(conv(x, block.first, padding=1))
            main = plain.lrelu(conv(plain.fir(main, 2, 2), block.second, stride=2))
            skip = conv(plain.fir(x, 1, 1), block.skip, stride=2)
            x = (main + skip) / math.sqrt(2)
        return x

    x = tower(plain.lrelu(conv(image, discriminator.image_stem)), discriminator.image_tower)
    if logits is not None:
        stem = discriminator.mask_stem
        mask = F.conv2d(logits, (stem.weight / math.sqrt(logits.shape[1]))[..., None, None], stem.bias)
        x = x + tower(plain.lrelu(mask), discriminator.mask_tower)
    x = plain.lrelu(conv(plain_deviation(x, len(x)), discriminator.conv, padding=1)).flatten(1)
    x = plain.lrelu(x @ (discriminator.linear.weight / math.sqrt(x.shape[1])).T + discriminator.linear.bias)
    return x @ (discriminator.score.weight / math.sqrt(x.shape[1])).T + discriminator.score.bias


def plain_deviation(x: torch.Tensor, group: int) -> torch.Tensor:
    """One feature more: of each group of samples the mean of the biased standard deviation. x: (B, C, H, W)."""
    members = len(x) // group  # sample b is in set b % members
    feature = torch.empty_like(x[:, :1])
    for b in range(len(x)):
        mates = x[b % members :: members]
        assert len(mates) == group
        feature[b] = ((mates - mates.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt().mean()
    return torch.cat((x, feature), dim=1)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (16, 32), (24, 8)])
@pytest.mark.parametrize("batch", [1, 3, 4])
def test_discriminator_matches_plain_implementation(height, width, batch):
    discriminator = small_discriminator(height=height, width=width).double()
    image = torch.randn(batch, 3, height, width, dtype=torch.float64)
    logits = torch.randn(batch, 4, height, width, dtype=torch.float64)
    expected = plain_score(discriminator, image, logits)
    assert expected.shape == (batch, 1)
    torch.testing.assert_close(discriminator(image, SemanticMap(4, refinement=logits)), expected)


def test_real_mask_is_scaled_onehot():
    discriminator = small_discriminator().double()
    image, labels = torch.randn(2, 3, 32, 32, dtype=torch.float64), torch.randint(0, 4, (2, 32, 32))
    onehot = torch.stack([(labels == k) * 2.0 - 1.0 for k in range(4)], dim=1).double()
    found = discriminator(image, SemanticMap.from_labels(labels.to(torch.uint8), 4))
    torch.testing.assert_close(found, plain_score(discriminator, image, onehot))


def test_discriminator_without_mask_uses_image_tower_only():
    discriminator = small_discriminator().double()
    image = torch.randn(3, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(discriminator(image, None), plain_score(discriminator, image, None))


GROUPS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 3, 7: 7, 8: 4, 9: 3, 10: 2, 11: 11, 13: 13, 16: 4, 25: 5, 35: 5}


@pytest.mark.parametrize(("batch", "group"), GROUPS.items())
def test_minibatch_deviation(batch, group):
    """Groups of four or, where four does not divide the batch, of the nearest number that does, smaller ones first."""
    x = torch.randn(batch, 3, 4, 4, dtype=torch.float64)
    found = minibatch_deviation(x)
    torch.testing.assert_close(found, plain_deviation(x, group))
    assert (found[:, 3] > 0.1).all() == (batch > 1)


def test_minibatch_deviation_under_autocast_is_that_of_float32():
    x = 1 + 0.01 * torch.randn(4, 3, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        found = minibatch_deviation(x.bfloat16())
    torch.testing.assert_close(found[:, 3], minibatch_deviation(x.bfloat16().float())[:, 3].bfloat16())


def test_under_bfloat16_autocast():
    discriminator, generator = small_discriminator(), small_generator()
    with torch.no_grad():
        fake = generator(torch.randn(4, 12))
        exact = discriminator(fake.image, fake.mask)
    with torch.autocast("cpu", torch.bfloat16):
        score = discriminator(fake.image, fake.mask)
        real = discriminator(fake.image, SemanticMap.from_labels(fake.mask.labels(), 4))
    assert (score.float() - exact).norm() < 0.1 * exact.norm()
    (score.float() - real.float()).sum().backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
