"""The discriminator of `model.family=modern`: the mask enters both towers, so that one of them sees the pair."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.networks.discriminator import Discriminator, MaskStem, tower
from composegan.networks.layers import GAIN, SLOPE, EqualizedConv
from composegan.networks.renderer import channels_at


class JointDiscriminator(Discriminator):
    """image (B, 3, H, W) and mask -> score (B, 1); higher is more real.

    As `Discriminator`, except that the mask is also added to the picture before the first activation of the image
    tower, whose layers can then compare the two. The mask's own tower judges it at half size, with half the channels.
    """

    def __init__(self, *, classes: int, height: int, width: int, multiplier: float, max_channels: int) -> None:
        super().__init__(classes=classes, height=height, width=width, multiplier=multiplier, max_channels=max_channels)
        short = min(height, width)

        def narrow(size: int) -> int:
            channels = channels_at(size, multiplier, max_channels)
            return channels if size <= 4 else -(-channels // 2)  # both towers end in as many channels

        self.channels = len(self.mask_stem.weight)
        self.image_stem = EqualizedConv(3, self.channels, 1, activation=False)
        self.mask_stem = MaskStem(classes, self.channels + narrow(short // 2))  # channels for each of the towers
        self.mask_tower = tower(short // 2, narrow)

    def judge(self, image: Tensor, embedded: Tensor | None) -> Tensor:
        image = image.contiguous(memory_format=torch.channels_last)  # (B, 3, H, W)
        x = GAIN * self.image_stem(image)  # (B, C, H, W)
        if embedded is None:
            x = self.image_tower(F.leaky_relu(x, SLOPE))  # (B, C, 4, 4)
        else:
            joint, own = embedded[:, : self.channels], embedded[:, self.channels :]  # (B, C, H, W), (B, C', H, W)
            x = self.image_tower(F.leaky_relu(x + joint, SLOPE))  # (B, C, 4, 4)
            x = x + self.mask_tower(F.leaky_relu(F.avg_pool2d(own, 2), SLOPE))  # (B, C, 4, 4)
        return self.score_of(x)  # (B, 1)
