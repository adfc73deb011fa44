"""Resampling with the fixed low-pass filter [1, 3, 3, 1] (StyleGAN2, arXiv 1912.04958, appendix B).

The filter is linear and fixed, so its gradient is its adjoint, whose gradient is the filter again. Defining both by
hand avoids the general second derivative of a convolution, which is twenty times slower on CPU for R1.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

TAPS = (1.0, 3.0, 3.0, 1.0)


@cache
def _kernel(gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    # Cached, so that a step copies nothing to the device; not an inference tensor, so that training can use it.
    with torch.inference_mode(False):
        taps = torch.tensor(TAPS, dtype=dtype)
        return (torch.outer(taps, taps) * (gain / taps.sum() ** 2)).to(device)


def _traced_kernel(gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    # The same numbers without a copy to the device, which a CUDA graph could not contain.
    taps = torch.where(torch.arange(4, device=device) % 3 == 0, 1.0, 3.0).to(dtype)
    return torch.outer(taps, taps) * (gain / 64)


def _kernel_for(x: Tensor, gain: float) -> Tensor:
    make = _traced_kernel if torch.compiler.is_compiling() else _kernel
    return make(gain, x.dtype, x.device).expand(x.shape[1], 1, 4, 4)


def _depthwise(x: Tensor, pad: int, stride: int, gain: float) -> Tensor:
    return F.conv2d(x, _kernel_for(x, gain), padding=pad, stride=stride, groups=x.shape[1])


def _depthwise_adjoint(x: Tensor, pad: int, stride: int, gain: float, size: tuple[int, int]) -> Tensor:
    # Pixels at the far edge that a strided convolution skipped have gradient zero.
    extra = [n - ((m - 1) * stride - 2 * pad + 4) for n, m in zip(size, x.shape[2:], strict=True)]
    return F.conv_transpose2d(
        x, _kernel_for(x, gain), padding=pad, stride=stride, output_padding=extra, groups=x.shape[1]
    )


class _Filter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, pad: int, stride: int, gain: float) -> Tensor:
        ctx.arguments = (pad, stride, gain, tuple(x.shape[2:]))
        return _depthwise(x, pad, stride, gain)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _FilterAdjoint.apply(grad, *ctx.arguments), None, None, None


class _FilterAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, pad: int, stride: int, gain: float, size: tuple[int, int]) -> Tensor:
        ctx.arguments = (pad, stride, gain)
        return _depthwise_adjoint(x, pad, stride, gain, size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return _Filter.apply(grad, *ctx.arguments), None, None, None, None


def low_pass(x: Tensor, pad: int, stride: int = 1, gain: float = 1.0) -> Tensor:
    """Filter each channel with outer([1,3,3,1])/64 times `gain`; zeros beyond the edge.

    x: (B, C, H, W) -> (B, C, (H + 2 pad - 4) // stride + 1, the same of W). Differentiable to any order.
    """
    return _Filter.apply(x, pad, stride, gain)


def upsample(x: Tensor) -> Tensor:
    """Double height and width: zero insertion, then the filter with pads (2, 1) and gain 4.

    x: (B, C, H, W) -> (B, C, 2H, 2W). The same numbers as bilinear interpolation with zeros beyond the edge,
    which is how it is computed.
    """
    padded = F.pad(x, (1, 1, 1, 1))
    return F.interpolate(padded, scale_factor=2, mode="bilinear", align_corners=False)[..., 2:-2, 2:-2]


def upsample_times(x: Tensor, doublings: int) -> Tensor:
    """`upsample` applied `doublings` times: (B, C, h, w) -> (B, C, h 2^doublings, w 2^doublings)."""
    for _ in range(doublings):
        x = upsample(x)
    return x


def upsample_matrix(size: int, doublings: int, *, like: Tensor) -> Tensor:
    """The (size 2^doublings, size) matrix of one axis of `upsample_times`, with the device and dtype of `like`."""
    return _upsampled_identity(size, doublings, like)[:, 0].T


def upsampled_mean_matrix(size: int, doublings: int, *, like: Tensor) -> Tensor:
    """The (size, size) matrix of one axis of `upsample_times` followed by average pooling back to `size`.

    Both are separable, so a map pooled after upsampling is `M_h x M_w^T`, and the large map is never formed.
    like: a tensor with the device and dtype of the matrix.
    """
    return F.avg_pool1d(_upsampled_identity(size, doublings, like), 2**doublings)[:, 0].T


def _upsampled_identity(size: int, doublings: int, like: Tensor) -> Tensor:
    """(size, 1, size 2^doublings): each row one pixel, upsampled."""
    x = torch.eye(size, device=like.device, dtype=like.dtype)[:, None]  # (size, 1, size)
    for _ in range(doublings):
        x = F.interpolate(F.pad(x, (1, 1)), scale_factor=2, mode="linear", align_corners=False)[..., 2:-2]
    return x
