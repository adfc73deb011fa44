"""Edits carried back into a photo at its own resolution.

Where a class keeps its pixels, the difference of the model's pictures after and before the edit is added to the photo,
so that the photo keeps its details. Where another class appears, there is nothing to keep: the model's picture takes
the place of the photo, corrected by what the model misses of that class elsewhere in the photo. All other pixels stay
bit for bit as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from composegan.data.framing import Framed
from composegan.metrics.leakage import grown

STRIP = 256
"""Rows of the photo that are computed at a time: memory does not grow with the photo."""
RADIUS, SMOOTH = 2, 1e-3
"""Radius of the guided filter in pixels of the model, and its regularization in squared colours of 0..1."""
COVERED = 2
"""Pixels of the model by which a part that changes its class is grown: the outline of the old class is there."""
FEATHER = 1 / 16
"""Width of the seam at an edge of the frame that is not one of the photo, as a part of the frame's shorter side."""


@dataclass(frozen=True, eq=False)
class Change:
    """An edit of one picture as the model draws it.

    before, after: uint8 (h, w, 3); labels, new_labels: (h, w), classes before and after; region: (h, w) bool, the
    pixels that the edit may change.
    """

    before: np.ndarray
    after: np.ndarray
    labels: np.ndarray
    new_labels: np.ndarray
    region: np.ndarray


def paste_into_photo(photo: Framed, edit: Change) -> Framed:
    """The photo with the edit, at its own resolution; pixels farther than a few pixels of the model from the region
    are not changed."""
    height, width = edit.labels.shape
    frame = photo.frame
    small = colors_of(photo.fitted(height, width))  # (3, h, w)
    maps = maps_of(small, edit)
    smooth = enlarged(torch.cat((maps.shift, maps.fresh)), frame.height, frame.width, "bicubic")
    soft = enlarged(torch.cat((maps.slope, maps.offset, maps.near, maps.inside, maps.swap)), frame.height, frame.width)
    seam = seam_of(photo)
    pixels = photo.pixels.copy()
    inside = pixels[frame.rows, frame.columns]  # a view
    for start in range(0, frame.height, STRIP):
        rows = slice(start, start + STRIP)
        old = colors_of(inside[rows])  # (3, rows, W)
        shift, fresh = smooth(rows).chunk(2)
        slope, (offset, near, core, swap) = (part := soft(rows))[:3], part[3:]
        fit = (slope * old).sum(dim=0) + offset  # the region's outline as the photo has it
        weight = torch.maximum(ramp((1.4 * fit - 0.2).clamp(0, 1)) * near.clamp(0, 1), core.clamp(0, 1))  # (rows, W)
        swap = ramp(swap.clamp(0, 1))
        new = torch.lerp(old + shift, fresh, swap)
        weight = torch.maximum(weight, swap) * (seam[0][rows, None] * seam[1])
        weight[weight < 1 / 512] = 0
        mixed = old + weight * (new - old)
        inside[rows] = mixed.mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return replace(photo, pixels=pixels)


@dataclass(frozen=True)
class Maps:
    """Maps at the model's size. shift: (3, h, w), added where classes stay; fresh: (3, h, w), colours of new classes;
    swap: (1, h, w), how far the latter replace the photo; slope (3, h, w), offset (1, h, w): the region's outline as a
    linear function of the photo's colours; near, inside: (1, h, w), its upper and lower bounds."""

    shift: Tensor
    fresh: Tensor
    swap: Tensor
    slope: Tensor
    offset: Tensor
    near: Tensor
    inside: Tensor


def maps_of(small: Tensor, edit: Change) -> Maps:
    """small: the photo at the model's size, (3, h, w) in 0..1."""
    before, after = colors_of(edit.before), colors_of(edit.after)
    region = torch.from_numpy(edit.region)
    swapped = thick(region & torch.from_numpy(edit.labels != edit.new_labels))
    cover = grown(swapped[None], COVERED)[0] if swapped.any() else swapped
    stay = region & ~cover
    shift = extended(after - before, stay if stay.any() else region)
    fresh = after + missing(small - before, edit.labels, edit.new_labels, cover)
    slope, offset = guided(region, small)
    outline = region[None].float()
    return Maps(
        shift=shift if region.any() else torch.zeros_like(small),
        fresh=extended(fresh, cover) if cover.any() else fresh,
        swap=blurred(cover[None].float()),
        slope=slope,
        offset=offset,
        near=1.5 * blurred(grown(region[None], 1).float()),
        inside=1 - blurred(grown(~region[None], 1).float()) if outline.any() else torch.zeros_like(outline),
    )


