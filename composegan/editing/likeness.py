"""How like a model's data photos are: the part of a photo that is most like it, and a number before time is spent.

A photo is compared with pictures that the model draws: its distance is the perceptual one (at 64 pixels,
EfficientNet-Lite0's features) to the nearest of them. Features are compared place by place, so a photo that is framed
in another way is as far away as one of something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from composegan.losses.perceptual import PerceptualDistance, perceptual_distance
from composegan.model.random_codes import draw_codes
from composegan.model.sample import draw
from composegan.model.saved_model import Model

DRAWN, SEED = 96, 2**31 + 1
"""Pictures that photos are compared with, and their seed."""
SIZE, BATCH = 64, 32
"""Shorter side at which pictures are compared, pixels; pictures at a time."""
SHARE = 0.99
"""Share of usual pictures that are nearer than the limit."""
MARGIN = 2.0
"""Factor on the limit of generated pictures: the data is farther from them than they are from one another."""


@dataclass(frozen=True)
class Likeness:
    """distance: of a photo; usual: of held-out pictures, sorted; measured: what the distance is to; kind: of the
    held-out pictures; factor: on their limit."""

    distance: float
    usual: tuple[float, ...]
    measured: str
    kind: str = "held-out pictures"
    factor: float = 1.0

    @property
    def limit(self) -> float:
        """What 99 % of held-out pictures stay below, times the factor."""
        return self.factor * float(np.quantile(self.usual, SHARE)) if self.usual else float("inf")

    @property
    def unlike(self) -> bool:
        """Whether the photo is unlike the data."""
        return self.distance > self.limit

    @property
    def farther(self) -> float:
        """Share of held-out pictures that are farther than the photo, 0..1."""
        return float(np.mean(np.asarray(self.usual) > self.distance)) if self.usual else float("nan")

    def __str__(self) -> str:
        found = f"{self.distance:.2f} from {self.measured}"
        if self.unlike:
            times = f" (times {self.factor:g})" if self.factor != 1 else ""
            return (
                f"is unlike the pictures of the model: {found}, where {SHARE:.0%} of {self.kind} are below "
                f"{self.limit:.2f}{times}"
            )
        return f"is like the pictures of the model: {found}, and {self.farther:.0%} of {self.kind} are farther"


@dataclass(frozen=True, eq=False)
class References:
    """Pictures of a model that photos are compared with.

    height, width: of the model; rows: (DRAWN, D), their scaled features; usual: sorted distances of pictures that are
    known to be like the data; kind: which these are; factor: see `Likeness`.
    """

    height: int
    width: int
    distance: PerceptualDistance
    rows: Tensor
    device: torch.device
    usual: tuple[float, ...] = ()
    kind: str = ""
    factor: float = 1.0
    near: float = field(default=float("inf"))

    @classmethod
    def of(cls, model: Model, held_out: np.ndarray | None = None) -> References:
        """Draw the pictures. held_out: uint8 (N, 3, H, W), pictures of the data at the model's size, which say how far
        is usual; without them, the generated ones do, each compared with the others."""
        distance = perceptual_distance("off", SIZE).to(model.device)
        drawn = draw(model, draw_codes(model, DRAWN, seed=SEED, truncation=1.0)).images.transpose(0, 3, 1, 2)
        size = (model.generator.height, model.generator.width)
        found = cls(*size, distance, _rows(distance, drawn, model.device), model.device)
        if held_out is not None and len(held_out):
            usual, kind, factor = found.distances(held_out), "held-out pictures", 1.0
        else:
            apart = torch.cdist(found.rows, found.rows).square()
            usual = apart.fill_diagonal_(float("inf")).amin(dim=1).cpu().numpy()
            kind, factor = "generated pictures", MARGIN
        near = factor * float(np.quantile(usual, 0.9))
        return cls(*size, distance, found.rows, model.device, tuple(sorted(usual.tolist())), kind, factor, near)

    def distances(self, images: np.ndarray) -> np.ndarray:
        """uint8 (N, 3, height, width) -> (N,): of each picture to the nearest that the model drew."""
        rows = _rows(self.distance, images, self.device)
        return torch.cdist(rows, self.rows).square().amin(dim=1).cpu().numpy()

    def likeness(self, images: np.ndarray) -> list[Likeness]:
        """uint8 (N, 3, height, width) -> how like the data each is."""
        measured = "the nearest of its pictures"
        return [
            Likeness(float(one), self.usual, measured, self.kind, self.factor) for one in self.distances(images)
        ]  # fmt: skip


_LAST: dict[str, References] = {}
"""The references of the model that was used last, by the fingerprint of its weights."""


def references_of(model: Model, held_out: Callable[[Model], np.ndarray | None]) -> References:
    """The references of a model, kept for the next call. held_out: reads pictures of the data, see `References.of`."""
    key = f"{model.weights} {model.folder} {model.device}"
    if key not in _LAST:
        found = References.of(model, held_out(model))
        _LAST.clear()
        _LAST[key] = found
    return _LAST[key]


@torch.no_grad()
def _rows(distance: PerceptualDistance, images: np.ndarray, device: torch.device) -> Tensor:
    """Features of pictures, uint8 (N, 3, H, W), scaled so that their squared distance is the perceptual one: (N, D)."""
    parts = []
    for start in range(0, len(images), BATCH):
        pictures = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH])).to(device)
        maps = distance.maps(pictures.float().div(127.5).sub(1))
        scaled = [x.flatten(1) / (len(maps) * x.shape[2] * x.shape[3]) ** 0.5 for x in maps]
        parts.append(torch.cat(scaled, dim=1))
    return torch.cat(parts)
