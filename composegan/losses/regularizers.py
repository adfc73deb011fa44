"""Regularizers: R1, path length, mask consistency, presence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from composegan.networks.layers import squares
from composegan.networks.precision import without_autocast
from composegan.networks.semantic_map import SemanticMap


class R1(NamedTuple):
    """Both penalties, before their weights: `mean over batch of sum over pixels of |grad|^2`, each ()."""

    image: Tensor
    mask: Tensor


def r1_penalty(scores: Tensor, image: Tensor, embedded: Tensor, metric: Tensor) -> R1:
    """R1 (Mescheder et al., arXiv 1801.04406, eq. 9) on real pictures and on real masks.

    scores: (B, 1); image: (B, 3, H, W), requires grad; embedded: (B, C, H, W), the mask after the discriminator's first
    linear layer W; metric: `W W^T` (C, C). With g the gradient at `embedded`, the gradient at the mask is
    `W^T g`, so its square is `g^T (W W^T) g`: exact, and no K-channel tensor is built.
    """
    on_image, on_embedded = torch.autograd.grad(scores.sum(), (image, embedded), create_graph=True)
    g = on_embedded.permute(0, 2, 3, 1).flatten(1, 2)  # (B, H W, C)
    return R1(
        image=on_image.square().sum(dim=(1, 2, 3)).mean(),
        mask=((g @ metric) * g).sum(dim=(1, 2)).mean(),
    )


def image_slope(scores: Tensor, image: Tensor) -> Tensor:
    """R1 on pictures alone, for data without masks; arguments and result as in `r1_penalty`."""
    (on_image,) = torch.autograd.grad(scores.sum(), image, create_graph=True)
    return on_image.square().sum(dim=(1, 2, 3)).mean()


class PathLength(NamedTuple):
    """penalty (): `mean((lengths - mean)^2)`; mean (): the updated running mean; lengths (B,)."""

    penalty: Tensor
    mean: Tensor
    lengths: Tensor


def path_length(
    image: Tensor,
    codes: Tensor,
    mean: Tensor,
    noise: Tensor,
    decay: float = 0.01,
    everywhere: Callable[[Tensor], Tensor] = lambda mean: mean,
) -> PathLength:
    """Path-length regularization (StyleGAN2, arXiv 1912.04958, eq. 4), at the expanded codes.

    image: (B, 3, H, W) made from codes (B, N, S); mean: () running mean; noise: (B, 3, H, W) standard normal.
    Length: `sqrt(mean over codes of sum over channels of grad^2)` for the image projected on noise / sqrt(H W).
    everywhere: averages the mean of this rank's batch over all ranks.
    """
    projected = (image * noise).sum() / math.sqrt(image.shape[2] * image.shape[3])
    (grad,) = torch.autograd.grad(projected, codes, create_graph=True)
    lengths = grad.square().sum(dim=2).mean(dim=1).sqrt()  # (B)
    # The gradient goes through the updated mean too, as in the public release.
    mean = mean + decay * (everywhere(lengths.mean()) - mean)  # ()
    return PathLength((lengths - mean).square().mean(), mean.detach(), lengths)


def mask_loss(coarse: Tensor, mask: SemanticMap) -> Tensor:
    """`mean((coarse - pooled refined)^2)` (SemanticStyleGAN, eq. 6); coarse (B, K, h, w) -> ()."""
    with without_autocast(coarse.device):  # resampling is a matrix product where the mask has low rank
        return (coarse - mask.pooled(*coarse.shape[2:])).square().mean()


def presence_loss(coarse: Tensor, present: Tensor, areas: Tensor, part: float = 0.25, squared: int = 1) -> Tensor:
    """Penalizes classes of a picture's class set that are not visible in it:
    `mean over (b, k) present of max(0, log(part area_k) - log(mean over pixels of m^(2^squared)))`.

    The power counts a class where it is in front rather than faintly everywhere; for classes of a few pixels, a square
    does not suffice. The logarithm keeps a gradient for a
    class that has nearly vanished. coarse: (B, K, h, w), `2 m - 1`; present: (B, K) bool; areas: (K,), usual shares of
    a picture, 0..1; part: the fraction of the usual area that is enough -> (). Our own; not from a paper.
    """
    seen = squares((coarse + 1) / 2, squared).mean(dim=(2, 3))  # (B, K)
    missing = ((part * areas + 1e-8).log() - (seen + 1e-8).log()).clamp_min(0)  # (B, K)
    return (missing * present).sum() / present.sum().clamp_min(1)  # ()