def missing(residual: Tensor, labels: np.ndarray, new_labels: np.ndarray, cover: Tensor) -> Tensor:
    """What the model misses of the photo (3, h, w), for the classes of `new_labels`: from where they are already."""
    found = torch.zeros_like(residual)
    for number in np.unique(new_labels[cover.numpy()]):
        known = torch.from_numpy((labels == number) & (new_labels == number)) & ~cover
        if known.any():
            found = torch.where(torch.from_numpy(new_labels == number), blurred(extended(residual, known)), found)
    return found


def thick(region: Tensor) -> Tensor:
    """(h, w) bool without what is thinner than two pixels: outlines of classes flicker by a pixel."""
    core = F.max_pool2d(F.pad((~region)[None].float(), (0, 1, 0, 1), value=1.0), 2, stride=1)[0] == 0
    return F.max_pool2d(F.pad(core[None].float(), (1, 0, 1, 0)), 2, stride=1)[0] > 0


def extended(values: Tensor, known: Tensor) -> Tensor:
    """Values (C, h, w) continued smoothly from where they are known, (h, w) bool.

    Averages of ever larger blocks fill what smaller ones leave (pull-push, Gortler et al. 1996, "The Lumigraph").
    """
    weight = known[None].float()
    sums = [(values * weight, weight)]
    while max(sums[-1][1].shape[1:]) > 1:
        sums.append(tuple(F.avg_pool2d(part, 2, ceil_mode=True) for part in sums[-1]))  # type: ignore[arg-type]
    filled = sums[-1][0] / sums[-1][1].clamp_min(1e-9)
    for total, weight in reversed(sums[:-1]):
        filled = F.interpolate(filled[None], total.shape[1:], mode="bilinear", align_corners=False)[0]
        filled = torch.where(weight > 0, total / weight.clamp_min(1e-9), filled)
    return filled


def guided(region: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
    """A region (h, w) bool as a linear function of colours (3, h, w): slopes (3, h, w) and offset (1, h, w).

    Applied to the photo at full size, it puts the region's outline where the photo has an edge (the guided filter, He
    et al. 2013, for a guide in colour, in its fast form, arXiv 1505.00996).
    """
    target = region[None].float()
    mean, goal = blurred(guide, RADIUS), blurred(target, RADIUS)
    pairs = (guide[:, None] * guide[None]).flatten(0, 1)  # (9, h, w)
    spread = blurred(pairs, RADIUS) - (mean[:, None] * mean[None]).flatten(0, 1)
    together = blurred(guide * target, RADIUS) - mean * goal  # (3, h, w)
    matrix = spread.view(3, 3, *region.shape).permute(2, 3, 0, 1) + SMOOTH * torch.eye(3)  # (h, w, 3, 3)
    slope = torch.linalg.solve(matrix, together.permute(1, 2, 0)).permute(2, 0, 1)
    offset = goal - (slope * mean).sum(dim=0, keepdim=True)
    return blurred(slope, RADIUS), blurred(offset, RADIUS)


def blurred(values: Tensor, radius: int = 1) -> Tensor:
    """(C, h, w), means over squares of 2 radius + 1 pixels."""
    return F.avg_pool2d(F.pad(values[None], [radius] * 4, mode="replicate"), 2 * radius + 1, stride=1)[0]


def ramp(values: Tensor) -> Tensor:
    """0..1 with a smooth start and end: `x^2 (3 - 2 x)`."""
    return values * values * (3 - 2 * values)


def enlarged(maps: Tensor, height: int, width: int, mode: str = "bilinear") -> Callable[[slice], Tensor]:
    """A function of a slice of rows: these rows of the maps (C, h, w) at (height, width), (C, rows, width)."""
    down, across = (_matrix(old, new, mode) for old, new in zip(maps.shape[1:], (height, width), strict=True))
    wide = maps @ across.T  # (C, h, width)
    return lambda rows: down[rows] @ wide


def _matrix(old: int, new: int, mode: str) -> Tensor:
    """The interpolation of `old` values to `new` as a matrix, (new, old)."""
    identity = torch.eye(old)[None, None]
    return F.interpolate(identity, (new, old), mode=mode, align_corners=False, antialias=new < old)[0, 0]


def seam_of(photo: Framed) -> tuple[Tensor, Tensor]:
    """Weights of the rows and of the columns of the frame, which fall to 0 at edges that are not the photo's."""
    frame, (rows, columns) = photo.frame, photo.pixels.shape[:2]
    reach = FEATHER * min(frame.height, frame.width)

    def weights(count: int, before: int, behind: int) -> Tensor:
        place = torch.arange(count) + 0.5
        nearest = torch.full_like(place, reach)
        for there, distance in ((before, place), (behind, count - place)):
            nearest = torch.minimum(nearest, distance) if there else nearest
        return ramp(nearest / reach)

    return (
        weights(frame.height, frame.top, rows - frame.top - frame.height),
        weights(frame.width, frame.left, columns - frame.left - frame.width),
    )


def colors_of(picture: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) -> (3, H, W) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255
