"""The bundled EfficientNet-Lite0."""

import torch

from composegan.metrics.backbone import CHANNELS, efficientnet_lite0


def test_backbone_has_trained_weights():
    """It classifies a flat orange disc on black as a powder compact (ImageNet class 551)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 224), torch.linspace(-1, 1, 224), indexing="ij")
    inside = (x**2 + y**2 < 0.5).float()
    disc = torch.stack((2 * inside - 1, inside - 1, inside - 1))
    backbone = efficientnet_lite0()
    features = backbone.features(disc[None])
    logits = backbone.network.classifier(features)
    assert features.shape == (1, CHANNELS) and logits.shape == (1, 1000)
    assert logits.argmax() == 551 and logits.softmax(dim=1).max() > 0.4


def test_backbone_takes_any_size_and_passes_gradients():
    images = (torch.rand(2, 3, 48, 64) * 2 - 1).requires_grad_()
    backbone = efficientnet_lite0()
    maps = backbone.pyramid(images)
    assert [tuple(m.shape) for m in maps[:2]] == [(2, 16, 24, 32), (2, 24, 12, 16)] and len(maps) == 5
    backbone.features(images).sum().backward()
    assert images.grad.abs().sum() > 0 and all(p.grad is None for p in backbone.parameters())
