"""All local generators as one bank: stacked weights, one batched product a layer, never a loop over classes.

K classes in G groups. A group shares the layer weights and the projection to features; a class has its own latent
codes, its own embedding (added to its codes), its own modulation and activation biases, pseudo-depth head and
feature gain, and by option a correction of low rank to each layer's weight. G = K without these is the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from composegan.models.composition import class_weights, compose, feature_weights
from composegan.models.layers import GAIN, activate

TILE = 1 << 16
"""Outputs of a layer, of one class and the whole batch, that the CPU works on at a time. Not of all classes: the number
of operations is to be the same for any number of them."""


def fourier_features(height: int, width: int, octaves: int) -> Tensor:
    """Coordinates x, y in -1..1 and their `sin(2^i c), cos(2^i c)` -> (2 + 4 octaves, height * width)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    c = torch.stack((x, y)).flatten(1)  # (2, P)
    waves = [wave(c * 2.0**i) for i in range(octaves) for wave in (torch.sin, torch.cos)]
    return torch.cat([c, *waves])  # (2 + 4 octaves, P)


class LocalBank(nn.Module):
    """codes (B, K * layers, S) -> features (B, F, h, w), class weights m (B, K, h, w), pseudo-depth (B, K, h, w)."""

    def __init__(
        self,
        *,
        group_of: Sequence[int],
        transparent: Sequence[int],
        height: int,
        width: int,
        octaves: int,
        latent_channels: int,
        layers: int,
        depth_layers: int,
        channels: int,
        feature_channels: int,
        recompute: bool,
        adapter_rank: int = 0,
    ) -> None:
        super().__init__()
        classes, groups = len(group_of), max(group_of) + 1
        self.height, self.width = height, width
        self.classes, self.layers, self.depth_layers, self.channels = classes, layers, depth_layers, channels
        self.recompute = recompute
        self.register_buffer("fourier", fourier_features(height, width, octaves), persistent=False)
        opaque = torch.ones(classes)
        opaque[list(transparent)] = 0
        self.register_buffer("opaque", opaque if transparent else None, persistent=False)
        member = torch.zeros(groups, classes)
        member[list(group_of), list(range(classes))] = 1
        shared = groups < classes
        self.register_buffer("member", member if shared else None, persistent=False)

        self.position = nn.Parameter(torch.randn(channels, self.fourier.shape[0]))
        self.weight = nn.Parameter(torch.randn(layers, groups, channels, channels))
        self.style_weight = nn.Parameter(torch.randn(layers, groups, channels, latent_channels))
        self.style_bias = nn.Parameter(torch.ones(layers, classes, channels))
        self.bias = nn.Parameter(torch.zeros(layers, classes, channels))
        self.embedding = nn.Parameter(torch.zeros(classes, latent_channels)) if shared else None
        # `W_k = W_g + A_k B_k`; A begins at 0, so that classes of a group begin alike.
        self.adapter_out = nn.Parameter(torch.zeros(layers, classes, channels, adapter_rank)) if adapter_rank else None
        self.adapter_in = nn.Parameter(torch.randn(layers, classes, adapter_rank, channels)) if adapter_rank else None
        self.depth_weight = nn.Parameter(torch.randn(classes - 1, channels))
        self.depth_gain = nn.Parameter(torch.ones(classes - 1, channels))
        self.depth_bias = nn.Parameter(torch.zeros(classes - 1))
        self.feature_weight = nn.Parameter(torch.randn(groups, feature_channels, channels))
        self.feature_gain = nn.Parameter(torch.ones(classes, channels))
        self.feature_bias = nn.Parameter(torch.zeros(classes, feature_channels))

    def forward(self, codes: Tensor, keep: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """keep: (B, K), 1 for the classes to compose and 0 for those to leave out, or None for all."""
        if self.recompute and torch.is_grad_enabled():
            # No draw happens inside, so there is no random state to keep.
            return checkpoint(self._forward, codes, keep, use_reentrant=False, preserve_rng_state=False)
        return self._forward(codes, keep)

    def _forward(self, codes: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        batch = codes.shape[0]
        layers = self._layers(codes.view(batch, self.classes, self.layers, -1))
        tiles = self.fourier.chunk(self._tiles(batch), dim=1)  # each (waves, p)
        parts = [self._compose(*self._hidden(layers, tile), keep) for tile in tiles]
        features = torch.cat([part[0] for part in parts], dim=1)  # (B, P, F): already channels-last
        m, depth = (torch.cat([part[i] for part in parts], dim=2) for i in (1, 2))  # (B, K, P)
        features = features.transpose(1, 2).unflatten(2, (self.height, self.width))  # (B, F, h, w)
        grid = (batch, self.classes, self.height, self.width)
        return features, m.view(grid), depth.view(grid)

    def _tiles(self, batch: int) -> int:
        """In how many parts the pixels go through all layers: on CPU so many that an output stays in the cache."""
        if self.fourier.device.type != "cpu":
            return 1
        pixels = self.height * self.width
        return max(1, min(batch * self.channels * pixels // TILE, pixels // 128))

    def _per_class(self, shared: Tensor) -> Tensor:
        """(..., G, a, b) -> (..., K, a, b): each class is handed its group's weights."""
        if self.member is None:
            return shared
        flat = torch.matmul(self.member.T.to(shared.dtype), shared.flatten(-2))  # (..., K, a b)
        return flat.unflatten(-1, shared.shape[-2:])

    def _styles(self, codes: Tensor) -> Tensor:
        """codes (B, K, L, S) -> styles (L, K, B, C): `s = A w + b`, all layers and classes at once."""
        if self.embedding is not None:
            codes = codes + self.embedding[:, None]  # (B, K, L, S)
        codes = codes.permute(2, 1, 0, 3) / math.sqrt(codes.shape[-1])  # (L, K, B, S)
        affine = self._per_class(self.style_weight)  # (L, K, C, S)
        return torch.matmul(codes, affine.transpose(2, 3)) + self.style_bias[:, :, None]  # (L, K, B, C)

    def _layers(self, codes: Tensor) -> list[tuple[Tensor, Tensor]]:
        """codes (B, K, L, S) -> for each layer its modulated weight (B K, C, C) and its bias (B K, C, 1)."""
        batch, channels = codes.shape[0], self.channels
        styles = self._styles(codes)  # (L, K, B, C)
        weight = self._per_class(self.weight)  # (L, K, C, C)
        if self.adapter_out is not None:
            weight = weight + torch.matmul(self.adapter_out, self.adapter_in)  # (L, K, C, C)
        weight = weight / math.sqrt(channels)  # (L, K, C, C)
        energy = torch.matmul(styles.square(), weight.square().transpose(2, 3)) + 1e-8  # (L, K, B, C)
        demodulation = energy.rsqrt() * GAIN  # (L, K, B, C)
        scale = demodulation.unsqueeze(4) * styles.unsqueeze(3)  # (L, K, B, C, C)
        modulated = (weight.unsqueeze(2) * scale).transpose(1, 2).flatten(1, 2)  # (L, B K, C, C)
        bias = (self.bias * GAIN)[:, None].expand(-1, batch, -1, -1).reshape(self.layers, -1, channels, 1)
        return list(zip(modulated.unbind(), bias.unbind(), strict=True))

    def _hidden(self, layers: list[tuple[Tensor, Tensor]], fourier: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels' fourier features (waves, P) -> hidden (B, K, C, P), depth (B, K, P)."""
        position = self.position / math.sqrt(self.position.shape[1])  # (C, waves), the same for every class
        (first, bias), *others = layers
        x = torch.addmm(bias.flatten(0, 1), first.flatten(0, 1) @ position, fourier)  # (B K C, P)
        x = activate(x).view(-1, self.channels, x.shape[1])  # (B K, C, P)
        depth = self._depth(x) if self.depth_layers == 1 else None
        for i, (weight, bias) in enumerate(others, start=2):
            x = activate(torch.baddbmm(bias, weight, x))  # (B K, C, P)
            if i == self.depth_layers:
                depth = self._depth(x)  # (B, K, P)
        return x.unflatten(0, (-1, self.classes)), depth

    def _depth(self, x: Tensor) -> Tensor:
        """Hidden maps (B K, C, P) -> pseudo-depth (B, K, P); class 0 has no head, its depth is 0."""
        head = self.depth_weight * self.depth_gain / math.sqrt(self.channels)  # (K - 1, C)
        head = torch.cat((head.new_zeros(1, self.channels), head))[:, None]  # (K, 1, C)
        shift = torch.cat((self.depth_bias.new_zeros(1), self.depth_bias))  # (K)
        x = x.unflatten(0, (-1, self.classes))  # (B, K, C, P)
        return torch.matmul(head, x)[:, :, 0] + shift[:, None]  # (B, K, P)

    def _compose(self, hidden: Tensor, depth: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """hidden (B, K, C, P), depth (B, K, P) -> features (B, P, F), class weights m (B, K, P), depth as it came."""
        m = class_weights(depth, keep)  # (B, K, P)
        features = compose(
            hidden,
            feature_weights(m, self.opaque),
            self.feature_weight,
            self.feature_gain / math.sqrt(self.channels),
            self.feature_bias,
            self.member,
        )  # (B, P, F)
        return features, m, depth
