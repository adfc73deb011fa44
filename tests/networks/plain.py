"""The networks' parts written plainly from the reference model's facts: a loop a class, no algebra rearranged.

What the library computes in stacked, reordered or folded form is held against these.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.networks.layers import FixedConv, OutputHead
from composegan.networks.local_bank import LocalBank
from composegan.networks.renderer import Renderer


def lrelu(x: Tensor) -> Tensor:
    """`leaky_relu(x, 0.2) * sqrt(2)`."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def fir(x: Tensor, before: int, after: int, gain: float = 1.0) -> Tensor:
    """Pad with zeros and filter each channel with outer([1, 3, 3, 1])/64 times gain, by adding up 16 shifted copies."""
    x = F.pad(x, (before, after, before, after))
    height, width = x.shape[2] - 3, x.shape[3] - 3
    taps = (1, 3, 3, 1)
    total = torch.zeros_like(x[..., :height, :width])
    for i in range(4):
        for j in range(4):
            total = total + gain * taps[i] * taps[j] / 64 * x[..., i : i + height, j : j + width]
    return total


def upsample(x: Tensor) -> Tensor:
    """Zero insertion, then the filter with pads (2, 1) and gain 4: (B, C, H, W) -> (B, C, 2H, 2W)."""
    batch, channels, height, width = x.shape
    spread = x.new_zeros(batch, channels, 2 * height, 2 * width)
    spread[..., ::2, ::2] = x
    return fir(spread, 2, 1, gain=4.0)


def local_stage(
    bank: LocalBank, codes: Tensor, group_of: tuple[int, ...], opaque: tuple[int, ...], present: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """codes (B, K * layers, S) -> features (B, F, h, w), m (B, K, h, w), depth (B, K, h, w): sample by sample."""
    composed, weights, depths = [], [], []
    for b in range(codes.shape[0]):
        hidden, depth = zip(*(_one_class(bank, codes[b], k, group_of[k]) for k in range(len(group_of))), strict=True)
        depth = torch.stack(depth)  # (K, P)
        if present is not None:
            depth = depth.masked_fill(~present[b][:, None], -math.inf)  # (K, P)
        m = depth.softmax(dim=0)  # (K, P)
        solid = sum(m[k] for k in opaque) + 1e-8  # (P)
        features = 0
        for k, group in enumerate(group_of):
            head = bank.feature_weight[group] * bank.feature_gain[k] / math.sqrt(bank.channels)  # (F, C)
            feature = head @ hidden[k] + bank.feature_bias[k][:, None]  # (F, P)
            everything_opaque = len(opaque) == len(group_of)
            share = m[k] / solid if k in opaque and not everything_opaque else m[k]
            features = features + share * feature
        composed.append(features)
        weights.append(m)
        depths.append(depth)
    grid = (bank.height, bank.width)
    return tuple(torch.stack(parts).unflatten(2, grid) for parts in (composed, weights, depths))


def _one_class(bank: LocalBank, codes: Tensor, k: int, group: int) -> tuple[Tensor, Tensor]:
    """codes (K * layers, S) of one sample -> hidden (C, P), depth (P)."""
    x = bank.position @ bank.fourier / math.sqrt(bank.fourier.shape[0])  # (C, P)
    depth = x.new_zeros(x.shape[1])
    for i in range(bank.layers):
        code = codes[k * bank.layers + i]
        if bank.embedding is not None:
            code = code + bank.embedding[k]
        style = bank.style_weight[i, group] @ code / math.sqrt(len(code)) + bank.style_bias[i, k]  # (C)
        weight = bank.weight[i, group] / math.sqrt(bank.channels) * style  # (C, C)
        weight = weight / (weight.square().sum(dim=1, keepdim=True) + 1e-8).sqrt()
        x = lrelu(weight @ x + bank.bias[i, k][:, None])  # (C, P)
        if i == bank.depth_layers - 1 and k > 0:
            head = bank.depth_weight[k - 1] * bank.depth_gain[k - 1] / math.sqrt(bank.channels)  # (C)
            depth = head @ x + bank.depth_bias[k - 1]  # (P)
    return x, depth


def fixed_conv(layer: FixedConv, x: Tensor, noise: Tensor) -> Tensor:
    """3x3, demodulated, optionally upsampling; noise, bias, activation."""
    weight = layer.gain[:, None, None] * layer.weight / math.sqrt(layer.weight.shape[1] * 9)  # (out, in, 3, 3)
    weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
    if layer.up:
        x = fir(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1, 1, gain=4.0)  # (B, out, 2H, 2W)
    else:
        x = F.conv2d(x, weight, padding=1)  # (B, out, H, W)
    return lrelu(x + layer.noise_strength * noise + layer.bias[:, None, None])


def output_head(layer: OutputHead, x: Tensor) -> Tensor:
    """1x1, a gain per input channel, not demodulated."""
    weight = layer.gain * layer.weight / math.sqrt(layer.weight.shape[1])  # (out, in)
    return F.conv2d(x, weight[..., None, None]) + layer.bias[:, None, None]


def render(renderer: Renderer, features: Tensor, coarse: Tensor, starts: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """features (B, F, h, w), coarse (B, K, h, w) -> image (B, 3, H, W), mask logits (B, K, H, W), stored noise.

    starts: the height and width that the features are pooled to.
    """
    x = F.adaptive_avg_pool2d(features, starts)
    rgb = seg = 0
    for i in range(len(renderer.resolutions)):
        if x.shape[2:] == features.shape[2:]:
            x = torch.cat((x, features), dim=1)
        x = fixed_conv(renderer.convs[2 * i], x, getattr(renderer, f"noise_{2 * i}"))
        x = fixed_conv(renderer.convs[2 * i + 1], x, getattr(renderer, f"noise_{2 * i + 1}"))
        rgb = output_head(renderer.to_rgb[i], x) + (upsample(rgb) if i else 0)
        seg = output_head(renderer.to_seg[i], x) + (upsample(seg) if i else 0)
        if seg.shape[2:] == coarse.shape[2:] and renderer.residual_refine:
            seg = seg + coarse
    return rgb, seg
