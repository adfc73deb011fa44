"""The floor of edit leakage: what a perfect painter scores who recolours one class of a real label map.

Pixels on an outline belong to two classes in part, and to one in the label map. A class that is recoloured with
antialiasing changes each pixel by the share of it that the class covers, so some of the change falls outside the
label. The shares are measured on labels at TIMES the model's size: a demo is drawn so large, other labels are read at
their own size; smaller ones are enlarged with smooth outlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from composegan.data.cache import read_arrays, write_arrays
from composegan.data.fingerprints import digest
from composegan.data.items import Items
from composegan.data.resize import center_crop, fit_labels
from composegan.evaluation.real import RealSet
from composegan.metrics.leakage import grown, margin_of, share_outside, weighted_mean
from composegan.metrics.presence import present
from composegan.runtime.progress import progress_bar

TIMES = 8
"""Supersampling: a pixel is covered in steps of 1/64."""
IMAGES, PIXELS = 48, 2**24
"""Label maps, at most, and supersampled pixels of all of them together, unless that is fewer than LEAST maps."""
LEAST = 8


@dataclass(frozen=True)
class Floor:
    """By class, each (K,) float64, NaN for a class in no image: the leakage without and with a margin, and the mean
    change, as the share of the picture that the class covers. images: how many label maps."""

    leakage: Tensor
    leakage_margin: Tensor
    change: Tensor
    images: int

    @property
    def mean(self) -> float:
        """With a margin, weighted over classes by change."""
        return weighted_mean(self.leakage_margin, self.change)

    @property
    def mean_strict(self) -> float:
        """Without margin, weighted over classes by change."""
        return weighted_mean(self.leakage, self.change)


def floor_of(real: RealSet) -> Floor:
    """The floor of a real set, from the cache if it is there. Raises UserError if labels cannot be read."""
    height, width = real.data.height, real.data.width
    count = min(len(real), max(LEAST, min(IMAGES, PIXELS // (height * width * TIMES**2))))
    path = real.folder / f"floor-{digest([TIMES, count])}.npz" if real.folder else None
    names = ("leakage", "leakage_margin", "change")
    found = read_arrays(path) if path else None
    if found and all(name in found and found[name].shape == (real.classes,) for name in names):
        return _floor_of([torch.from_numpy(found[name]).double() for name in names], count)
    source = real.detailed() if real.detailed else real.source
    items = Items(source, real.classes, real.data.on_error, count)
    sums, known, read = torch.zeros(3, real.classes, dtype=torch.float64), torch.zeros(real.classes), 0
    with progress_bar("Recolouring real labels", count) as advance:
        for number in real.numbers[:count]:
            if (sample := items.read(number)) is not None:
                rows = recolouring(fine_labels(sample.labels, height, width), height, width, real.classes)
                known += ~rows[0].isnan()
                sums += rows.nan_to_num(0)
                read += 1
            advance(1)
    means = sums / known
    if path and read == count:
        write_arrays(path, **dict(zip(names, means.numpy(), strict=True)))
    return _floor_of(list(means), read)


def _floor_of(columns: Sequence[Tensor], images: int) -> Floor:
    leakage, with_margin, change = columns
    return Floor(leakage, with_margin, change, images)


def fine_labels(labels: np.ndarray, height: int, width: int) -> Tensor:
    """uint8 (h, w) -> (TIMES * height, TIMES * width), cropped at the center to the aspect ratio; enlarged smoothly."""
    rows, columns = center_crop(labels, height, width)
    labels = labels[rows, columns]
    if min(labels.shape[0] / height, labels.shape[1] / width) >= TIMES:
        return torch.from_numpy(fit_labels(labels, TIMES * height, TIMES * width))
    return enlarged(torch.from_numpy(np.ascontiguousarray(labels)), TIMES * height, TIMES * width)


def enlarged(labels: Tensor, height: int, width: int) -> Tensor:
    """Labels (h, w) at a larger size: the class with the largest bilinear weight, without a channel per class."""
    (top, bottom, down), (left, right, along) = _between(labels.shape[0], height), _between(labels.shape[1], width)
    corners = torch.stack([labels[y][:, x] for y in (top, bottom) for x in (left, right)])  # (4, H, W)
    weights = torch.stack([y[:, None] * x for y in (1 - down, down) for x in (1 - along, along)])  # (4, H, W)
    votes = torch.stack([((corners == corner) * weights).sum(dim=0) for corner in corners])  # (4, H, W)
    return corners.gather(0, votes.argmax(dim=0, keepdim=True))[0]


def _between(size: int, new_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """For the center of each new pixel: the old pixels before and after it, and how far it is from the first, 0..1."""
    place = ((torch.arange(new_size) + 0.5) * size / new_size - 0.5).clamp(0, size - 1)
    before = place.floor().long()
    return before, (before + 1).clamp(max=size - 1), place - before


def recolouring(fine: Tensor, height: int, width: int, classes: int) -> Tensor:
    """Recolour each class of one label map in turn, antialiased.

    fine: (TIMES * height, TIMES * width) -> (3, K) float64: leakage without and with a margin, and the mean change;
    NaN for classes that are not present.
    """
    labels = torch.from_numpy(fit_labels(fine.numpy(), height, width)).long()  # (H, W), as the model learns them
    shares = torch.bincount(labels.flatten(), minlength=classes) / labels.numel()
    rows = torch.full((3, classes), torch.nan, dtype=torch.float64)
    for k in present(shares).nonzero()[:, 0].tolist():
        covered = (fine == k).view(1, height, TIMES, width, TIMES).sum(dim=(2, 4)) / TIMES**2  # (1, H, W)
        region = (labels == k)[None]
        rows[0, k] = share_outside(covered, region)[0]
        rows[1, k] = share_outside(covered, grown(region, margin_of(height, width)))[0]
        rows[2, k] = covered.double().mean()
    return rows
