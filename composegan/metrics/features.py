"""FID, KID, IS, precision and recall of a network's features.

On Inception they bear their published names; on the bundled EfficientNet-Lite0 they are FD-EffNetLite0 and so on, which
do not compare with the published ones.
"""

from __future__ import annotations

from collections.abc import Callable
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


def _frechet(name: str, rows: Rows, position: int, in_training: bool = False) -> Metric:
    return Metric(
        rows=rows,
        summarize=moments,
        compare=frechet_distance,
        measure=lambda evaluation: [frechet_figure(name, evaluation.sets(rows))],
        least=2,
        in_training=in_training,
        needs_masks=False,
        position=position,
    )


def _kernel(name: str, rows: Rows, position: int, in_training: bool = False) -> Metric:
    return Metric(
        rows=rows,
        compare=kernel_distance,
        measure=lambda evaluation: [evaluation.sets(rows).figure(name, kernel_distance, note="unbiased")],
        least=2,
        in_training=in_training,
        needs_masks=False,
        position=position,
    )


def _inception_score(name: str, rows: Rows, position: int) -> Metric:
    def measure(evaluation: Evaluation) -> list[Figure]:
        sets, logits = evaluation.sets(rows), evaluation.opened[rows.name].logits
        assert logits is not None

        def score(features: Tensor) -> float:
            with torch.inference_mode():
                return inception_score(logits(features).cpu())

        note = f"low for few images: {len(sets.fake):,} in up to 10 parts; beside it that of one real half"
        value, half = score(sets.fake), or_none(score, sets.half_a)
        counts = len(sets.fake), len(sets.real), len(sets.half_a)
        return [Figure(name, value, HIGHER, half, *counts, sets.resize, note)]

    return Metric(rows=rows, measure=measure, better=HIGHER, in_training=False, position=position)


def _manifold(name: str, rows: Rows, position: int, compare: Callable[[Tensor, Tensor], float]) -> Metric:
    note = f"k={NEIGHBOURS}; figures of other counts cannot be compared"
    return Metric(
        rows=rows,
        compare=compare,
        measure=lambda evaluation: [evaluation.sets(rows).matched().figure(name, compare, HIGHER, note)],
        better=HIGHER,
        in_training=False,
        position=position,
    )


fid = _frechet("FID", INCEPTION, 10)
kid = _kernel("KID", INCEPTION, 11)
inception = _inception_score("IS", INCEPTION, 12)
inception_precision = _manifold("precision", INCEPTION, 13, precision)
inception_recall = _manifold("recall", INCEPTION, 14, recall)

efficientnet_frechet = _frechet("FD-EffNetLite0", EFFICIENTNET, 20, in_training=True)
efficientnet_kernel = _kernel("KD-EffNetLite0", EFFICIENTNET, 21, in_training=True)
efficientnet_score = _inception_score("IS-EffNetLite0", EFFICIENTNET, 22)
efficientnet_precision = _manifold("precision-EffNetLite0", EFFICIENTNET, 23, precision)
efficientnet_recall = _manifold("recall-EffNetLite0", EFFICIENTNET, 24, recall)
