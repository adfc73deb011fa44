"""Metrics during training, against one fixed sample of real images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composegan.config.schema import DataConfig
from composegan.data.items import Items
from composegan.data.resize import fit_sample
from composegan.metrics.rows import Setting, compare, rows_of, summarize
from composegan.plugin.domain import Source
from composegan.plugin.registry import Found
from composegan.viz.pictures import to_uint8

BATCH = 16


class Scores:
    """Distances of generated images from `count` real ones, by registered metrics.

    The real images are drawn with replacement, seeded by `seed`. Values of few images have the same bias every time, so
    they compare with each other but not with `composegan evaluate`. Raises UserError if real images cannot be read.
    """

    def __init__(
        self,
        metrics: Sequence[Found],
        source: Source,
        data: DataConfig,
        classes: int,
        count: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.metrics = list(metrics)
        self.rows = {rows.name: rows for rows in map(rows_of, self.metrics)}
        setting = Setting(classes, data.height, data.width, device)
        with torch.random.fork_rng():
            self.describers = {name: rows.open(setting) for name, rows in self.rows.items()}
        self.real = self._summaries(*_draw(source, data, classes, count, seed))

    def __call__(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Generated images (N, 3, H, W) in -1..1 and labels (N, H, W) -> a value for each metric, by name."""
        fake = self._summaries(images, labels)
        return {found.name: compare(found, self.real[found.name], fake[found.name]) for found in self.metrics}

    @torch.inference_mode()
    def _summaries(self, images: Tensor, labels: Tensor) -> dict[str, object]:
        """What each metric compares, by its name."""
        rounded = torch.from_numpy(to_uint8(images)).permute(0, 3, 1, 2)
        described = {}
        for name, rows in self.rows.items():
            batches = zip((images if rows.exact else rounded).split(BATCH), labels.split(BATCH), strict=True)
            described[name] = torch.cat([self.describers[name].describe(*batch) for batch in batches])
        return {found.name: summarize(found, described[rows_of(found).name]) for found in self.metrics}


def _draw(source: Source, data: DataConfig, classes: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in -1..1 and labels (N, H, W). Skipped images are replaced by further draws."""
    draws = torch.Generator().manual_seed(seed)
    items = Items(source, classes, data.on_error, len(source))
    images: list[Tensor] = []
    labels: list[Tensor] = []
    while len(images) < count:
        for index in torch.randint(len(source), (count - len(images),), generator=draws).tolist():
            if (sample := items.read(index)) is not None:
                sample = fit_sample(sample, data.height, data.width)
                images.append(torch.from_numpy(sample.image.copy()))
                labels.append(torch.from_numpy(sample.labels.copy()))
    return torch.stack(images).float() / 127.5 - 1, torch.stack(labels)
