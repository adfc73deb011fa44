"""Attributes of a picture: figures about one class of its generated mask, and about the colour inside it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from composegan.errors import UserError, nearest
from composegan.metrics.thresholds import PRESENT


@dataclass(frozen=True)
class Attribute:
    """A number per picture.

    text: as it was written; kind: its first word; subject: the class, "" without one; binary: its values are 0 and 1.
    measure: images (N, 3, H, W) in -1..1 and labels (N, H, W) -> (N,) float64, NaN where undefined (the colour of a
    class that the picture does not show). weights: fingerprint of the network that measures it, "" without one.
    """

    text: str
    kind: str
    subject: str
    binary: bool
    measure: Callable[[Tensor, Tensor], Tensor]
    weights: str = ""


def area(images: Tensor, region: Tensor) -> Tensor:
    """The fraction of the picture that a region covers, 0..1. region: (N, H, W) bool -> (N,)."""
    return region.double().mean(dim=(1, 2))


def presence(images: Tensor, region: Tensor) -> Tensor:
    """1 if the region covers at least `PRESENT` of the picture, else 0."""
    return (area(images, region) >= PRESENT).double()


def brightness(images: Tensor, region: Tensor) -> Tensor:
    """Luma of the mean colour, 0..1: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)."""
    return mean_color(images, region) @ torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64, device=images.device)


def saturation(images: Tensor, region: Tensor) -> Tensor:
    """HSV saturation of the mean colour, 0..1: `(max - min) / max`; 0 for black."""
    color = mean_color(images, region)  # (N, 3)
    most = color.amax(dim=1)
    return (most - color.amin(dim=1)) / most.clamp_min(1e-6)


def hue(images: Tensor, region: Tensor) -> Tensor:
    """Hue of the mean colour in turns from red, -0.5..0.5: 1/6 is yellow, 1/3 green, -1/3 blue. NaN for grey."""
    r, g, b = mean_color(images, region).unbind(dim=1)
    angle = torch.atan2(math.sqrt(3) * (g - b), 2 * r - g - b) / (2 * math.pi)
    grey = (torch.maximum(torch.maximum(r, g), b) - torch.minimum(torch.minimum(r, g), b)) < 1e-6
    return torch.where(grey, torch.nan, angle)


FIGURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "area": area,
    "presence": presence,
    "x": lambda images, region: _center(region, dim=1),  # fraction of the width, from the left
    "y": lambda images, region: _center(region, dim=2),  # fraction of the height, from the top
    "brightness": brightness,
    "saturation": saturation,
    "hue": hue,
    "red": lambda images, region: _excess(images, region, 0),
    "green": lambda images, region: _excess(images, region, 1),
    "blue": lambda images, region: _excess(images, region, 2),
}
"""By name; each takes images (N, 3, H, W) in -1..1 and a region (N, H, W) bool -> (N,) float64."""


def class_attribute(text: str, names: Sequence[str]) -> Attribute:
    """Parse `area(hair)` and the like, see `FIGURES`. names: the classes in order of label value.

    Raises UserError, offering the nearest, for an unknown attribute or class.
    """
    found = re.fullmatch(r"\s*([\w-]+)\s*\(\s*([^()]+?)\s*\)\s*", text)
    if not found:
        raise UserError(
            f"attribute={text}: write it as in 'attribute=area(hair)'; known: {', '.join(FIGURES)}, "
            "and classifier(NETWORK:CLASS)"
        )
    kind, subject = found[1], found[2]
    if kind not in FIGURES:
        raise UserError(f"attribute={text}: there is no {kind!r}; {nearest(kind, [*FIGURES, 'classifier'])}")
    if subject not in names:
        raise UserError(f"attribute={text}: there is no class {subject!r}; {nearest(subject, names)}")
    figure, label = FIGURES[kind], names.index(subject)
    return Attribute(
        f"{kind}({subject})", kind, subject, kind == "presence",
        lambda images, labels: figure(images, labels == label),
    )  # fmt: skip


def mean_color(images: Tensor, region: Tensor) -> Tensor:
    """Mean over a region of images (N, 3, H, W) in -1..1 (clamped): (N, 3) RGB in 0..1, NaN for too few pixels."""
    colors = (images.double().clamp(-1, 1) + 1) / 2
    total = (colors * region[:, None]).sum(dim=(2, 3))  # (N, 3)
    return total / _pixels(region)[:, None]


def _pixels(region: Tensor) -> Tensor:
    """Number of pixels: (N, H, W) bool -> (N,) float64, NaN for less than `PRESENT` of the picture."""
    count = region.double().sum(dim=(1, 2))
    return torch.where(count >= PRESENT * region[0].numel(), count, torch.nan)


def _center(region: Tensor, dim: int) -> Tensor:
    """Mean position along the other dimension, 0..1: (N, H, W) bool -> (N,), NaN for too few pixels."""
    weights = region.double().sum(dim=dim)  # (N, L)
    places = (torch.arange(weights.shape[1], dtype=torch.float64, device=weights.device) + 0.5) / weights.shape[1]
    return weights @ places / _pixels(region)


def _excess(images: Tensor, region: Tensor, channel: int) -> Tensor:
    """How far a channel of the mean colour is above the mean of the other two, -1..1."""
    color = mean_color(images, region)  # (N, 3)
    return 1.5 * color[:, channel] - 0.5 * color.sum(dim=1)
