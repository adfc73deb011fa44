"""The objective of inversion: the distance of the picture of codes to a photo, and of its mask to the photo's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.config.inversion import Inversion
from composegan.losses.perceptual import PerceptualDistance
from composegan.networks.generator import Synthesis
from composegan.networks.semantic_map import UNKNOWN

SHARPNESS = 4.0
"""Factor on mask logits: they are trained towards -1 and 1, where softmax alone is too soft."""


@dataclass(frozen=True)
class Objective:
    """N photos, and how the distance of pictures to them is measured.

    images: (N, 3, H, W) in -1..1; labels: (N, H, W) int64, UNKNOWN without a mask;
    maps: of the images, see `PerceptualDistance.maps`.
    """

    images: Tensor
    labels: Tensor
    maps: list[Tensor]
    distance: PerceptualDistance
    how: Inversion

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, distance: PerceptualDistance, how: Inversion) -> Objective:
        """Compute the maps of the images."""
        with torch.no_grad():
            return cls(images, labels, distance.maps(images) if how.perceptual else [], distance, how)

    def part(self, index: int) -> Objective:
        """The objective of one of the photos."""
        some = slice(index, index + 1)
        maps = [level[some] for level in self.maps]
        return replace(self, images=self.images[some], labels=self.labels[some], maps=maps)

    def __call__(self, picture: Synthesis) -> Tensor:
        """(N,): `perceptual d(x, y) + mse mean (x - y)^2 + mask mean CE(4 logits, labels)`, x the picture, y the photo.

        The terms of different photos are independent, so each gradient is what it would be alone.
        """
        loss = self.how.mse * (picture.image - self.images).square().mean(dim=(1, 2, 3))  # (N,)
        if self.how.perceptual:
            loss = loss + self.how.perceptual * self.distance(self.distance.maps(picture.image), self.maps)
        if self.how.mask and (self.labels != UNKNOWN).any():
            loss = loss + self.how.mask * mask_distance(picture.mask.logits(), self.labels)
        return loss


def mask_distance(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of mask logits (N, K, H, W) against labels (N, H, W): (N,), 0 where labels are UNKNOWN.

    A pixel has the weight `1 / sqrt(pixels of its class)`, normalized to sum 1, so that small classes count.
    """
    classes = logits.shape[1]
    index = labels.clamp_max(classes)  # UNKNOWN as one more class
    pixels = F.one_hot(index.flatten(1), classes + 1).sum(dim=1).clamp_min(1)  # (N, K + 1)
    weight = pixels.rsqrt().gather(1, index.flatten(1)).view_as(labels)  # (N, H, W)
    weight = weight / weight.sum(dim=(1, 2), keepdim=True)
    entropy = F.cross_entropy(SHARPNESS * logits, labels, ignore_index=UNKNOWN, reduction="none")  # (N, H, W)
    return (weight * entropy).sum(dim=(1, 2))


def mask_iou(labels: np.ndarray, wanted: np.ndarray) -> float:
    """Mean over the classes in `wanted` of intersection / union. Both (H, W) integers -> 0..1."""
    classes = np.unique(wanted)
    return float(
        np.mean([((labels == k) & (wanted == k)).sum() / ((labels == k) | (wanted == k)).sum() for k in classes])
    )
