"""The generated set: drawn in a stream, of which only what the measures need is kept."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from composegan.data.progress import progress_bar
from composegan.evaluation.installed import InstalledMetric
from composegan.evaluation.networks import FeatureNetwork
from composegan.evaluation.segmenter import Trained, shrink
from composegan.interop.saved_model import Model
from composegan.metrics.layout import class_proportions, confusion, intersection_over_union, mean_known
from composegan.pictures import to_uint8

PATCH_PICTURES, EXAMPLES = 256, 4


@dataclass(frozen=True, order=True)
class Example:
    """A picture with its own mask and the segmenter's. agreement: its mean IoU. Arrays as in `Samples`, one picture."""

    agreement: float
    number: int
    image: np.ndarray = field(compare=False)
    labels: np.ndarray = field(compare=False)
    seen: np.ndarray = field(compare=False)


@dataclass
class Generated:
    """w: (N, S), after truncation; proportions: (N, K); features: by the network's title, or the name of an installed
    metric, (N, D); all on the CPU.

    present: (N, K) bool, the class sets asked for; None where all classes are in every picture.
    pictures: uint8 (at most PATCH_PICTURES, 3, H, W). pixels: confusion (K, K) of masks with the segmenter's, and
    seen: (N, K), the segmenter's proportions; None without segmenter. worst, best: where the two agree least and most.
    """

    w: Tensor
    proportions: Tensor
    features: dict[str, Tensor]
    pictures: Tensor
    pixels: Tensor | None = None
    seen: Tensor | None = None
    present: Tensor | None = None
    worst: list[Example] = field(default_factory=list)
    best: list[Example] = field(default_factory=list)


def random_w(model: Model, n: int, seed: int, truncation: float) -> Tensor:
    """w of n pictures, (N, S): those of `composegan sample` with the same seed and truncation."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.stack([torch.randn(model.generator.latent_channels, generator=draws) for _ in range(n)])
    with torch.inference_mode():
        w = torch.cat([model.generator.map(part.to(model.device)) for part in z.split(1024)])
        return model.mean_code + truncation * (w - model.mean_code)


def draw_all(
    model: Model, w: Tensor, networks: Sequence[FeatureNetwork], segmenter: Trained | None, batch: int,
    metrics: Sequence[InstalledMetric] = (), present: Tensor | None = None,
) -> Generated:  # fmt: skip
    """Draw every picture once and take everything of it that is needed. present: (N, K) bool, their class sets."""
    classes, parts = len(model.names), {name: [] for name in ("proportions", "pictures", "seen")}
    features: dict[str, list[Tensor]] = {network.title: [] for network in networks}
    features |= {metric.name: [] for metric in metrics}
    pixels = torch.zeros(classes, classes, dtype=torch.int64) if segmenter else None
    worst, best, done = [], [], 0
    with progress_bar("Drawing pictures", len(w)) as advance:
        for images, labels in _drawn(model, w, present, batch):
            parts["proportions"].append(class_proportions(labels, classes).float())
            if done < PATCH_PICTURES:
                parts["pictures"].append(images[: PATCH_PICTURES - done])
            for network in networks:
                features[network.title].append(network.features(images).float().cpu())
            for metric in metrics:
                features[metric.name].append(metric.rows(images, labels))
            if segmenter:
                small, target = shrink(images, labels)
                seen = segmenter.predict(small.to(model.device)).cpu()
                pixels += confusion(target, seen, classes)
                parts["seen"].append(class_proportions(seen, classes).float())
                _keep_examples(worst, best, done, small, target, seen, classes)
            done += len(images)
            advance(len(images))
    joined = {name: torch.cat(tensors) for name, tensors in parts.items() if tensors}
    return Generated(
        w.cpu(), joined["proportions"], {title: torch.cat(tensors) for title, tensors in features.items()},
        joined["pictures"], pixels, joined.get("seen"), present,
        [item[1] for item in sorted(worst, reverse=True)], [item[1] for item in sorted(best, reverse=True)],
    )  # fmt: skip


@torch.inference_mode()
def _drawn(model: Model, w: Tensor, present: Tensor | None, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Images uint8 (B, 3, H, W), as they would be saved, and labels uint8 (B, H, W), on the CPU."""
    for start in range(0, len(w), batch):
        some = slice(start, start + batch)
        result = model.synthesize(w[some], classes=None if present is None else present[some])
        yield torch.from_numpy(to_uint8(result.image)).permute(0, 3, 1, 2), result.mask.labels().cpu()


def _keep_examples(
    worst: list, best: list, first: int, images: Tensor, labels: Tensor, seen: Tensor, classes: int
) -> None:
    """Two heaps of at most EXAMPLES, each with the one to drop first at its top."""
    for i, (target, predicted) in enumerate(zip(labels, seen, strict=True)):
        agreement = mean_known(intersection_over_union(confusion(target, predicted, classes)))
        for heap, sign in ((worst, -1), (best, 1)):
            key = (sign * agreement, -first - i)
            if len(heap) < EXAMPLES or key > heap[0][0]:
                example = Example(
                    agreement, first + i, to_uint8(images[i : i + 1])[0], target.numpy(), predicted.numpy()
                )
                heapq.heappush(heap, (key, example))
                if len(heap) > EXAMPLES:
                    heapq.heappop(heap)
