"""Composition of classes by pseudo-depth (SemanticStyleGAN, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from composegan.networks.routing import Routing


def feature_weights(m: Tensor, opaque: Tensor | None) -> Tensor:
    """The weight of each class in the feature map: those of opaque classes sum to 1, transparent ones come on top.

    m: (B, K, P), `softmax_k(depth)`; opaque: (K,) of 0 and 1, or None without transparent classes -> (B, K, P).
    """
    if opaque is None:
        return m
    solid = m * opaque[:, None]  # (B, K, P)
    return solid / (solid.sum(dim=1, keepdim=True) + 1e-8) + (m - solid)  # (B, K, P)


def compose(
    hidden: Tensor, weights: Tensor, weight: Tensor, gain: Tensor, bias: Tensor, member: Tensor | None
) -> Tensor:
    """Compose before projecting: `sum_g W_g (sum_{k in g} w_k gain_k h_k) + sum_k w_k b_k`.

    Equals the weighted sum of the projections of each class's hidden map, but the feature map exists once instead of
    once per class.

    hidden: (B, K, C, P); weights w: (B, K, P); weight: (G, F, C); gain: (K, C), scale included; bias: (K, F);
    member: (G, K) of 0 and 1, the classes of each group, or None if each class is its own group -> (B, P, F).
    """
    hidden = hidden * weights[:, :, None]  # (B, K, C, P)
    if member is None:
        projection = (weight * gain[:, None]).permute(0, 2, 1).flatten(0, 1)  # (K C, F)
    else:
        batch, _, channels, pixels = hidden.shape
        hidden = hidden * gain[:, :, None]  # (B, K, C, P)
        hidden = torch.matmul(member, hidden.flatten(2)).view(batch, -1, channels, pixels)  # (B, G, C, P)
        projection = weight.permute(0, 2, 1).flatten(0, 1)  # (G C, F)
    features = torch.matmul(hidden.flatten(1, 2).transpose(1, 2), projection)  # (B, P, F)
    return features + torch.matmul(weights.transpose(1, 2), bias)  # (B, P, F)


def compose_flat(
    hidden: Tensor, weights: Tensor, weight: Tensor, gain: Tensor, bias: Tensor, routing: Routing | None
) -> Tensor:
    """As `compose` (routing None) or `compose_pairs`, where each class is its own group; faster on CPU.

    The hidden maps of a sample lie one below another, (n C, P), and enter the product as they lie: neither they nor
    their gradients are copied. hidden: (B, K, C, P) or (N, C, P); weights w: (B, K, P) or (N, P); weight: (K, F, C);
    gain: (K, C), scale included; bias: (K, F) -> (B, P, F).
    """
    hidden = hidden * weights.unsqueeze(-2)  # (B, K, C, P) or (N, C, P)
    projection = weight * gain[:, None]  # (K, F, C)
    if routing is None:
        projection = projection.transpose(0, 1).flatten(1).expand(len(hidden), -1, -1)  # (B, F, K C)
        features = torch.bmm(projection, hidden.flatten(1, 2)) + torch.matmul(bias.T, weights)  # (B, F, P)
        return features.transpose(1, 2)  # (B, P, F)
    projection = projection.index_select(0, routing.of_class).transpose(0, 1)  # (F, N, C)
    bias = bias.index_select(0, routing.of_class)  # (N, F)
    samples = [
        torch.addmm(b.T @ w, p.flatten(1), h.flatten(0, 1))  # (F, P)
        for h, w, p, b in zip(
            hidden.split(routing.counts),
            weights.split(routing.counts),
            projection.split(routing.counts, dim=1),
            bias.split(routing.counts),
            strict=True,
        )
    ]
    return torch.stack(samples).transpose(1, 2)  # (B, P, F)


def compose_pairs(
    hidden: Tensor, weights: Tensor, weight: Tensor, gain: Tensor, bias: Tensor, routing: Routing
) -> Tensor:
    """The same as `compose` for the pairs that are present: `sum_g W_g (sum_{k in g} w_k gain_k h_k) + sum_k w_k b_k`.

    hidden: (N, C, P); weights w: (N, P); weight: (G, F, C); gain: (K, C), scale included; bias: (K, F) -> (B, P, F).
    """
    batch, slots = routing.slot_group.shape
    hidden = hidden * gain.index_select(0, routing.of_class)[:, :, None] * weights[:, None]  # (N, C, P)
    channels, pixels = hidden.shape[1:]
    # The groups of a sample side by side, each the sum of its classes, in a single product.
    slotted = hidden.new_zeros(batch * slots, channels, pixels).index_add(0, routing.slot, hidden)  # (B A, C, P)
    projection = weight.index_select(0, routing.slot_group.flatten()).permute(0, 2, 1)  # (B A, C, F)
    projection = projection.reshape(batch, slots * channels, -1)  # (B, A C, F)
    features = torch.matmul(slotted.view(batch, -1, pixels).transpose(1, 2), projection)  # (B, P, F)
    return features + seated_bias(weights, bias, routing)  # (B, P, F)


def seated_bias(weights: Tensor, bias: Tensor, routing: Routing) -> Tensor:
    """`sum_k w_k b_k` over the pairs that are present: weights (N, P), bias (K, F) -> (B, P, F)."""
    seats = routing.seats[0] * routing.seats[1]
    seated = weights.new_zeros(seats, weights.shape[1]).index_copy(0, routing.seat, weights)  # (B Q, P)
    bias = bias.index_select(0, routing.of_class)  # (N, F)
    bias = bias.new_zeros(seats, bias.shape[1]).index_copy(0, routing.seat, bias)  # (B Q, F)
    seated, bias = seated.unflatten(0, routing.seats), bias.unflatten(0, routing.seats)
    return torch.matmul(seated.transpose(1, 2), bias)  # (B, P, F)
