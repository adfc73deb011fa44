"""Equalized layers (Karras et al., arXiv 1710.10196, section 4.1): weights drawn from N(0, 1), scaled when used.

The activation `leaky_relu(x, 0.2) * sqrt(2)` is positively homogeneous, so its sqrt(2) is folded into the weight
and bias before it. What is left is one in-place pass over the activations, where three had been.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.resample import low_pass

SLOPE = 0.2
GAIN = math.sqrt(2.0)
"""`leaky_relu(x, SLOPE) * GAIN` keeps the second moment of a normal x."""


def activate(x: Tensor) -> Tensor:
    """`leaky_relu(x, 0.2)` in place, for x already multiplied by GAIN (by way of its weights). Any shape."""
    return F.leaky_relu_(x, SLOPE)


class EqualizedLinear(nn.Module):
    """(..., in) -> (..., out), `x (w m / sqrt(in))^T + b m` with learning-rate multiplier m."""

    def __init__(self, channels_in: int, channels_out: int, *, rate: float = 1.0, activation: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in) / rate)
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.activation = activation
        self.rate = rate * (GAIN if activation else 1.0)
        self.scale = self.rate / math.sqrt(channels_in)

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x, self.weight * self.scale, self.bias * self.rate)  # (..., out)
        return activate(x) if self.activation else x  # (..., out)


class EqualizedConv(nn.Module):
    """(B, in, H, W) -> (B, out, H, W): the discriminator's convolution, odd kernel, optional bias and activation.

    down: low-pass filter and stride 2, (B, out, H/2, W/2), rounded down.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        *,
        down: bool = False,
        bias: bool = True,
        activation: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out)) if bias else None
        self.kernel, self.down, self.activation = kernel, down, activation
        self.gain = GAIN if activation else 1.0
        self.scale = self.gain / math.sqrt(channels_in * kernel * kernel)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale  # (out, in, k, k)
        bias = None if self.bias is None else self.bias * self.gain  # (out)
        if not self.down:
            x = F.conv2d(x, weight, bias, padding=self.kernel // 2)  # (B, out, H, W)
        elif self.kernel == 1:  # only every second pixel of the filtered map is needed
            x = F.conv2d(low_pass(x, pad=1, stride=2), weight, bias)  # (B, out, H/2, W/2)
        else:
            x = F.conv2d(low_pass(x, pad=2), weight, bias, stride=2)  # (B, out, H/2, W/2)
        return activate(x) if self.activation else x


class FixedConv(nn.Module):
    """(B, in, H, W) -> (B, out, H, W) or, with `up`, (B, out, 2H, 2W): the render net's convolution.

    A learned gain per input channel stands where StyleGAN2 has a style; demodulated; then noise, bias, activation.
    """

    def __init__(self, channels_in: int, channels_out: int, *, up: bool = False, noise: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3))
        self.gain = nn.Parameter(torch.ones(channels_in))
        self.noise_strength = nn.Parameter(torch.zeros(())) if noise else None
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.scale = 1 / math.sqrt(channels_in * 9)
        self.up = up

    def forward(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """noise: (1 or B, 1, height, width of the output), or None in a layer without."""
        weight = self.weight * (self.gain * self.scale)[:, None, None]  # (out, in, 3, 3)
        weight = weight * (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()
        weight, bias = weight * GAIN, self.bias * GAIN
        if self.up:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (B, out, 2H+1, 2W+1)
            x = low_pass(x, pad=1, gain=4.0)  # (B, out, 2H, 2W)
            x = x + bias[:, None, None]
        else:
            x = F.conv2d(x, weight, bias, padding=1)  # (B, out, H, W)
        if noise is not None and self.noise_strength is not None:
            x = x + (self.noise_strength * GAIN) * noise
        return activate(x)


class OutputHead(nn.Module):
    """(B, in, H, W) -> (B, out, H, W): a 1x1 convolution with a gain per input channel, not demodulated."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in))
        self.gain = nn.Parameter(torch.ones(channels_in))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.scale = 1 / math.sqrt(channels_in)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * (self.gain * self.scale)  # (out, in)
        return F.conv2d(x, weight[..., None, None], self.bias)  # (B, out, H, W)


def squares(x: Tensor, times: int) -> Tensor:
    """x squared so many times in turn: `x^(2^times)`. Far faster than `pow`, except for 2."""
    for _ in range(times):
        x = x.square()
    return x
