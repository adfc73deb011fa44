"""Recolouring: the smallest change of a class's texture code that gives the class a mean colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import ImageColor
from torch import Tensor

from composegan.editing.edit import Edit
from composegan.editing.invert import spread
from composegan.editing.target import Target
from composegan.errors import UserError, shown
from composegan.model.codes import Codes, concat_codes
from composegan.model.saved_model import Model

ROUNDS = 12
REACH = 2.0
"""Length of the longest step, in standard deviations of a code."""
DAMPING = 1e-3
"""Of the Gauss-Newton step, relative to its matrix: directions of colour that a code hardly changes stay."""
CLOSE = 0.25 / 127.5
"""A mean colour this close is reached: a quarter of a grey level."""


def color_of(color: str | Sequence[int]) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of "#a04020", "rgb(160, 64, 32)", a name such as "teal", or three numbers.

    Raises UserError for anything else.
    """
    try:
        found = ImageColor.getrgb(color)[:3] if isinstance(color, str) else tuple(map(int, color))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"color={shown(color)}: is no color; write one such as '#a04020', or a name such as teal"
        ) from error
    if len(found) != 3 or not all(0 <= value <= 255 for value in found):
        raise UserError(f"color={shown(color)}: is no color; three numbers from 0 to 255 are needed")
    return found[0], found[1], found[2]


def recolor_codes(model: Model, codes: Codes, target: Target, color: tuple[int, int, int], batch: int = 16) -> Codes:
    """Codes whose pictures show each class of the target with this mean colour, as nearly as its texture code can.

    Gauss-Newton steps, each the smallest that reaches the colour to first order. Pictures without the class stay as
    they are. color: red, green and blue, 0..255.
    """
    wanted = torch.tensor(color, device=model.device) / 127.5 - 1  # (3)
    parts = []
    for drawing, run in model.by_weights(codes):
        for start in range(0, len(run), batch):
            part = run[start : start + batch]
            for name in target.classes:
                part = _recolored(drawing, part, name, wanted)
            parts.append(part)
    return replace(codes, slots=concat_codes(parts).slots)


def _recolored(model: Model, codes: Codes, name: str, wanted: Tensor) -> Codes:
    """One class of some pictures; wanted: (3) in -1..1. A step that brings a colour no nearer is shortened."""
    index, slots = model.index(name), codes.slots.to(model.device)
    slot = model.generator.layout.shape_slot(index) + 1
    with torch.inference_mode(False), torch.enable_grad():
        slots, at = slots.clone(), torch.tensor([slot], device=slots.device)
        best, step = slots[:, slot].clone(), torch.zeros_like(slots[:, slot])  # (N, S) twice
        reached = torch.full((len(slots),), math.inf, device=slots.device)  # (N,)
        longest = REACH * math.sqrt(slots.shape[2]) * spread(model).mean().expand(len(slots), 1)  # (N, 1)
        for round_ in range(ROUNDS + 1):
            code = (best + step).requires_grad_()  # (N, S)
            picture = model.with_gradients(codes, slots.index_copy(1, at, code[:, None]))
            region = picture.mask.labels() == index  # (N, H, W)
            away = (wanted - mean_color(picture.image.clamp(-1, 1), region)).nan_to_num().detach()  # (N, 3)
            nearer = (away.norm(dim=1) < reached)[:, None]  # (N, 1)
            best = torch.where(nearer, code, best).detach()
            reached = torch.where(nearer[:, 0], away.norm(dim=1), reached)
            if (reached < CLOSE).all() or round_ == ROUNDS:
                break
            # The slope without the cut at -1 and 1, where it would be 0.
            mean = mean_color(picture.image, region).nan_to_num()  # (N, 3)
            slope = torch.stack(
                [torch.autograd.grad(part.sum(), code, retain_graph=True)[0] for part in mean.unbind(1)], dim=1
            )  # (N, 3, S)
            square = slope @ slope.mT  # (N, 3, 3)
            damping = DAMPING * square.diagonal(dim1=1, dim2=2).mean(dim=1).clamp_min(1e-12)  # (N)
            square = square + damping[:, None, None] * torch.eye(3, device=square.device)
            found = (slope.mT @ torch.linalg.solve(square, away[..., None]))[..., 0]  # (N, S)
            found = found * (longest / found.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)
            longest = torch.where(nearer, longest, longest / 4)
            step = torch.where(nearer, found, step / 4).detach()
        slots[:, slot] = best
    return replace(codes, slots=slots)


def mean_color(image: Tensor, region: Tensor) -> Tensor:
    """image (N, 3, H, W), region (N, H, W) bool -> its mean colour there (N, 3); NaN for an empty region."""
    count = region.sum(dim=(1, 2))[:, None]  # (N, 1)
    total = (image * region[:, None]).sum(dim=(2, 3))  # (N, 3)
    return torch.where(count > 0, total / count.clamp_min(1), torch.nan)


def far_from(edit: Edit, color: tuple[int, int, int]) -> list[str]:
    """A line for each class of an edit: how far its mean colour is from `color`, in grey levels
    of the channel that is farthest, in the worst picture that shows it."""
    lines = []
    for name in edit.classes:
        index = edit.after.codes.index(name)
        regions = edit.after.labels == index
        away = [
            float(np.abs(image[region].mean(axis=0) - color).max())
            for image, region in zip(edit.after.images, regions, strict=True)
            if region.any()
        ]
        if away:
            wanted = "#{:02x}{:02x}{:02x}".format(*color)
            lines.append(f"{name}: mean color within {max(away):.0f} grey levels of {wanted}")
    return lines
