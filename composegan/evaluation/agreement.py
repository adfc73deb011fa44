"""Metrics by a segmenter trained on the real set: does it see the classes where the generated masks have them?

mask_consistency is the mean IoU of the generated masks with the segmenter's. rare_class_recall_segmenter and
presence_accuracy_segmenter are the metrics of `composegan.metrics.presence` as the segmenter sees the images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from composegan.evaluation.generated import Generated, draw
from composegan.evaluation.pictures import Example, agreement_sheet
from composegan.evaluation.probe import IMAGES, agreement, fit_probe
from composegan.evaluation.segmenter import SIDE, Trained, shrink, trained_segmenter
from composegan.metrics.figure import Figure, NotMeasuredError
from composegan.metrics.layout import LAYOUT, confusions, intersection_over_union, mean_known, recall
from composegan.metrics.presence import accuracy_figure, describe_rare, presence_rates
from composegan.metrics.rows import Describer, Rows, Setting
from composegan.plugin.contracts import HIGHER, Metric
from composegan.viz.pictures import to_uint8

if TYPE_CHECKING:
    from composegan.evaluation.evaluate import Evaluation

EXAMPLES = 4
RESIZE = f"to a shorter side of at most {SIDE}, bilinear, antialiased"


def _open(setting: Setting) -> Describer:
    assert setting.real is not None
    trained = trained_segmenter(setting.real, setting.device)

    def describe(images: Tensor, labels: Tensor) -> Tensor:
        small, target = shrink(images, labels)
        return confusions(target, trained.predict(small.to(setting.device)).cpu(), setting.classes).int()

    return Describer(describe, resize=RESIZE, real=False, network=trained)


SEGMENTER = Rows("segmenter", _open)
"""`confusions` of the generated masks with the segmenter's, (N, K, K)."""


def _seen(evaluation: Evaluation) -> tuple[Trained, Tensor, Tensor]:
    """The segmenter, the confusion (K, K) of the generated set, and the proportions (N, K) that the segmenter sees.

    Adds the segmenter's columns and the sheet of examples to the report.
    """
    trained, rows = evaluation.opened[SEGMENTER.name].network, evaluation.generated[SEGMENTER.name]
    assert isinstance(trained, Trained)
    pixels, proportions = rows.sum(dim=0), rows.sum(dim=1) / rows[0].sum()
    if "agreement" not in evaluation.sheets:
        evaluation.columns |= {
            "presence_seen": presence_rates(proportions),
            "iou": intersection_over_union(pixels),
            "iou_of_segmenter": intersection_over_union(trained.held_out_pixels),
            "iou_of_others": intersection_over_union(trained.other_pixels),
            "iou_of_blurred": intersection_over_union(trained.blurred_pixels),
            "recall_of_segmenter": recall(pixels),
        }
        evaluation.sheets["agreement"] = agreement_sheet(*_examples(evaluation, trained, rows), evaluation.model.colors)
    return trained, pixels, proportions


def _examples(evaluation: Evaluation, trained: Trained, rows: Tensor) -> tuple[list[Example], list[Example]]:
    """The images on which generated mask and segmenter agree least, and those on which they agree most."""
    agreement = intersection_over_union(rows).nanmean(dim=1)  # (N,)
    order = agreement.argsort(stable=True), agreement.argsort(stable=True, descending=True)
    found = []
    for numbers in (ranked[:EXAMPLES] for ranked in order):
        classes = None if evaluation.present is None else evaluation.present[numbers]
        images, labels = shrink(*draw(evaluation.model, evaluation.w[numbers.to(evaluation.w.device)], classes))
        seen = trained.predict(images.to(evaluation.model.device)).cpu()
        parts = zip(agreement[numbers].tolist(), images, labels, seen, strict=True)
        found.append([Example(value, image, own, other) for value, image, own, other in parts])
    return found[0], found[1]


def _note(trained: Trained) -> str:
    return f"segmenter of {trained.learned_from:,} real images; beside it, its own on held-out ones"


def _measure_consistency(evaluation: Evaluation) -> list[Figure]:
    trained, pixels, _ = _seen(evaluation)
    values = [mean_known(intersection_over_union(p)) for p in (pixels, trained.held_out_pixels)]
    counts = len(evaluation.w), trained.held_out, trained.held_out
    others, blurred = (mean_known(intersection_over_union(p)) for p in (trained.other_pixels, trained.blurred_pixels))
    beside = {"real images with masks of other images": others, "blurred real images": blurred}
    note = f"mIoU; {_note(trained)}"
    return [Figure("mask_consistency", values[0], HIGHER, values[1], *counts, RESIZE, note, beside)]


def _measure_rare_recall(evaluation: Evaluation) -> list[Figure]:
    trained, pixels, _ = _seen(evaluation)
    rare, about = describe_rare(evaluation.real[LAYOUT.name])
    value, own = (mean_known(recall(p)[rare]) for p in (pixels, trained.held_out_pixels))
    if value != value:
        raise NotMeasuredError("the model draws none of the rare classes")
    counts, halves = (len(evaluation.w), trained.held_out, trained.held_out), own if own == own else None
    note = f"{about}; {_note(trained)}"
    return [Figure("rare_class_recall_segmenter", value, HIGHER, halves, *counts, RESIZE, note)]


def _measure_accuracy(evaluation: Evaluation) -> list[Figure]:
    trained, _, proportions = _seen(evaluation)
    source = f"by a segmenter of {trained.learned_from:,} real images"
    return [accuracy_figure("presence_accuracy_segmenter", evaluation.present, proportions, RESIZE, source)]


def _watch_consistency(
    images: Tensor, labels: Tensor, classes: int, device: torch.device
) -> Callable[[Generated], Mapping[str, Tensor]]:
    """Mask consistency while a model trains, by a `probe` instead of the segmenter."""
    probe = fit_probe(images[:IMAGES], labels[:IMAGES], classes, device)

    def measure(generated: Generated) -> dict[str, Tensor]:
        rounded = torch.from_numpy(to_uint8(generated.images[:IMAGES])).permute(0, 3, 1, 2)
        return {"mask consistency": agreement(probe, rounded, generated.labels, classes)}

    return measure


rare_class_recall = Metric(rows=SEGMENTER, measure=_measure_rare_recall, better=HIGHER, in_training=False, position=52)
presence_accuracy = Metric(rows=SEGMENTER, measure=_measure_accuracy, better=HIGHER, in_training=False, position=54)
mask_consistency = Metric(
    rows=SEGMENTER, measure=_measure_consistency, by_class=_watch_consistency, better=HIGHER, position=60
)
