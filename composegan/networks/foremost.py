"""The foremost classes of each pixel, without K channels at full size where the mask has fewer."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from composegan.networks.resample import upsample_matrix
from composegan.networks.routing import Routing
from composegan.networks.semantic_map import SemanticMap

STRIP = 1 << 22
"""Logits, of all classes and of the whole batch, that a low-rank mask is expanded to at a time."""
ABSENT = -1e4
"""The logit in a vacant seat: its weight is 0 exactly."""


def foremost_of(mask: SemanticMap, count: int, routing: Routing | None = None) -> tuple[Tensor, Tensor]:
    """The `count` largest logits of each pixel of a generated mask, and their classes: two of (B, count, P).

    routing: the classes that are present, None: all. A picture with fewer than `count` has class 0 in the other places,
    with the logit ABSENT. A low-rank mask is expanded strip by strip, and again for the gradient.
    """
    if routing is not None:
        count = min(count, routing.seats[1])
    value, index = _largest(mask, count, routing)  # (B, count, P) twice
    if routing is not None:
        pixels = index.shape[2]
        index = routing.seat_class[..., None].expand(-1, -1, pixels).gather(1, index)  # (B, count, P), of the K classes
    return value, index


def _largest(mask: SemanticMap, count: int, routing: Routing | None) -> tuple[Tensor, Tensor]:
    """As `foremost_of`, with places among the seats of `routing` instead of classes."""
    fine, coarse = mask.refinement, mask.coarse
    assert fine is not None
    height, width = fine.shape[2:]
    vacant = None if routing is None else routing.vacant  # (B, Q)
    if mask.basis is None:
        logits = mask.logits()  # (B, K, H, W)
        return foremost(_filled(logits if routing is None else routing.seated(logits), vacant).flatten(2), count)
    basis, matrices = mask.basis.to(fine.dtype), None  # (K, E)
    if routing is not None:
        basis = basis[routing.seat_class]  # (B, Q, E)
        coarse = None if coarse is None else routing.seated(coarse)  # (B, Q, h, w)
    if coarse is not None:
        doublings = (height // coarse.shape[2]).bit_length() - 1
        matrices = [upsample_matrix(size, doublings, like=coarse) for size in coarse.shape[2:]]

    def strip(fine: Tensor, *apart: Tensor) -> tuple[Tensor, Tensor]:
        logits = torch.matmul(basis, fine.flatten(2)).unflatten(2, fine.shape[2:])  # (B, Q, s, W)
        if apart:
            coarse, rows, columns = apart  # (B, Q, h, w), (s, h), (W, w)
            logits = logits + rows @ coarse @ columns.T  # (B, Q, s, W)
        return foremost(_filled(logits, vacant).flatten(2), count)

    # Compiled, strips may not depend on how many classes are present.
    classes = mask.classes if torch.compiler.is_compiling() else basis.shape[-2]
    rows_each = max(1, STRIP // (len(fine) * classes * width))
    parts = []
    for first in range(0, height, rows_each):
        last = first + rows_each
        given = (coarse, matrices[0][first:last], matrices[1]) if matrices else ()
        parts.append(checkpoint(strip, fine[:, :, first:last], *given, use_reentrant=False, preserve_rng_state=False))
    value, index = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))  # (B, n, P)
    return value, index


def foremost(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest logits of each pixel and their classes: (B, K, P) -> two of (B, count, P), largest first."""
    if count != 2:
        return logits.topk(count, dim=1)
    value, index = logits.max(dim=1, keepdim=True)  # (B, 1, P); faster than topk on CPU
    others, second = logits.scatter(1, index, -math.inf).max(dim=1, keepdim=True)  # (B, 1, P)
    return torch.cat((value, others), dim=1), torch.cat((index, second), dim=1)


def _filled(logits: Tensor, vacant: Tensor | None) -> Tensor:
    return logits if vacant is None else logits.masked_fill_(vacant[:, :, None, None], ABSENT)
