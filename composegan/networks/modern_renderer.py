"""The render net of `model.family=modern`: composed features to a last feature map and the refined mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.layers import FixedConv, OutputHead
from composegan.networks.renderer import channels_at
from composegan.networks.resample import upsample
from composegan.networks.semantic_map import SemanticMap

SLIGHT = 0.2
"""Factor of the refinement: the refined mask begins as nearly the coarse one."""


class ModernRenderer(nn.Module):
    """features (B, F, h/2, w/2), coarse mask (B, K, h, w) -> last map (B, C, H, W), SemanticMap.

    Unlike the paper's it draws no picture. The composed features are joined at every size from the first up to their
    own, and the coarse mask at its own size, so that a finer grid does not lengthen the way from a class to its pixels.
    """

    def __init__(
        self, *, classes: int, height: int, width: int, coarse_size: int, min_feat_size: int, feature_channels: int,
        channel_multiplier: float, max_channels: int, residual_refine: bool, mask_rank: int,
    ) -> None:  # fmt: skip
        super().__init__()
        short = min(height, width)
        self.classes, self.coarse_size, self.residual_refine = classes, coarse_size, residual_refine
        self.start = (min_feat_size * height // short, min_feat_size * width // short)
        self.convs, self.to_seg = nn.ModuleList(), nn.ModuleList()
        self.resolutions = []
        self.channels, size = feature_channels, min_feat_size
        own = -(-feature_channels // 2)
        self.join = nn.Parameter(torch.randn(own, classes))  # joined: an embedding of each pixel's classes
        while size < short:
            joined = own if size == coarse_size else feature_channels if min_feat_size < size < coarse_size else 0
            before, size = self.channels + joined, size * 2
            self.channels = channels_at(size, channel_multiplier, max_channels)
            self.resolutions.append(size)
            self.convs.append(FixedConv(before, self.channels, up=True, noise=False))
            self.convs.append(FixedConv(self.channels, self.channels, noise=False))
            self.to_seg.append(OutputHead(self.channels, mask_rank or classes))
        self.basis = nn.Parameter(torch.randn(classes, mask_rank) / mask_rank**0.5) if mask_rank else None

    def forward(self, features: Tensor, coarse: Tensor) -> tuple[Tensor, SemanticMap]:
        inline = self.residual_refine and self.basis is None  # E = K: the coarse mask is added to the running one
        x = F.adaptive_avg_pool2d(features, self.start)  # (B, F, s, s)
        x = x.contiguous(memory_format=torch.channels_last)
        seg: Tensor | None = None
        size = min(self.start)
        for i, resolution in enumerate(self.resolutions):
            if size == self.coarse_size:
                x = torch.cat((x, F.conv2d((coarse + 1) / 2, self.join[..., None, None])), dim=1)  # (B, C + F/2, r, r)
            elif min(self.start) < size < self.coarse_size:
                x = torch.cat((x, F.adaptive_avg_pool2d(features, (x.shape[2], x.shape[3]))), dim=1)  # (B, C+F, r, r)
            x = self.convs[2 * i + 1](self.convs[2 * i](x, None), None)  # (B, C, 2r, 2r)
            size = resolution
            more = SLIGHT * self.to_seg[i](x)  # (B, E, 2r, 2r)
            seg = more if seg is None else upsample(seg) + more
            if inline and size == self.coarse_size:
                seg = seg + coarse
        assert seg is not None  # min_feat_size is below the picture's size
        apart = coarse if self.residual_refine and self.basis is not None else None
        return x, SemanticMap(self.classes, refinement=seg, coarse=apart, basis=self.basis)
