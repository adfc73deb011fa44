"""Metrics of installed packages, in the form in which reports and scores take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from composegan.evaluation.names import MEASURES
from composegan.evaluation.real import RealSet
from composegan.plugin import registry
from composegan.plugin.contracts import METRIC
from composegan.plugin.registry import Found
from composegan.runtime.progress import progress_bar


@dataclass(frozen=True)
class InstalledMetric:
    """A metric, whose faults are told as its distribution's. classes: size of the vocabulary."""

    found: Found
    classes: int

    @property
    def name(self) -> str:
        return self.found.name

    @torch.inference_mode()
    def rows(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images uint8 (B, 3, H, W), labels uint8 (B, H, W) -> float32 (B, D), on the CPU."""
        with self.found.answering() as metric:
            rows = metric.describe(images, labels, self.classes)
            if not isinstance(rows, Tensor) or rows.ndim != 2 or len(rows) != len(images):
                shape = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
                raise TypeError(f"describe gives {shape} for {len(images)} pictures; a row of numbers each is needed")
            return rows.float().cpu()

    def distance(self, real: Tensor, fake: Tensor) -> float:
        """Rows (N, D), (M, D) -> what the metric says."""
        with self.found.answering() as metric:
            return float(metric.compare(real, fake))


def installed_metrics(names: Sequence[str], classes: int) -> list[InstalledMetric]:
    """Those among `names` that are none of composegan's own. Raises UserError for one that cannot be used."""
    return [InstalledMetric(registry.require(name, METRIC), classes) for name in names if name not in MEASURES]


def real_rows(real: RealSet, metrics: Sequence[InstalledMetric]) -> dict[str, Tensor]:
    """By metric, a row for each picture of the real set. Computed anew each time: their code may have changed."""
    parts: dict[str, list[Tensor]] = {metric.name: [] for metric in metrics}
    if metrics:
        with progress_bar("Describing real images", len(real)) as advance:
            for images, labels in real.batches(real.numbers):
                for metric in metrics:
                    parts[metric.name].append(metric.rows(images, labels))
                advance(len(images))
    return {name: torch.cat(tensors) for name, tensors in parts.items()}
