"""The two-branch discriminator: picture and mask judged together (SemanticStyleGAN, section 3.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.layers import GAIN, SLOPE, EqualizedConv, EqualizedLinear
from composegan.networks.precision import widened, without_autocast
from composegan.networks.renderer import channels_at
from composegan.networks.semantic_map import SemanticMap

GROUP = 4
"""Pictures whose features the discriminator compares, if that divides the batch."""


class ResidualBlock(nn.Module):
    """(B, in, H, W) -> (B, out, H/2, W/2), rounded down: `(main + skip) / sqrt(2)`."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = EqualizedConv(channels_in, channels_in, 3)
        self.second = EqualizedConv(channels_in, channels_out, 3, down=True)
        self.skip = EqualizedConv(channels_in, channels_out, 1, down=True, bias=False, activation=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.second(self.first(x)) + self.skip(x)) / math.sqrt(2)  # (B, out, H/2, W/2)


def tower(size: int, channels: Callable[[int], int]) -> nn.Sequential:
    """(B, channels(size), H, W), shorter side `size`, 4 or 3 times a power of two -> (B, channels(s), h, w), shorter
    side s = 4 or 3. An odd longer side loses half a pixel when it is halved."""
    sizes = [size >> i for i in range(halvings(size))]  # size, size/2, ..., 8 or 6
    return nn.Sequential(*(ResidualBlock(channels(size), channels(size // 2)) for size in sizes))


def halvings(size: int) -> int:
    """How often a shorter side, 4 or 3 times a power of two, is halved down to 4 or 3."""
    return (size // 3).bit_length() - 1


class MaskStem(nn.Module):
    """The mask tower's first 1x1 layer, linear up to its activation, so that it never needs K channels at full size."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, classes))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = GAIN / math.sqrt(classes)

    def forward(self, mask: SemanticMap) -> Tensor:
        """-> (B, channels, H, W), before the activation."""
        return mask.project(self.weight * self.scale, self.bias * GAIN)

    def metric(self) -> Tensor:
        """`W W^T` (channels, channels): a gradient g here is W^T g at the mask, whose square is g^T (W W^T) g."""
        weight = self.weight * self.scale
        return weight @ weight.T

    def factor(self) -> Tensor:
        """F (channels, channels) with `F F^T = W W^T`: F n has here the distribution of noise n at the mask."""
        weight = self.weight * self.scale  # (channels, K)
        if (more := weight.shape[0] - weight.shape[1]) >= 0:
            return F.pad(weight, (0, more))
        # Not by eigenvectors: their gradient is not finite where two eigenvalues are equal, and a GPU waits for them.
        return torch.linalg.qr(weight.T).R.T


def deviation_group(batch: int) -> int:
    """The size of the groups whose deviation the discriminator sees: GROUP, or the nearest size that divides `batch`.

    Smaller sizes come before larger ones. 1, whose deviation is constant, only for a batch of 1.
    """
    sizes = [*range(min(batch, GROUP), 1, -1), *range(GROUP + 1, batch + 1)]
    return next((size for size in sizes if batch % size == 0), 1)


def minibatch_deviation(x: Tensor) -> Tensor:
    """Append the mean standard deviation within groups of the batch as one more channel.

    x: (B, C, H, W) -> (B, C + 1, H, W); groups of `deviation_group`.
    """
    batch, channels, height, width = x.shape
    group = deviation_group(batch)
    y = widened(x).reshape(group, -1, channels, height, width)  # (g, B/g, C, H, W)
    y = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # (B/g)
    y = y.view(-1, 1, 1, 1).repeat(group, 1, height, width)  # (B, 1, H, W)
    return torch.cat((x, y.to(x.dtype)), dim=1)  # (B, C + 1, H, W)


class Discriminator(nn.Module):
    """image (B, 3, H, W) and mask -> score (B, 1); higher is more real. The defaults are the paper's.

    Without a mask (None) the image tower judges alone.
    """

    COMPILED: ClassVar[tuple[str, ...]] = ("embed", "judge")
    """As of `Generator`."""

    def __init__(
        self, *, classes: int, height: int, width: int, multiplier: float = 2.0, max_channels: int = 512
    ) -> None:
        super().__init__()
        short = min(height, width)

        def channels(size: int) -> int:
            return channels_at(size, multiplier, max_channels)

        self.image_stem = EqualizedConv(3, channels(short), 1)
        self.image_tower = tower(short, channels)
        self.mask_stem = MaskStem(classes, channels(short))
        self.mask_tower = tower(short, channels)
        times = halvings(short)
        last = channels(short >> times)
        self.conv = EqualizedConv(last + 1, last, 3)
        area = (height >> times) * (width >> times)
        self.linear = EqualizedLinear(last * area, last, activation=True)
        self.score = EqualizedLinear(last, 1)

    def embed(self, mask: SemanticMap) -> Tensor:
        """The mask at the output of the first, linear layer: (B, C, H, W). R1 on masks is taken here."""
        return self.mask_stem(mask).contiguous(memory_format=torch.channels_last)

    def judge(self, image: Tensor, embedded: Tensor | None) -> Tensor:
        """image (B, 3, H, W) and `embed(mask)` -> score (B, 1). None: by the image tower alone, as in adaptation."""
        image = image.contiguous(memory_format=torch.channels_last)  # (B, 3, H, W)
        x = self.image_tower(self.image_stem(image))  # (B, C, 4, 4)
        if embedded is not None:
            # Not `activate`, which works in place: the caller may want the gradient at `embedded`.
            x = x + self.mask_tower(F.leaky_relu(embedded, SLOPE))  # (B, C, 4, 4)
        return self.score_of(x)  # (B, 1)

    def score_of(self, x: Tensor) -> Tensor:
        """The towers' output (B, C, 4, 4) -> score (B, 1)."""
        with without_autocast(x.device):  # little work, and the deviation is a small difference
            x = self.conv(minibatch_deviation(widened(x)))  # (B, C, 4, 4)
            x = self.linear(x.flatten(1))  # (B, C)
            return self.score(x)  # (B, 1)

    def forward(self, image: Tensor, mask: SemanticMap | None) -> Tensor:
        return self.judge(image, None if mask is None else self.embed(mask))  # (B, 1)
