"""Texture routing: the layers after the depth head are pointwise, so they are computed only where a class is visible.

The map is cut into square patches, and a (pair, patch) is computed where the weight of the pair exceeds a threshold.
The small weights that are dropped are redistributed, so that the weights of a pixel still sum to what they did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from composegan.networks.composition import seated_bias
from composegan.networks.routing import Routing


@dataclass(frozen=True)
class TextureRouting:
    """Where the texture layers are computed.

    threshold: 0..1; a class is computed in a patch where its weight exceeds this anywhere. capacity: 0..1, the maximum
    share of all (pair, patch) entries to compute, those of highest weight; the foremost class of a patch always is.

    On a GPU exactly the capacity is computed, since the number must be known without a synchronization.
    """

    threshold: float = 0.0
    capacity: float = 1.0

    def __bool__(self) -> bool:
        return self.threshold > 0 or self.capacity < 1


def patch_size(height: int, width: int) -> tuple[int, int]:
    """The size of a patch: an eighth of the shorter side of the map, at least 4, reduced to a divisor of both sides."""
    side = max(4, min(height, width) // 8)
    return math.gcd(side, height), math.gcd(side, width)


def by_patch(x: Tensor, height: int, width: int, patch: tuple[int, int]) -> Tensor:
    """(..., height * width) row by row -> (..., height * width) patch by patch."""
    x = x.unflatten(-1, (height // patch[0], patch[0], width // patch[1], patch[1]))
    return x.transpose(-3, -2).flatten(-4)


def by_row(x: Tensor, dim: int, height: int, width: int, patch: tuple[int, int]) -> Tensor:
    """The inverse along dimension `dim`: height * width pixels, patch by patch -> two dimensions (height, width)."""
    x = x.unflatten(dim, (height // patch[0], width // patch[1], patch[0], patch[1]))
    return x.transpose(dim + 1, dim + 2).flatten(dim, dim + 1).flatten(dim + 1, dim + 2)


@dataclass(frozen=True)
class Patches:
    """The M (pair, patch) entries that are computed, of N pairs and T patches.

    index: (M,), `n T + t`; pair, patch: (M,); counts: (M, 1), 0 for padding.
    """

    index: Tensor
    pair: Tensor
    patch: Tensor
    counts: Tensor


@torch.no_grad()
def choose(weights: Tensor, routing: Routing, how: TextureRouting, fixed: bool | None = None) -> Patches:
    """Choose the entries to compute.

    weights: (B, K, T, p), in patches of p pixels. fixed: always choose as many as the capacity; None: not on the CPU,
    where their number is known immediately, unless compiled.
    """
    highest = weights.amax(dim=3)  # (B, K, T)
    foremost = torch.zeros_like(highest, dtype=torch.bool)
    foremost.scatter_(1, highest.argmax(dim=1, keepdim=True), True)  # (B, K, T): one class per patch
    passing = (highest > how.threshold) | foremost  # (B, K, T)
    rank = torch.where(passing, highest + 2.0 * foremost, -1.0)  # (B, K, T)
    batch, _, patches = rank.shape
    rank = rank.flatten(0, 1).index_select(0, routing.pair).flatten()  # (N T)
    most = max(batch * patches, math.ceil(how.capacity * len(rank)))
    if fixed is None:
        fixed = rank.device.type != "cpu" or torch.compiler.is_compiling()
    if not fixed:
        most = min(most, int((rank >= 0).sum()))
    index = rank.topk(min(most, len(rank))).indices.sort().values  # (M)
    counts = (rank.index_select(0, index) >= 0).to(weights.dtype)[:, None]  # (M, 1)
    return Patches(index, index // patches, index % patches, counts)


def kept_weights(weights: Tensor, chosen: Patches, routing: Routing) -> Tensor:
    """The weights of the chosen entries (M, p), scaled so that they sum to the weight of all classes at every pixel.

    weights: (B, K, T, p).
    """
    classes, patches = weights.shape[1:3]
    of_pairs = weights.flatten(0, 1).index_select(0, routing.pair).flatten(0, 1)  # (N T, p)
    kept = of_pairs.index_select(0, chosen.index) * chosen.counts  # (M, p)
    sample = routing.pair.index_select(0, chosen.pair) // classes  # (M)
    place = sample * patches + chosen.patch  # (M)
    had = weights.sum(dim=1).flatten(0, 1)  # (B T, p)
    have = torch.zeros_like(had).index_add(0, place, kept)  # (B T, p)
    return kept * (had / (have + 1e-12)).index_select(0, place)  # (M, p)


def compose_patches(
    hidden: Tensor, weights: Tensor, chosen: Patches, patches: int,
    weight: Tensor, gain: Tensor, bias: Tensor, routing: Routing,
) -> Tensor:  # fmt: skip
    """As `compose_pairs`, for the chosen (pair, patch) entries only.

    hidden: (M, C, p); weights: (M, p); patches: T; weight: (G, F, C); gain: (K, C); bias: (K, F) -> (B, T p, F).
    """
    batch, slots = routing.slot_group.shape
    of_class = routing.of_class.index_select(0, chosen.pair)  # (M)
    hidden = hidden * gain.index_select(0, of_class)[:, :, None] * weights[:, None]  # (M, C, p)
    channels, pixels = hidden.shape[1:]
    slot = routing.slot.index_select(0, chosen.pair)  # (M): b A + a
    row = (slot // slots * patches + chosen.patch) * slots + slot % slots  # (M): (b T + t) A + a
    slotted = hidden.new_zeros(batch * patches * slots, channels, pixels).index_add(0, row, hidden)
    # One product for all patches of a sample: with one per patch, the projection's gradient would exist T times.
    slotted = slotted.view(batch, patches, slots * channels, pixels).transpose(1, 2).flatten(2)  # (B, A C, T p)
    projection = weight.index_select(0, routing.slot_group.flatten()).permute(0, 2, 1)  # (B A, C, F)
    projection = projection.reshape(batch, slots * channels, -1)  # (B, A C, F)
    features = torch.matmul(slotted.transpose(1, 2), projection)  # (B, T p, F)

    all_pairs = weights.new_zeros(len(routing.pair) * patches, pixels).index_copy(0, chosen.index, weights)  # (N T, p)
    return features + seated_bias(all_pairs.view(len(routing.pair), -1), bias, routing)  # (B, T p, F)
