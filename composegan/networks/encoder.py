"""The encoder: from a picture, and its mask if there is one, to the latent slots and the classes of a generator.

Features of a timm backbone are averaged over the pixels of each class, by the given mask or else by one that the same
network predicts. The averages become one token per class, base codes have tokens of their own, and a small transformer
relates them. All layers are shared by all classes, but for an affine map from the colours of a class to its texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composegan.networks.semantic_map import UNKNOWN

BACKBONE = "lcnet_075"
CELLS = 16
"""Cells on each side of the grid that describes the outline of a class."""
COLORS, PLACES = 6, 5
"""Colours and their squares; coordinates and their products."""


@dataclass(frozen=True)
class Encoded:
    """slots: (B, base + 2K, S); presence: (B, K), logits; mask: (B, K, H, W), logits of the predicted mask."""

    slots: Tensor
    presence: Tensor
    mask: Tensor


class Encoder(nn.Module):
    """For a generator of K classes whose latents have `base` base slots (B, base + 2K, S), or (B, base, S) without
    class_codes.

    height, width: of the pictures, pixels; backbone: name of a timm network that gives maps of several strides;
    pretrained: begin with timm's weights of it, which timm downloads; channels: of the joined maps; token: of a class.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        *,
        classes: int,
        base: int,
        latent_channels: int,
        class_codes: bool = True,
        backbone: str = BACKBONE,
        pretrained: bool = False,
        channels: int = 64,
        token: int = 128,
        depth: int = 2,
    ) -> None:
        super().__init__()
        self.classes, self.base, self.class_codes = classes, base, class_codes
        self.sizes = {"channels": channels, "token": token, "depth": depth}
        maps: Any = timm.create_model(backbone, features_only=True, pretrained=pretrained)
        self.backbone, widths = maps, maps.feature_info.channels()
        self.lateral = nn.ModuleList([nn.Conv2d(width, channels, 1) for width in widths])
        self.join = nn.Sequential(
            nn.Conv2d(channels + 3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.Hardswish()
        )
        self.segment = nn.Conv2d(channels, classes, 1)
        self.pooled = nn.Linear(channels + COLORS + PLACES + 2, token)
        self.outline = nn.Linear(CELLS * CELLS, token)
        self.whole = nn.Linear(widths[-1], token)
        self.names = nn.Parameter(0.5 * torch.randn(classes + base, token))  # of classes, then of base slots
        self.relate = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    token, 4, 2 * token, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
                )
                for _ in range(depth)
            ),
            nn.LayerNorm(token),
        )
        self.presence = nn.Linear(token, 1)
        self.to_base = nn.Linear(token, latent_channels)
        self.to_class = nn.Linear(token, 2 * latent_channels) if class_codes else None
        self.colors = nn.Parameter(torch.zeros(classes, COLORS + 1, latent_channels)) if class_codes else None
        for layer in (self.to_base, self.to_class):
            if layer is not None:
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
        self.register_buffer("mean", torch.zeros(latent_channels))
        self.register_buffer("spread", torch.ones(latent_channels))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Encoded:
        """images: (B, 3, H, W) in -1..1; labels: (B, H, W), integers, UNKNOWN in pictures without a mask."""
        maps = self.backbone(images)  # each (B, C, H / stride, W / stride)
        size = maps[0].shape[2:]  # (h, w)
        x = self.lateral[-1](maps[-1])
        for lateral, level in zip(reversed(self.lateral[:-1]), reversed(maps[:-1]), strict=True):
            x = lateral(level) + F.interpolate(x, level.shape[2:], mode="bilinear", align_corners=False)
        small = F.adaptive_avg_pool2d(images, size)  # (B, 3, h, w)
        x = self.join(torch.cat((x, small), dim=1))  # (B, channels, h, w)
        coarse = self.segment(x)  # (B, K, h, w)
        mask = F.interpolate(coarse, images.shape[2:], mode="bilinear", align_corners=False)  # (B, K, H, W)
        share = coarse.detach().softmax(dim=1)  # (B, K, h, w)
        if labels is not None:
            onehot = F.one_hot(labels.long().clamp_max(self.classes), self.classes + 1)[..., :-1]  # (B, H, W, K)
            given = F.adaptive_avg_pool2d(onehot.permute(0, 3, 1, 2).to(x), size)  # (B, K, h, w)
            known = (labels.flatten(1) != UNKNOWN).all(dim=1)  # (B)
            share = torch.where(known[:, None, None, None], given, share)
        features = torch.cat((x, small, small.square(), places(size, x)), dim=1).flatten(2)  # (B, C, h w)
        area = share.flatten(2).sum(dim=2, keepdim=True)  # (B, K, 1)
        pooled = torch.einsum("bkp,bcp->bkc", share.flatten(2), features) / (area + 1e-3)  # (B, K, C)
        part = area / features.shape[2]
        outline = F.adaptive_avg_pool2d(share, (CELLS, CELLS)).flatten(2)  # (B, K, cells)
        described = torch.cat((pooled, part.sqrt(), (part + 1e-4).log() / 5), dim=2)
        tokens = self.pooled(described) + self.outline(outline) + self.names[: self.classes]  # (B, K, T)
        whole = self.whole(maps[-1].mean(dim=(2, 3)))[:, None] + self.names[self.classes :]  # (B, base, T)
        tokens = self.relate(torch.cat((tokens, whole), dim=1))  # (B, K + base, T)
        own, base = tokens[:, : self.classes], tokens[:, self.classes :]
        slots = self.to_base(base)  # (B, base, S)
        if self.to_class is not None:
            shape, texture = self.to_class(own).chunk(2, dim=2)  # (B, K, S) twice
            seen = pooled[..., -COLORS - PLACES : -PLACES]  # (B, K, 6)
            texture = texture + torch.einsum("bkc,kcs->bks", F.pad(seen, (0, 1), value=1.0), self.colors)
            slots = torch.cat((slots, torch.stack((shape, texture), dim=2).flatten(1, 2)), dim=1)
        return Encoded(self.mean + self.spread * slots, self.presence(own)[..., 0], mask)


def places(size: tuple[int, int] | torch.Size, like: Tensor) -> Tensor:
    """Coordinates x and y in -1..1, x^2, y^2 and x y: (B, 5, h, w), B and type of `like`."""
    y, x = (torch.linspace(-1, 1, side, device=like.device, dtype=like.dtype) for side in size)
    x, y = x.expand(size[0], -1), y[:, None].expand(-1, size[1])
    return torch.stack((x, y, x * x, y * y, x * y)).expand(len(like), -1, -1, -1)
