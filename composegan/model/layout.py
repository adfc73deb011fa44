"""The painted pixels of codes: `Codes.layout`, a label map for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.networks.layout import OPEN, opened

if TYPE_CHECKING:
    from composegan.model.codes import Codes


def moved_over(codes: Codes, other: Codes, taken: Tensor) -> Tensor | None:
    """The layout of `codes`, with the painted pixels of the classes `taken` (N, K) bool from `other` instead of its
    own. other: N pictures or one. None if there are no painted pixels."""
    if codes.layout is None and other.layout is None:
        return None
    own, theirs = layout_of(codes, other.layout), layout_of(other, codes.layout).expand(len(codes), -1, -1)
    _check_sizes(own, theirs)
    own, theirs = opened(own, ~taken), opened(theirs, taken)
    return torch.where(theirs == OPEN, own, theirs)


def joined(parts: Sequence[Codes]) -> Tensor | None:
    """The layouts of all parts, one after another; None if none has painted pixels."""
    painted = next((part.layout for part in parts if part.layout is not None), None)
    if painted is None:
        return None
    layouts = [layout_of(part, painted) for part in parts]
    for layout in layouts:
        _check_sizes(layouts[0], layout)
    return torch.cat(layouts)


def layout_of(codes: Codes, like: Tensor | None) -> Tensor:
    """The layout of codes, (N, H, W); all OPEN, of the size of `like`, if they have none."""
    if codes.layout is not None:
        return codes.layout
    assert like is not None
    return like.new_full((len(codes), *like.shape[1:]), OPEN)


def check_layout(name: str, layout: np.ndarray, shape: tuple[int, ...], classes: int) -> None:
    """Raise UserError unless a layout that was read is uint8 of this shape with labels of K classes, or OPEN."""
    if layout.dtype != np.uint8 or layout.shape != shape or (layout[layout != OPEN] >= classes).any():
        raise UserError(
            f"{name}: layout is {layout.dtype} {layout.shape}, or has labels that are no class; the model needs uint8 "
            f"{shape}, 0 to {classes - 1} or {OPEN}"
        )


def _check_sizes(layout: Tensor, other: Tensor) -> None:
    if layout.shape[1:] != other.shape[1:]:
        given = " and ".join(f"{part.shape[2]}x{part.shape[1]}" for part in (layout, other))
        raise UserError(f"codes: painted pixels of pictures of different sizes, {given}; use codes of one model")
