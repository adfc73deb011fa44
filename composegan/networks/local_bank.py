"""All local generators as one bank: stacked weights, one batched product per layer, no loop over classes.

K classes in G groups. A group shares the layer weights and the projection to features; each class has its own latent
codes, embedding (added to its codes), modulation and activation biases, pseudo-depth head and feature gain, and
optionally a low-rank correction to each layer's weight. G = K without these options is the paper's model.
With class sets only the (sample, class) pairs in them are computed; see `Routing`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from composegan.networks.composition import compose, compose_pairs, feature_weights
from composegan.networks.layers import GAIN, activate
from composegan.networks.precision import narrowed, widened, without_autocast
from composegan.networks.routing import Routing
from composegan.networks.texture import (
    TextureRouting,
    by_patch,
    by_row,
    choose,
    compose_patches,
    kept_weights,
    patch_size,
)

TILE = 1 << 16
"""Outputs of a layer, for one class and the whole batch, that the CPU processes at a time. Independent of the number of
classes, so that the number of operations is too."""


def fourier_features(height: int, width: int, octaves: int) -> Tensor:
    """Coordinates x, y in -1..1 and their `sin(2^i c), cos(2^i c)` -> (2 + 4 octaves, height * width)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    c = torch.stack((x, y)).flatten(1)  # (2, P)
    waves = [wave(c * 2.0**i) for i in range(octaves) for wave in (torch.sin, torch.cos)]
    return torch.cat([c, *waves])  # (2 + 4 octaves, P)


