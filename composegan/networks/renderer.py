"""The render net: a composed feature map to the picture and its refined mask (SemanticStyleGAN, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.layers import FixedConv, OutputHead
from composegan.networks.precision import widened
from composegan.networks.resample import upsample
from composegan.networks.semantic_map import SemanticMap


def channels_at(resolution: int, multiplier: float, most: int) -> int:
    """Width of the layers at a resolution (shorter side, pixels): `min(most, multiplier * 16384 / resolution)`."""
    return max(1, min(most, int(multiplier * 16384 / resolution)))


class Renderer(nn.Module):
    """features (B, F, h, w), coarse mask (B, K, h, w) -> image (B, 3, H, W), SemanticMap."""

    def __init__(
        self,
        *,
        classes: int,
        height: int,
        width: int,
        coarse_size: int,
        min_feat_size: int,
        feature_channels: int,
        channel_multiplier: float,
        max_channels: int,
        residual_refine: bool,
        mask_rank: int,
        noise: bool,
    ) -> None:
        super().__init__()
        short = min(height, width)
        self.classes, self.coarse_size, self.residual_refine = classes, coarse_size, residual_refine
        self.start = (min_feat_size * height // short, min_feat_size * width // short)
        self.convs, self.to_rgb, self.to_seg = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.resolutions = []
        channels, size = feature_channels, min_feat_size
        while size < short:
            before = channels + (feature_channels if size == coarse_size else 0)
            size, channels = size * 2, channels_at(size * 2, channel_multiplier, max_channels)
            self.resolutions.append(size)
            self.convs.append(FixedConv(before, channels, up=True, noise=noise))
            self.convs.append(FixedConv(channels, channels, noise=noise))
            self.to_rgb.append(OutputHead(channels, 3))
            self.to_seg.append(OutputHead(channels, mask_rank or classes))
            for number in (2 * len(self.resolutions) - 2, 2 * len(self.resolutions) - 1):
                stored = torch.randn(1, 1, size * height // short, size * width // short) if noise else None
                self.register_buffer(f"noise_{number}", stored)
        self.basis = nn.Parameter(torch.randn(classes, mask_rank) / mask_rank**0.5) if mask_rank else None

    def _noise(self, number: int, batch: int, fresh: bool) -> Tensor | None:
        stored = getattr(self, f"noise_{number}")  # (1, 1, H, W)
        return torch.randn_like(stored.expand(batch, -1, -1, -1)) if fresh and stored is not None else stored

    def forward(self, features: Tensor, coarse: Tensor, fresh_noise: bool) -> tuple[Tensor, SemanticMap]:
        batch = features.shape[0]
        inline = self.residual_refine and self.basis is None  # E = K: the coarse mask is added to the running one
        x = F.adaptive_avg_pool2d(features, self.start)  # (B, F, s, s)
        x = x.contiguous(memory_format=torch.channels_last)
        rgb: Tensor | None = None
        seg: Tensor | None = None
        size = min(self.start)
        for i, resolution in enumerate(self.resolutions):
            if size == self.coarse_size:
                x = torch.cat((x, features), dim=1)  # (B, C + F, h, w)
            x = self.convs[2 * i](x, self._noise(2 * i, batch, fresh_noise))  # (B, C, 2r, 2r)
            x = self.convs[2 * i + 1](x, self._noise(2 * i + 1, batch, fresh_noise))  # (B, C, 2r, 2r)
            size = resolution
            more_rgb, more_seg = widened(self.to_rgb[i](x)), widened(self.to_seg[i](x))  # (B, 3 or E, 2r, 2r)
            rgb = more_rgb if rgb is None else upsample(rgb) + more_rgb
            seg = more_seg if seg is None else upsample(seg) + more_seg
            if inline and size == self.coarse_size:
                seg = seg + coarse
        assert rgb is not None and seg is not None  # min_feat_size is below the picture's size
        apart = coarse if self.residual_refine and self.basis is not None else None
        return rgb, SemanticMap(self.classes, refinement=seg, coarse=apart, basis=self.basis)
