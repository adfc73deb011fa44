"""Composition of classes by pseudo-depth (SemanticStyleGAN, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor


def class_weights(depth: Tensor, keep: Tensor | None = None) -> Tensor:
    """`m = softmax_k(depth)`; with a keep-mask c, `m c / (sum + 1e-8)`.

    depth: (B, K, P); keep: (B, K) or (K,) -> m (B, K, P) in 0..1.
    """
    m = depth.softmax(dim=1)  # (B, K, P)
    if keep is None:
        return m
    m = m * keep.to(m.dtype)[..., None]  # (B, K, P)
    return m / (m.sum(dim=1, keepdim=True) + 1e-8)  # (B, K, P)


def feature_weights(m: Tensor, opaque: Tensor | None) -> Tensor:
    """The part of each class in the feature map: opaque classes share all of it, transparent ones lie over them.

    m: (B, K, P); opaque: (K,) of 0 and 1, or None where no class is transparent -> (B, K, P).
    """
    if opaque is None:
        return m
    solid = m * opaque[:, None]  # (B, K, P)
    return solid / (solid.sum(dim=1, keepdim=True) + 1e-8) + (m - solid)  # (B, K, P)


def compose(
    hidden: Tensor, weights: Tensor, weight: Tensor, gain: Tensor, bias: Tensor, member: Tensor | None
) -> Tensor:
    """Compose before projecting: `sum_g W_g (sum_{k in g} w_k gain_k h_k) + sum_k w_k b_k`.

    Equal to projecting each class's hidden map to the features and adding them up weighted, but the feature map
    exists once and not once a class.

    hidden: (B, K, C, P); weights w: (B, K, P); weight: (G, F, C); gain: (K, C), scale included; bias: (K, F);
    member: (G, K) of 0 and 1, who belongs to which group, or None where each class is its own -> (B, P, F).
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