class LocalBank(nn.Module):
    """codes (B, K * layers, S) -> features (B, F, h, w), class weights m (B, K, h, w), pseudo-depth (B, K, h, w)."""

    SHARED: ClassVar = {"weight": 1, "style_weight": 1, "feature_weight": 0}
    """The parameters that the members of a group share, and their dimension that runs over groups."""

    fourier: Tensor
    opaque: Tensor | None
    member: Tensor | None

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
        embedding: bool | None = None,
        texture: TextureRouting | None = None,
    ) -> None:
        super().__init__()
        classes, groups = len(group_of), max(group_of) + 1
        self.height, self.width = height, width
        self.classes, self.layers, self.depth_layers, self.channels = classes, layers, depth_layers, channels
        self.recompute = recompute
        self.texture = texture or TextureRouting()
        self.patch = patch_size(height, width) if self.texture else (1, 1)
        fourier = by_patch(fourier_features(height, width, octaves), height, width, self.patch)  # (waves, P)
        self.register_buffer("fourier", fourier, persistent=False)
        opaque = torch.ones(classes)
        opaque[list(transparent)] = 0
        self.register_buffer("opaque", opaque if transparent else None, persistent=False)
        self.assign(group_of)
        self.probe: Tensor | None = None  # zeros (L, K, C, C); when set, it receives the gradient of each class

        self.position = nn.Parameter(torch.randn(channels, self.fourier.shape[0]))
        self.weight = nn.Parameter(torch.randn(layers, groups, channels, channels))
        self.style_weight = nn.Parameter(torch.randn(layers, groups, channels, latent_channels))
        self.style_bias = nn.Parameter(torch.ones(layers, classes, channels))
        self.bias = nn.Parameter(torch.zeros(layers, classes, channels))
        embedded = groups < classes if embedding is None else embedding
        self.embedding = nn.Parameter(torch.zeros(classes, latent_channels)) if embedded else None
        # `W_k = W_g + A_k B_k`; A is initialized to 0, so that the classes of a group start equal.
        self.adapter_out = nn.Parameter(torch.zeros(layers, classes, channels, adapter_rank)) if adapter_rank else None
        self.adapter_in = nn.Parameter(torch.randn(layers, classes, adapter_rank, channels)) if adapter_rank else None
        self.depth_weight = nn.Parameter(torch.randn(classes - 1, channels))
        self.depth_gain = nn.Parameter(torch.ones(classes - 1, channels))
        self.depth_bias = nn.Parameter(torch.zeros(classes - 1))
        self.feature_weight = nn.Parameter(torch.randn(groups, feature_channels, channels))
        self.feature_gain = nn.Parameter(torch.ones(classes, channels))
        self.feature_bias = nn.Parameter(torch.zeros(classes, feature_channels))

    def assign(self, group_of: Sequence[int]) -> None:
        """Set the group of each class. `composegan.grouping.split` changes the weights to match."""
        self.group_of = tuple(group_of)
        classes, groups = len(self.group_of), max(self.group_of) + 1
        member = torch.zeros(groups, classes)
        member[list(self.group_of), list(range(classes))] = 1
        self.register_buffer("member", member.to(self.fourier) if groups < classes else None, persistent=False)

    def route(self, present: Tensor | None, batch: int) -> Routing | None:
        """Which (sample, class) pairs to compute; None: all of them. present: as for `forward`; batch: B.

        Raises ValueError for a sample without any class.
        """
        if present is None and self.texture:
            present = torch.ones(batch, self.classes, dtype=torch.bool)
        return None if present is None else Routing.of(present, self.group_of, self.fourier.device)

    def forward(self, codes: Tensor, present: Tensor | Routing | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """present: (B, K), true where a class is in a sample, on the CPU (on another device this synchronizes), or what
        `route` makes of it; None: all are. Absent classes are not computed; their m is 0 and their pseudo-depth -inf.

        Raises ValueError for a sample without any class.
        """
        routing = present if isinstance(present, Routing) else self.route(present, len(codes))
        return self._computed(codes, routing)

    def _computed(self, *inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
        """`_forward`, with what the backward pass needs stored or recomputed."""
        if self.recompute and torch.is_grad_enabled():
            # Nothing random happens inside, so there is no random state to preserve.
            computed: tuple[Tensor, Tensor, Tensor] = checkpoint(
                self._forward, *inputs, use_reentrant=False, preserve_rng_state=False
            )
            return computed
        return self._forward(*inputs)

    def _forward(self, codes: Tensor, routing: Routing | None) -> tuple[Tensor, Tensor, Tensor]:
        batch = codes.shape[0]
        layers = self._modulated(codes.view(batch, self.classes, self.layers, -1), routing)
        patches = self.fourier.unflatten(1, (-1, self.patch[0] * self.patch[1]))  # (waves, T, p)
        tiles = [tile.flatten(1) for tile in patches.chunk(self._tiles(batch), dim=1)]  # each (waves, pixels)
        parts = [self._part(layers, tile, batch, routing) for tile in tiles]
        features = torch.cat([part[0] for part in parts], dim=1)  # (B, P, F), channels-last already
        m, depth = (torch.cat([part[i] for part in parts], dim=2) for i in (1, 2))  # (B, K, P)
        grid = (self.height, self.width, self.patch)
        features = by_row(features, 1, *grid).permute(0, 3, 1, 2)  # (B, F, h, w)
        return features, by_row(m, 2, *grid), by_row(depth, 2, *grid)

    def _part(
        self, layers: list[tuple[Tensor, Tensor]], fourier: Tensor, batch: int, routing: Routing | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fourier features of some pixels (waves, P) -> features (B, P, F), m (B, K, P), depth (B, K, P)."""
        hidden, depth = self._hidden(layers[: self.depth_layers], fourier, routing)  # (N, C, P), (N, P)
        depth = self._all(depth, batch, routing)  # (B, K, P)
        m = depth.softmax(dim=1)  # (B, K, P); 0 for an absent class
        return self._features(layers[self.depth_layers :], hidden, feature_weights(m, self.opaque), routing), m, depth

    def _all(self, depth: Tensor, batch: int, routing: Routing | None) -> Tensor:
        """Pseudo-depth of the pairs (N, P) -> of all (B, K, P), -inf for absent classes."""
        if routing is not None:
            absent = depth.new_full((batch * self.classes, depth.shape[1]), -math.inf)
            depth = absent.index_copy(0, routing.pair, depth)  # (B K, P)
        return depth.unflatten(0, (batch, self.classes))  # (B, K, P)

    def _features(
        self, layers: list[tuple[Tensor, Tensor]], hidden: Tensor, weights: Tensor, routing: Routing | None
    ) -> Tensor:
        """The layers after the depth head, hidden (N, C, P) there and weights (B, K, P) -> features (B, P, F)."""
        gain = self.feature_gain / math.sqrt(self.channels)  # (K, C)
        if self.texture and routing is not None:
            return self._textured(layers, hidden, weights, gain, routing)
        return self._composed(self._more(layers, hidden), weights, gain, routing)

    def _composed(self, hidden: Tensor, weights: Tensor, gain: Tensor, routing: Routing | None) -> Tensor:
        """hidden (N, C, P), weights (B, K, P), gain (K, C), scale included -> features (B, P, F)."""
        if routing is None:
            hidden = hidden.unflatten(0, weights.shape[:2])  # (B, K, C, P)
            return compose(hidden, weights, self.feature_weight, gain, self.feature_bias, self.member)
        weights = weights.flatten(0, 1).index_select(0, routing.pair)  # (N, P)
        return compose_pairs(hidden, weights, self.feature_weight, gain, self.feature_bias, routing)

    def _textured(
        self, layers: list[tuple[Tensor, Tensor]], hidden: Tensor, weights: Tensor, gain: Tensor, routing: Routing
    ) -> Tensor:
        """hidden (N, C, P) at the depth head, weights (B, K, P) -> features (B, P, F) of the visible patches."""
        pixels = self.patch[0] * self.patch[1]
        weights = weights.unflatten(2, (-1, pixels))  # (B, K, T, p)
        chosen = choose(weights, routing, self.texture)
        hidden = hidden.unflatten(2, (-1, pixels)).transpose(1, 2).flatten(0, 1)  # (N T, C, p)
        hidden = hidden.index_select(0, chosen.index)  # (M, C, p)
        layers = [(w.index_select(0, chosen.pair), b.index_select(0, chosen.pair)) for w, b in layers]
        kept = kept_weights(weights, chosen, routing)  # (M, p)
        return compose_patches(
            self._more(layers, hidden), kept, chosen, weights.shape[2],
            self.feature_weight, gain, self.feature_bias, routing,
        )  # fmt: skip

    def _tiles(self, batch: int) -> int:
        """How many tiles the pixels are processed in: on CPU, enough for a layer's output to stay in the cache."""
        if self.fourier.device.type != "cpu":
            return 1
        pixels = self.height * self.width
        return max(1, min(batch * self.channels * pixels // TILE, pixels // 128))

    def _per_class(self, shared: Tensor) -> Tensor:
        """(..., G, a, b) -> (..., K, a, b): each class gets its group's weights."""
        if self.member is None:
            return shared
        flat = torch.matmul(self.member.T.to(shared.dtype), shared.flatten(-2))  # (..., K, a b)
        return flat.unflatten(-1, shared.shape[-2:])

    def _weights(self) -> Tensor:
        """The layers' weights of each class: (L, K, C, C)."""
        weight = self._per_class(self.weight)
        return weight if self.probe is None else weight + self.probe.to(weight.dtype)

    def _styles(self, codes: Tensor) -> Tensor:
        """codes (B, K, L, S) -> styles (L, K, B, C): `s = A w + b`, all layers and classes at once."""
        if self.embedding is not None:
            codes = codes + self.embedding[:, None]  # (B, K, L, S)
        codes = codes.permute(2, 1, 0, 3) / math.sqrt(codes.shape[-1])  # (L, K, B, S)
        affine = self._per_class(self.style_weight)  # (L, K, C, S)
        return torch.matmul(codes, affine.transpose(2, 3)) + self.style_bias[:, :, None]  # (L, K, B, C)

    def _modulated(self, codes: Tensor, routing: Routing | None) -> list[tuple[Tensor, Tensor]]:
        """codes (B, K, L, S) -> for each layer its modulated weight (N, C, C) and its bias (N, C, 1)."""
        with without_autocast(codes.device):
            return self._layers(widened(codes)) if routing is None else self._layers_of(widened(codes), routing)

    def _layers(self, codes: Tensor) -> list[tuple[Tensor, Tensor]]:
        """codes (B, K, L, S) -> for each layer its modulated weight (B K, C, C) and its bias (B K, C, 1)."""
        batch, channels = codes.shape[0], self.channels
        styles = self._styles(codes)  # (L, K, B, C)
        weight = self._weights()  # (L, K, C, C)
        if self.adapter_out is not None and self.adapter_in is not None:
            weight = weight + torch.matmul(self.adapter_out, self.adapter_in)  # (L, K, C, C)
        weight = weight / math.sqrt(channels)  # (L, K, C, C)
        energy = torch.matmul(styles.square(), weight.square().transpose(2, 3)) + 1e-8  # (L, K, B, C)
        demodulation = energy.rsqrt() * GAIN  # (L, K, B, C)
        scale = demodulation.unsqueeze(4) * styles.unsqueeze(3)  # (L, K, B, C, C)
        modulated = (weight.unsqueeze(2) * scale).transpose(1, 2).flatten(1, 2)  # (L, B K, C, C)
        bias = (self.bias * GAIN)[:, None].expand(-1, batch, -1, -1).reshape(self.layers, -1, channels, 1)
        return list(zip(modulated.unbind(), bias.unbind(), strict=True))

    def _layers_of(self, codes: Tensor, routing: Routing) -> list[tuple[Tensor, Tensor]]:
        """The same for the N pairs that are present: modulated weights (N, C, C) and biases (N, C, 1)."""
        codes = codes.flatten(0, 1).index_select(0, routing.pair)  # (N, L, S)
        if self.embedding is not None:
            codes = codes + self.embedding.index_select(0, routing.of_class)[:, None]  # (N, L, S)
        codes = codes.transpose(0, 1) / math.sqrt(codes.shape[-1])  # (L, N, S)
        # By group, since an affine map is far larger than a code.
        buckets = codes.index_select(1, routing.bucket).unflatten(1, routing.buckets)  # (L, G, M, S)
        styles = torch.matmul(buckets, self.style_weight.transpose(2, 3)).flatten(1, 2)  # (L, G M, C)
        styles = styles.index_select(1, routing.place)  # (L, N, C)
        styles = styles + self.style_bias.index_select(1, routing.of_class)  # (L, N, C)
        weight, which = (self.weight, routing.group) if self.probe is None else (self._weights(), routing.of_class)
        weight = weight.index_select(1, which)  # (L, N, C, C)
        if self.adapter_out is not None and self.adapter_in is not None:
            adapter_out, adapter_in = (a.index_select(1, routing.of_class) for a in (self.adapter_out, self.adapter_in))
            weight = weight + torch.matmul(adapter_out, adapter_in)  # (L, N, C, C)
        weight = weight * (styles / math.sqrt(self.channels)).unsqueeze(2)  # (L, N, C, C)
        modulated = weight * ((weight.square().sum(dim=3, keepdim=True) + 1e-8).rsqrt() * GAIN)  # (L, N, C, C)
        bias = (self.bias * GAIN).index_select(1, routing.of_class).unsqueeze(3)  # (L, N, C, 1)
        return list(zip(modulated.unbind(), bias.unbind(), strict=True))

    def _hidden(
        self, layers: list[tuple[Tensor, Tensor]], fourier: Tensor, routing: Routing | None
    ) -> tuple[Tensor, Tensor]:
        """Fourier features (waves, P) -> hidden (N, C, P) and depth (N, P) at the depth head; N pairs, or all B K."""
        position = self.position / math.sqrt(self.position.shape[1])  # (C, waves), shared by all classes
        (first, bias), *others = layers
        with without_autocast(fourier.device):  # bfloat16 has eight bits for a coordinate
            x = torch.addmm(bias.flatten(0, 1), first.flatten(0, 1) @ position, fourier)  # (N C, P)
        x = self._more(others, activate(narrowed(x)).view(-1, self.channels, x.shape[1]))  # (N, C, P)
        return x, self._depth(x, routing)  # (N, C, P), (N, P)

    @staticmethod
    def _more(layers: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
        """Apply further layers, weights (N, C, C) and biases (N, C, 1), to x (N, C, P)."""
        for weight, bias in layers:
            x = activate(torch.baddbmm(bias, weight, x))  # (N, C, P)
        return x

    def _depth(self, x: Tensor, routing: Routing | None) -> Tensor:
        """Hidden maps (N, C, P) -> pseudo-depth (N, P); class 0 has no head, its depth is 0."""
        head = self.depth_weight * self.depth_gain / math.sqrt(self.channels)  # (K - 1, C)
        head = torch.cat((head.new_zeros(1, self.channels), head))[:, None]  # (K, 1, C)
        shift = torch.cat((self.depth_bias.new_zeros(1), self.depth_bias))[:, None]  # (K, 1)
        if routing is None:
            x = x.unflatten(0, (-1, self.classes))  # (B, K, C, P)
            return (torch.matmul(head, x)[:, :, 0] + shift).flatten(0, 1)  # (B K, P)
        head, shift = (part.index_select(0, routing.of_class) for part in (head, shift))  # (N, 1, C), (N, 1)
        return torch.matmul(head, x)[:, 0] + shift  # (N, P)
