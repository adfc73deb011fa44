"""FID, KID, IS, precision and recall of a network's features.

On Inception they have their published names; on the bundled EfficientNet-Lite0 they are FD-EffNetLite0 and so on, which
do not compare with the published ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from composegan.metrics.backbone import EFFICIENTNET
from composegan.metrics.figure import Figure, or_none
from composegan.metrics.frechet import frechet_distance, frechet_figure, moments
from composegan.metrics.inception import INCEPTION
from composegan.metrics.manifold import NEIGHBOURS, precision, recall
from composegan.metrics.of_features import inception_score, kernel_distance
from composegan.metrics.rows import Rows
from composegan.plugin.contracts import HIGHER, Metric

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation

MANIFOLD_NOTE = f"k={NEIGHBOURS}; figures of other counts cannot be compared"


def family(rows: Rows, names: tuple[str, str, str, str, str], position: int, in_training: bool) -> tuple[Metric, ...]:
    """The five metrics of a network's features, in this order. in_training: offer the two distances in training."""
    metric = partial(Metric, rows=rows, in_training=False, needs_masks=False)
    distance = partial(metric, in_training=in_training, least=2)

    def frechet(evaluation: Evaluation) -> list[Figure]:
        return [frechet_figure(names[0], evaluation.sets(rows))]

    def kernel(evaluation: Evaluation) -> list[Figure]:
        return [evaluation.sets(rows).figure(names[1], kernel_distance, note="unbiased")]

    def score(evaluation: Evaluation) -> list[Figure]:
        return [score_figure(names[2], evaluation, rows)]

    def manifold(name: str, compare: Callable[[Tensor, Tensor], float], evaluation: Evaluation) -> list[Figure]:
        return [evaluation.sets(rows).matched().figure(name, compare, HIGHER, MANIFOLD_NOTE)]

    return (
        distance(summarize=moments, compare=frechet_distance, measure=frechet, position=position),
        distance(compare=kernel_distance, measure=kernel, position=position + 1),
        metric(measure=score, better=HIGHER, position=position + 2),
        metric(measure=partial(manifold, names[3], precision), better=HIGHER, position=position + 3),
        metric(measure=partial(manifold, names[4], recall), better=HIGHER, position=position + 4),
    )


def score_figure(name: str, evaluation: Evaluation, rows: Rows) -> Figure:
    """The inception score, which uses generated images only; beside it that of one half of the real set."""
    sets, logits = evaluation.sets(rows), evaluation.opened[rows.name].logits
    assert logits is not None

    @torch.inference_mode()
    def score(features: Tensor) -> float:
        return inception_score(logits(features).cpu())

    note = f"low for few images: {len(sets.fake):,} in up to 10 parts; beside it that of one real half"
    counts = len(sets.fake), len(sets.real), len(sets.half_a)
    return Figure(name, score(sets.fake), HIGHER, or_none(score, sets.half_a), *counts, sets.resize, note)


fid, kid, inception, inception_precision, inception_recall = family(
    INCEPTION, ("FID", "KID", "IS", "precision", "recall"), 10, in_training=False
)
efficientnet_frechet, efficientnet_kernel, efficientnet_score, efficientnet_precision, efficientnet_recall = family(
    EFFICIENTNET,
    ("FD-EffNetLite0", "KD-EffNetLite0", "IS-EffNetLite0", "precision-EffNetLite0", "recall-EffNetLite0"),
    20,
    in_training=True,
)
