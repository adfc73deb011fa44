"""The generated set: drawn in a stream, of which only what the measures need is kept."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from composegan.evaluation.installed import InstalledMetric
from composegan.evaluation.networks import FeatureNetwork
from composegan.evaluation.segmenter import Trained, shrink
from composegan.evaluation.shares import gathered, joined, share
from composegan.metrics.layout import class_proportions, confusion, intersection_over_union, mean_known
from composegan.model.saved_model import Model
from composegan.runtime.progress import progress_bar
from composegan.viz.pictures import to_uint8

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
    classes, worst, best, rows = len(model.classes), [], [], []
    starts = list(share(range(0, len(w), batch)))
    with progress_bar("Drawing pictures", sum(len(w[start : start + batch]) for start in starts)) as advance:
        for start in starts:
            images, labels = _drawn(model, w, present, slice(start, start + batch))
            row = {"proportions": class_proportions(labels, classes).float()}
            row["pictures"] = images[: max(0, PATCH_PICTURES - start)]
            row |= {network.title: network.features(images).float().cpu() for network in networks}
            row |= {metric.name: metric.rows(images, labels) for metric in metrics}
            if segmenter:
                small, target = shrink(images, labels)
                seen = segmenter.predict(small.to(model.device)).cpu()
                row |= {"pixels": confusion(target, seen, classes), "seen": class_proportions(seen, classes).float()}
                _keep_examples(worst, best, start, small, target, seen, classes)
            rows.append(row)
            advance(len(images))
    rows = joined(rows)
    worst, best = (heapq.nlargest(EXAMPLES, chain(*gathered(heap))) for heap in (worst, best))
    whole = {name: torch.cat([row[name] for row in rows]) for name in rows[0] if name != "pixels"}
    names = [*(network.title for network in networks), *(metric.name for metric in metrics)]
    return Generated(
        w.cpu(), whole["proportions"], {name: whole[name] for name in names}, whole["pictures"],
        sum(row["pixels"] for row in rows) if segmenter else None, whole.get("seen"), present,
        [example for _, example in worst], [example for _, example in best],
    )  # fmt: skip


@torch.inference_mode()
def _drawn(model: Model, w: Tensor, present: Tensor | None, some: slice) -> tuple[Tensor, Tensor]:
    """Images uint8 (B, 3, H, W), as they would be saved, and labels uint8 (B, H, W), on the CPU."""
    result = model.synthesize(w[some], classes=None if present is None else present[some])
    return torch.from_numpy(to_uint8(result.image)).permute(0, 3, 1, 2), result.mask.labels().cpu()


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
