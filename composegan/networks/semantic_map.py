"""A segmentation mask that avoids K channels at full size.

Two forms, one type. A *labelled* map is a uint8 label image; it stands for `onehot * 2 - 1`. A *generated* map is
`upsampled(coarse) + U r`: the coarse mask (K channels, small), a refinement r with E channels at full size and a
basis U (K, E). With E = K and U = I the refinement holds the whole mask, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.networks.resample import upsample_times, upsampled_mean_matrix

UNKNOWN = 255
"""The label of a pixel whose class is not given. A domain has at most 255 classes, 0..254."""


@dataclass(frozen=True)
class SemanticMap:
    """Exactly one of `label_image` and `refinement` is given.

    classes: K; label_image: (B, H, W) uint8; refinement: (B, E, H, W);
    coarse: (B, K, h, w) in -1..1 or None; basis: (K, E) or None for the identity.
    """

    classes: int
    label_image: Tensor | None = None
    refinement: Tensor | None = None
    coarse: Tensor | None = None
    basis: Tensor | None = None

    @classmethod
    def from_labels(cls, labels: Tensor, classes: int) -> SemanticMap:
        """labels: (B, H, W), integers in 0..K-1."""
        return cls(classes, label_image=labels)

    def _doublings(self, coarse: Tensor) -> int:
        return (self._fine.shape[2] // coarse.shape[2]).bit_length() - 1

    def _upsampled(self, coarse: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, H, W)."""
        return upsample_times(coarse, self._doublings(coarse))

    @property
    def _fine(self) -> Tensor:
        """The refinement (B, E, H, W) of a generated map."""
        assert self.refinement is not None
        return self.refinement

    def logits(self) -> Tensor:
        """(B, K, H, W), where a real mask is -1 and 1. The only call that builds K channels at full size."""
        if self.label_image is not None:
            onehot = F.one_hot(self.label_image.long(), self.classes).permute(0, 3, 1, 2)  # (B, K, H, W)
            return onehot.to(torch.get_default_dtype()) * 2 - 1
        fine = self._fine  # (B, E, H, W)
        if self.basis is not None:
            fine = F.conv2d(fine, self.basis[..., None, None].to(fine.dtype))  # (B, K, H, W)
        if self.coarse is None:
            return fine
        return fine + self._upsampled(self.coarse)  # (B, K, H, W)

    def labels(self) -> Tensor:
        """(B, H, W) uint8: the class with the highest logit."""
        if self.label_image is not None:
            return self.label_image
        return self.logits().argmax(dim=1).to(torch.uint8)  # (B, H, W)

    def project(self, weight: Tensor, bias: Tensor) -> Tensor:
        """`weight @ logits + bias` at every pixel, without the logits.

        weight: (C, K); bias: (C,) -> (B, C, H, W). For labels a table look-up; for a low-rank map
        `upsampled(W coarse) + (W U) r`.
        """
        if self.label_image is not None:
            table = 2 * weight.T - weight.sum(dim=1) + bias  # (K, C): W (2 onehot_k - 1) + b
            return F.embedding(self.label_image.long(), table).permute(0, 3, 1, 2)  # (B, C, H, W)
        fine = weight if self.basis is None else weight @ self.basis.to(weight.dtype)  # (C, E)
        out = F.conv2d(self._fine, fine[..., None, None], bias)  # (B, C, H, W)
        if self.coarse is None:
            return out
        return out + self._upsampled(F.conv2d(self.coarse, weight[..., None, None]))

    def pooled(self, height: int, width: int) -> Tensor:
        """The logits averaged down to (B, K, height, width); a divisor of the full size."""
        if self.label_image is not None:
            return F.adaptive_avg_pool2d(self.logits(), (height, width))  # (B, K, h, w)
        fine = F.adaptive_avg_pool2d(self._fine, (height, width))  # (B, E, h, w)
        if self.basis is not None:
            fine = F.conv2d(fine, self.basis[..., None, None].to(fine.dtype))  # (B, K, h, w)
        if self.coarse is None:
            return fine
        if self.coarse.shape[2:] != (height, width):
            return fine + F.adaptive_avg_pool2d(self._upsampled(self.coarse), (height, width))  # (B, K, h, w)
        doublings = self._doublings(self.coarse)
        rows = upsampled_mean_matrix(height, doublings, like=self.coarse)  # (h, h)
        columns = upsampled_mean_matrix(width, doublings, like=self.coarse)  # (w, w)
        return fine + rows @ self.coarse @ columns.T  # (B, K, h, w)


def label_shares(labels: Tensor, classes: int, height: int, width: int) -> Tensor:
    """labels (B, H, W) -> the share of each class in each cell, (B, K, height, width), divisors of the full size.

    `(pooled + 1) / 2` of the labelled map, without K channels at full size.
    """
    cells = labels.unflatten(2, (width, -1)).unflatten(1, (height, -1))  # (B, h, y, w, x)
    cells = cells.transpose(2, 3).flatten(3).flatten(1, 2).long()  # (B, h w, y x)
    one = torch.full((), 1 / cells.shape[2], device=labels.device).expand(cells.shape)
    shares = one.new_zeros(*cells.shape[:2], classes).scatter_add_(2, cells, one)  # (B, h w, K)
    return shares.transpose(1, 2).unflatten(2, (height, width))  # (B, K, h, w)
