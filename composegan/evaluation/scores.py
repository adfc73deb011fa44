"""Metrics during training, against one fixed sample of real images, and what they select the best checkpoint by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from composegan.config.schema import DataConfig
from composegan.data.items import Items
from composegan.data.resize import fit_sample
from composegan.evaluation.generated import Generated
from composegan.metrics.layout import mean_known
from composegan.metrics.rows import Setting, compare, rows_of, summarize
from composegan.plugin.domain import Source
from composegan.plugin.registry import Found
from composegan.runtime.console import aligned
from composegan.viz.pictures import to_uint8

BATCH = 16


class Scores:
    """Distances of generated images from `count` real ones, by registered metrics.

    Those with `by_class` measure the generator itself; the columns of the last call are in `columns`. The real images
    are drawn with replacement, seeded by `seed`. Values of few images have the same bias every time, so they compare
    with each other but not with `composegan evaluate`. Raises UserError if real images cannot be read.
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
        self.metrics = [found for found in metrics if not found.plugin.by_class]
        self.order = [found.name for found in metrics]
        self.columns: dict[str, Tensor] = {}
        self.rows = {rows.name: rows for rows in map(rows_of, self.metrics)}
        setting = Setting(classes, data.height, data.width, device)
        with torch.random.fork_rng():
            self.describers = {name: rows.open(setting) for name, rows in self.rows.items()}
        images, labels = draw_real(source, data, classes, count, seed)
        self.real = self._summaries(images, labels)
        self.watched = {}
        for found in (found for found in metrics if found.plugin.by_class):
            with found.use() as metric:
                rounded = torch.from_numpy(to_uint8(images)).permute(0, 3, 1, 2)
                self.watched[found.name] = metric.by_class(rounded, labels, classes, device)

    def __call__(self, generated: Generated) -> dict[str, float]:
        """A value for each metric, by name."""
        fake = self._summaries(generated.images, generated.labels)
        values = {found.name: compare(found, self.real[found.name], fake[found.name]) for found in self.metrics}
        self.columns = {}
        for name, measure in self.watched.items():
            columns = measure(generated)
            self.columns |= columns
            known = next(iter(columns.values())).double()
            values[name] = 0.0 if known.isnan().all() else mean_known(known)
        return {name: values[name] for name in self.order}

    def report(self, classes: Sequence[str], values: Mapping[str, float]) -> list[str]:
        """The values and columns of the last call, as lines of text."""
        figures = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        rows = [("class", *self.columns)]
        for k, name in enumerate(classes):
            numbers = [column[k].item() for column in self.columns.values()]
            rows.append((name, *("" if number != number else f"{number:.3g}" for number in numbers)))
        return [f"scores: {figures}", *aligned(rows), *_dead(classes, self.columns.get("live"))]

    @torch.inference_mode()
    def _summaries(self, images: Tensor, labels: Tensor) -> dict[str, object]:
        """What each metric compares, by its name."""
        rounded = torch.from_numpy(to_uint8(images)).permute(0, 3, 1, 2)
        described = {}
        for name, rows in self.rows.items():
            batches = zip((images if rows.exact else rounded).split(BATCH), labels.split(BATCH), strict=True)
            described[name] = torch.cat([self.describers[name].describe(*batch) for batch in batches])
        return {found.name: summarize(found, described[rows_of(found).name]) for found in self.metrics}


def _dead(classes: Sequence[str], live: Tensor | None) -> list[str]:
    """A line on the classes that are not live, (K,) of 0 or 1, NaN for one that the real images do not have."""
    if live is None:
        return []
    dead = [name for name, value in zip(classes, live.tolist(), strict=True) if value == 0]
    count = int((live == live).sum())
    text = f"{count - len(dead)} of {count} classes can be edited"
    return [f"{text}; not yet: {', '.join(dead)}" if dead else text]


def selection(values: Mapping[str, float], deciding: Sequence[str]) -> float:
    """The number that the best checkpoint has least of: the first metric, times `2 - v` for the value v of each other.

    A model whose classes are all dead thus counts as if it were twice as far from the real images.
    """
    first, *others = (values[name] for name in deciding)
    penalty = prod(2 - value for value in others)
    return first * penalty if first > 0 else first / penalty


def draw_real(source: Source, data: DataConfig, classes: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`count` random pictures, drawn with replacement: images (N, 3, H, W) in -1..1 and labels (N, H, W).

    Skipped images are replaced by further draws. Raises UserError if none can be read.
    """
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
