"""Convolutions modulated by a latent code (StyleGAN2, arXiv 1912.04958, section 2.2).

Scaling the input channels by the styles and the output channels by the demodulation gives the same result as a weight
for each sample, and the convolution remains one operation for the whole batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.layers import GAIN, EqualizedLinear, activate
from composegan.networks.precision import widened, without_autocast
from composegan.networks.resample import low_pass


class Style(nn.Module):
    """code (B, S) -> a scale of each channel (B, C), 1 on average at the beginning; in float32."""

    def __init__(self, latent_channels: int, channels: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(latent_channels, channels)
        nn.init.ones_(self.affine.bias)

    def forward(self, code: Tensor) -> Tensor:
        with without_autocast(code.device):
            return self.affine(widened(code))  # (B, C)


class ModulatedConv(nn.Module):
    """(B, in, H, W) -> (B, out, H, W) or, with `up`, (B, out, 2H, 2W): 3x3, demodulated; then noise, bias, activation.

    The sqrt(2) of the activation is part of the weights, see `layers`.
    """

    def __init__(
        self, channels_in: int, channels_out: int, latent_channels: int, *, up: bool = False, noise: bool = True
    ) -> None:
        super().__init__()
        self.style = Style(latent_channels, channels_in)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros(())) if noise else None
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.scale = 1 / math.sqrt(channels_in * 9)
        self.up = up

    def forward(self, x: Tensor, code: Tensor, noise: Tensor | None) -> Tensor:
        """code: (B, S); noise: (1 or B, 1, height, width of the output), or None in a layer without."""
        styles = self.style(code)  # (B, in)
        weight = self.weight * self.scale  # (out, in, 3, 3)
        with without_autocast(x.device):
            energy = styles.square() @ widened(weight).square().sum((2, 3)).T  # (B, out)
            demodulation = (energy + 1e-8).rsqrt() * GAIN  # (B, out)
        x = x * styles.to(x.dtype)[..., None, None]  # (B, in, H, W)
        if self.up:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (B, out, 2H+1, 2W+1)
            x = low_pass(x, pad=1, gain=4.0)  # (B, out, 2H, 2W)
        else:
            x = F.conv2d(x, weight, padding=1)  # (B, out, H, W)
        bias = (self.bias * GAIN).to(x.dtype)[:, None, None]
        x = torch.addcmul(bias, x, demodulation.to(x.dtype)[..., None, None])  # (B, out, H, W)
        if noise is not None and self.noise_strength is not None:
            x = x + (self.noise_strength * GAIN) * noise
        return activate(x)


class ModulatedHead(nn.Module):
    """(B, in, H, W) -> (B, out, H, W): a modulated 1x1 convolution, not demodulated."""

    def __init__(self, channels_in: int, channels_out: int, latent_channels: int) -> None:
        super().__init__()
        self.style = Style(latent_channels, channels_in)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.scale = 1 / math.sqrt(channels_in)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """code: (B, S)."""
        x = x * self.style(code).to(x.dtype)[..., None, None]  # (B, in, H, W)
        return F.conv2d(x, (self.weight * self.scale)[..., None, None], self.bias)  # (B, out, H, W)
