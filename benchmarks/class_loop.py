"""The baseline: the local stage as a plain loop over classes, on the weights of a `LocalBank`.

After the description of the reference model (SemanticStyleGAN, section 3.2): each class has its own sequence of
modulated 1x1 grouped convolutions and is projected to the full feature width; then the classes are weighted and summed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.generator import Generator
from composegan.networks.local_bank import LocalBank


class ClassLoop(nn.Module):
    """Drop-in for a `LocalBank` with one class per group: shares its parameters and computes the same."""

    def __init__(self, bank: LocalBank) -> None:
        super().__init__()
        self.bank = bank

    def route(self, present: Tensor | None, batch: int) -> Tensor | None:
        """`present`: a loop has nothing to prepare."""
        return present

    def forward(self, codes: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """codes (B, K * layers, S) -> features (B, F, h, w), m (B, K, h, w), pseudo-depth (B, K, h, w)."""
        bank = self.bank
        codes = codes.unflatten(1, (bank.classes, bank.layers))  # (B, K, L, S)
        grid = bank.fourier.unflatten(1, (bank.height, bank.width))[None]  # (1, waves, h, w)
        position = bank.position / math.sqrt(bank.position.shape[1])
        start = F.conv2d(grid, position[..., None, None]).expand(codes.shape[0], -1, -1, -1)  # (B, C, h, w)
        features, depths = [], []
        for k in range(bank.classes):
            feature, depth = self._one_class(k, start, codes[:, k])  # (B, F, h, w), (B, 1, h, w)
            features.append(feature)
            depths.append(depth)
        depth = torch.cat(depths, dim=1)  # (B, K, h, w)
        if present is not None:  # absent classes are computed anyway
            depth = depth.masked_fill(~present.to(depth.device)[..., None, None], -math.inf)
        m = depth.softmax(dim=1)  # (B, K, h, w)
        weights = m  # (B, K, h, w)
        if bank.opaque is not None:
            solid = m * bank.opaque[:, None, None]
            weights = solid / (solid.sum(dim=1, keepdim=True) + 1e-8) + (m - solid)
        composed = weights[:, :1] * features[0]  # (B, F, h, w)
        for k in range(1, bank.classes):
            composed = composed + weights[:, k : k + 1] * features[k]
        return composed, m, depth

    def _one_class(self, k: int, x: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, C, h, w), codes (B, L, S) -> features (B, F, h, w), pseudo-depth (B, 1, h, w)."""
        bank = self.bank
        depth = x.new_zeros(x.shape[0], 1, bank.height, bank.width)
        for i in range(bank.layers):
            affine = bank.style_weight[i, k] / math.sqrt(codes.shape[-1])
            style = F.linear(codes[:, i], affine, bank.style_bias[i, k])  # (B, C)
            x = modulated_conv(x, bank.weight[i, k], style)  # (B, C, h, w)
            x = F.leaky_relu(x + bank.bias[i, k][:, None, None], 0.2) * math.sqrt(2)
            if i == bank.depth_layers - 1 and k > 0:
                depth = fixed_conv(x, bank.depth_weight[k - 1 : k], bank.depth_gain[k - 1], bank.depth_bias[k - 1 : k])
        return fixed_conv(x, bank.feature_weight[k], bank.feature_gain[k], bank.feature_bias[k]), depth


def modulated_conv(x: Tensor, weight: Tensor, style: Tensor) -> Tensor:
    """x (B, in, h, w), weight (out, in), style (B, in) -> (B, out, h, w): StyleGAN2's, grouped by sample."""
    batch, channels, height, width = x.shape
    weight = weight / math.sqrt(channels) * style[:, None]  # (B, out, in)
    weight = weight * (weight.square().sum(dim=2, keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, batch * channels, height, width)  # (1, B in, h, w)
    x = F.conv2d(x, weight.flatten(0, 1)[..., None, None], groups=batch)  # (1, B out, h, w)
    return x.view(batch, -1, height, width)  # (B, out, h, w)


def fixed_conv(x: Tensor, weight: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """x (B, in, h, w), weight (out, in), gain (in,), bias (out,) -> (B, out, h, w): an output head."""
    weight = weight / math.sqrt(x.shape[1]) * gain  # (out, in)
    return F.conv2d(x, weight[..., None, None], bias)  # (B, out, h, w)


@contextmanager
def looped(generator: Generator) -> Iterator[Generator]:
    """Within the block, the generator uses a `ClassLoop` in place of its bank."""
    bank = generator.local
    generator.local = ClassLoop(bank)  # type: ignore[assignment]
    try:
        yield generator
    finally:
        generator.local = bank
