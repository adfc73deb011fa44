"""PPL-EffNetLite0: how smoothly images change with w, by the bundled network's feature maps.

Perceptual path length (Karras et al., arXiv 1812.04948, section 4.1) in w.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from composegan.evaluation.generated import random_w
from composegan.evaluation.shares import joined, share
from composegan.losses.perceptual import EfficientNetDistance
from composegan.metrics.figure import Figure
from composegan.metrics.layout import LAYOUT
from composegan.model.random_codes import draw_present
from composegan.plugin.contracts import LOWER, Metric
from composegan.runtime.progress import progress_bar

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation

PAIRS = 1000
"""Paths, at most."""
EPSILON = 1e-4


def path_lengths(
    draw: Callable[[Tensor], Tensor],
    distance: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    place: Tensor,
) -> Tensor:
    """`d(G(w_t), G(w_(t + EPSILON))) / EPSILON^2` with `w_t = start + t (end - start)`: (B,).

    draw: w (B, S) -> images (B, 3, H, W); distance: of two such batches, (B,). start, end: (B, S); place t: (B,), 0..1.
    """
    way = end - start
    one = draw(start + place[:, None] * way)
    other = draw(start + (place + EPSILON)[:, None] * way)
    return distance(one, other) / EPSILON**2


def _measure(evaluation: Evaluation) -> list[Figure]:
    """The path length between random ends at random places ("full" sampling), shared among the processes."""
    model, seed, batch = evaluation.model, evaluation.seed, evaluation.batch
    pairs = min(len(evaluation.w), PAIRS)
    perceptual = EfficientNetDistance(size=0).to(model.device)
    class_sets = draw_present(model, range(pairs), seed + 2)
    both = None if class_sets is None else class_sets.repeat(2, 1)
    ends = random_w(model, 2 * pairs, seed + 2, evaluation.truncation, both)
    places = torch.rand(pairs, generator=torch.Generator().manual_seed(seed)).to(model.device)
    lengths = []

    def distance(images: Tensor, others: Tensor) -> Tensor:
        return perceptual(perceptual.maps(images), perceptual.maps(others))

    firsts = list(share(range(0, pairs, batch)))
    count = sum(len(range(pairs)[first : first + batch]) for first in firsts)
    with torch.inference_mode(), progress_bar("Walking between codes", count) as advance:
        for first in firsts:
            some = slice(first, first + batch)
            classes = None if class_sets is None else class_sets[some]  # the same along a path

            def draw(w: Tensor, classes: Tensor | None = classes) -> Tensor:
                return model.synthesize(w, classes=classes).image

            start, end, place = (tensor[some] for tensor in (ends[:pairs], ends[pairs:], places))
            lengths.append(path_lengths(draw, distance, start, end, place).double().cpu())
            advance(len(start))
    values = torch.cat(joined(lengths))
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else 0.0
    note = f"in w, epsilon 1e-4, full paths; standard error {error:.2g}"
    return [Figure("PPL-EffNetLite0", values.mean().item(), LOWER, None, pairs, 0, note=note)]


metric = Metric(rows=LAYOUT, measure=_measure, in_training=False, on_every_rank=True, position=80)
