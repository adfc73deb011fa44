"""The networks whose features pictures are compared by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from composegan.evaluation.names import BACKBONE
from composegan.metrics import backbone, inception

SMALL = 128


@dataclass(frozen=True)
class FeatureNetwork:
    """A network and how pictures come to it.

    features: images (N, 3, H, W) uint8 -> (N, channels); logits: features -> (N, its classes).
    names: of the measures Frechet distance, kernel distance, inception score, precision and recall.
    resize: in words; key: changes whenever the features do.
    """

    title: str
    channels: int
    features: Callable[[Tensor], Tensor]
    logits: Callable[[Tensor], Tensor]
    names: tuple[str, str, str, str, str]
    resize: str
    key: str


def bundled_network(height: int, width: int, device: torch.device) -> FeatureNetwork:
    """EfficientNet-Lite0, at 224 x 224, or at 128 x 128 for pictures no larger than that: a third of the time."""
    size = SMALL if max(height, width) <= SMALL else 224
    network = backbone.EfficientNetLite0(size).to(device, memory_format=torch.channels_last)  # an own copy: it is moved

    def features(images: Tensor) -> Tensor:
        images = images.to(device).float().div_(127.5).sub_(1)
        return network.features(images.contiguous(memory_format=torch.channels_last))

    return FeatureNetwork(
        title=backbone.NAME,
        channels=backbone.CHANNELS,
        features=features,
        logits=lambda features: network.network.classifier(features.to(device)),
        names=tuple(f"{name}-{BACKBONE}" for name in ("FD", "KD", "IS", "precision", "recall")),
        resize=f"to {size}x{size}, bicubic, antialiased",
        key=f"{BACKBONE}-{size}",
    )


def inception_network(given: str | None, device: torch.device) -> FeatureNetwork:
    """Inception, from the file given or torch hub's cache. Raises UserError saying what is missing."""
    path = inception.find_weights(given)
    network = inception.Inception(path).to(device)
    return FeatureNetwork(
        title="Inception-v3 (2015)",
        channels=inception.CHANNELS,
        features=lambda images: network.features(images.to(device)),
        logits=lambda features: network.logits(features.to(device)),
        names=("FID", "KID", "IS", "precision", "recall"),
        resize="to 299x299, bilinear as in TensorFlow 1",
        key=f"inception-{_digest(path)}",
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
