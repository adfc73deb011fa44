"""Distances that are taken while a model trains, from one fixed draw of real images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from composegan.config.schema import DataConfig
from composegan.data.items import Items
from composegan.data.resize import fit_sample
from composegan.evaluation.installed import installed_metrics
from composegan.evaluation.networks import FeatureNetwork, bundled_network
from composegan.metrics.frechet import frechet_distance, moments
from composegan.metrics.layout import class_proportions
from composegan.metrics.of_features import kernel_distance
from composegan.metrics.sliced_wasserstein import patch_levels, sliced_wasserstein
from composegan.plugin.domain import Source
from composegan.viz.pictures import to_uint8


class Scores:
    """The named distances of generated pictures from `count` real images: of `config.validate.SCORES`, or installed.

    The real ones are drawn with replacement, by `seed`. Figures of few images are biased upwards, the same way every
    time, so that they compare with each other and not with those of `composegan evaluate`. Raises UserError where real
    images cannot be read.
    """

    def __init__(
        self,
        names: Sequence[str],
        source: Source,
        data: DataConfig,
        classes: int,
        count: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.names, self.classes = list(names), classes
        self.installed = {metric.name: metric for metric in installed_metrics(names, classes)}
        self.network: FeatureNetwork | None = None
        if any("EffNet" in name for name in names):
            with torch.random.fork_rng():
                self.network = bundled_network(data.height, data.width, device)
        self.real = self._facts(*_draw(source, data, classes, count, seed))

    def __call__(self, images: Tensor, labels: Tensor) -> dict[str, float]:
        """Generated images (N, 3, H, W) in -1..1 and labels (N, H, W) -> a figure for each name; lower is better."""
        fake = self._facts(images, labels)
        return {
            name: self.installed[name].distance(self.real[name], fake[name])
            if name in self.installed
            else _distance(name, self.real, fake)
            for name in self.names
        }

    @torch.inference_mode()
    def _facts(self, images: Tensor, labels: Tensor) -> dict[str, list[Tensor] | Tensor]:
        """What the distances are taken of, no more than the names need."""
        facts: dict[str, list[Tensor] | Tensor] = {}
        if "sliced_wasserstein" in self.names:
            facts["patches"] = patch_levels(images)
        if "FSD" in self.names:
            facts["proportions"] = class_proportions(labels, self.classes)
        if self.network or self.installed:
            bytes_ = torch.from_numpy(to_uint8(images)).permute(0, 3, 1, 2)
        if self.network:
            facts["features"] = torch.cat([self.network.features(part).cpu() for part in bytes_.split(16)])
        for name, metric in self.installed.items():
            parts = zip(bytes_.split(16), labels.split(16), strict=True)
            facts[name] = torch.cat([metric.rows(*part) for part in parts])
        return facts


def _distance(name: str, real: dict, fake: dict) -> float:
    if name == "sliced_wasserstein":
        return sliced_wasserstein(real["patches"], fake["patches"])
    if name.startswith("KD"):
        return kernel_distance(real["features"], fake["features"])
    key = "proportions" if name == "FSD" else "features"
    return frechet_distance(moments(real[key]), moments(fake[key]))


def _draw(source: Source, data: DataConfig, classes: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images (N, 3, H, W) in -1..1 and labels (N, H, W). Others are drawn in the place of those passed over."""
    draws = torch.Generator().manual_seed(seed)
    items = Items(source, classes, data.on_error, len(source))
    images, labels = [], []
    while len(images) < count:
        for index in torch.randint(len(source), (count - len(images),), generator=draws).tolist():
            if (sample := items.read(index)) is not None:
                sample = fit_sample(sample, data.height, data.width)
                images.append(torch.from_numpy(sample.image.copy()))
                labels.append(torch.from_numpy(sample.labels.copy()))
    return torch.stack(images).float() / 127.5 - 1, torch.stack(labels)
