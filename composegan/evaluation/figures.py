"""One figure of a report, and figures of two sets of pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.evaluation.installed import InstalledMetric
from composegan.evaluation.networks import FeatureNetwork
from composegan.metrics.frechet import frechet_distance, moments
from composegan.metrics.manifold import NEIGHBOURS, precision_recall
from composegan.metrics.of_features import inception_score, kernel_distance
from composegan.metrics.sliced_wasserstein import patch_levels, sliced_wasserstein
from composegan.plugin.contracts import HIGHER, LOWER


@dataclass(frozen=True)
class Figure:
    """better: "lower" or "higher". halves: the same for one half of the real set against the other, each of
    `half_images`; None where there is no such thing. images, real_images: how many it is of. resize: what the pictures
    went through; note: what a reader should know before comparing it, the bias of few images above all.
    """

    name: str
    value: float
    better: str
    halves: float | None
    images: int
    real_images: int
    half_images: int = 0
    resize: str = "none"
    note: str = ""


@dataclass(frozen=True)
class Sets:
    """Rows of the real and of the generated set, and of two disjoint draws from the real one of equal size."""

    real: Tensor
    fake: Tensor

    @property
    def halves(self) -> tuple[Tensor, Tensor]:
        """Each half of the real set, no more of it than there are generated pictures."""
        size, start = min(len(self.real) // 2, len(self.fake)), len(self.real) // 2
        return self.real[:size], self.real[start : start + size]


def of_network(network: FeatureNetwork, real: Tensor, fake: Tensor, wanted: list[str]) -> list[Figure]:
    """The wanted ones of a network's five measures. real, fake: features (N, D).

    Raises UserError when there are too few images.
    """
    sets, names = Sets(real, fake), network.names
    half_a, half_b = sets.halves
    counts = {"images": len(fake), "real_images": len(real), "resize": network.resize, "half_images": len(half_a)}
    figures = []
    if names[0] in wanted:
        figures.append(frechet(names[0], sets, network.channels, network.resize))
    if names[1] in wanted:
        _enough(2, "kernel distance", names[1], real, fake)
        halves = or_none(lambda: kernel_distance(half_a, half_b))
        figures.append(Figure(names[1], kernel_distance(real, fake), LOWER, halves, note="unbiased", **counts))
    if names[2] in wanted:
        _enough(2, "inception score", names[2], fake)
        halves = or_none(lambda: inception_score(_logits(network, half_a)))
        note = f"low for few images: {len(fake):,} in up to 10 parts; beside it that of one real half"
        figures.append(Figure(names[2], inception_score(_logits(network, fake)), HIGHER, halves, note=note, **counts))
    if {names[3], names[4]} & set(wanted):
        _enough(NEIGHBOURS + 1, "precision and recall", names[3], real, fake)
        size = min(len(real), len(fake))
        values = precision_recall(real[:size], fake[:size])
        halves = or_none(lambda: precision_recall(half_a, half_b)) or (None, None)
        counts |= {"images": size, "real_images": size}
        note = f"k={NEIGHBOURS}; figures of other counts cannot be compared"
        for name, value, half in zip(names[3:], values, halves, strict=True):
            if name in wanted:
                figures.append(Figure(name, value, HIGHER, half, note=note, **counts))
    return figures


def frechet(name: str, sets: Sets, dimensions: int, resize: str) -> Figure:
    """A Frechet distance, with what too few images do to it. Raises UserError for fewer than 2."""
    _enough(2, "a Frechet distance", name, sets.real, sets.fake)
    value = frechet_distance(moments(sets.real), moments(sets.fake))
    half_a, half_b = sets.halves
    halves = or_none(lambda: frechet_distance(moments(half_a), moments(half_b)))
    least, note = min(len(sets.real), len(sets.fake)), ""
    if least <= dimensions:
        differ = "" if halves is None else f"; the two halves, of {len(half_a):,} each, differ by {halves:.4g}"
        note = f"biased upwards: {least:,} images for {dimensions:,} features{differ}"
    return Figure(name, value, LOWER, halves, len(sets.fake), len(sets.real), len(half_a), resize, note)


def of_installed(metric: InstalledMetric, sets: Sets) -> Figure:
    """What a metric of an installed package says of its own rows (N, D)."""
    half_a, half_b = sets.halves
    halves = or_none(lambda: metric.distance(half_a, half_b)) if len(half_a) else None
    counts = len(sets.fake), len(sets.real), len(half_a)
    value, better = metric.distance(sets.real, sets.fake), metric.found.plugin.better
    return Figure(metric.name, value, better, halves, *counts, note=f"of {metric.found.home}")


def wasserstein(real: Tensor, fake: Tensor, half: Tensor) -> Figure:
    """Sliced Wasserstein of pictures (N, 3, H, W) uint8; real, half: disjoint draws from the real set."""
    levels, others, third = (patch_levels(images.float() / 127.5 - 1) for images in (real, fake, half))
    halves = sliced_wasserstein(levels, third) if len(half) else None
    value = sliced_wasserstein(levels, others)
    counts = len(fake), len(real), len(half)
    return Figure("sliced_wasserstein", value, LOWER, halves, *counts, note="of patches of 7x7 pixels at three scales")


def _logits(network: FeatureNetwork, features: Tensor) -> Tensor:
    with torch.inference_mode():
        return network.logits(features).cpu()


def _enough(least: int, what: str, name: str, *sets: Tensor) -> None:
    found = min(map(len, sets))
    if found < least:
        raise UserError(f"{name}: {found} images are too few; {what} needs at least {least} real and generated ones")


def or_none(measure: Callable) -> float | tuple[float, float] | None:
    """What it gives; None when the halves are too small for it."""
    try:
        value = measure()
    except UserError:
        return None
    return value if isinstance(value, tuple) or isfinite(value) else None
