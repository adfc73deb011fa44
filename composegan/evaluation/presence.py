"""Figures of which classes are in the pictures: as often as in the data, rare ones above all, and where asked for."""

from __future__ import annotations

from collections.abc import Sequence

from composegan.evaluation.figures import Figure, Sets, or_none
from composegan.evaluation.generated import Generated
from composegan.evaluation.segmenter import SIDE, Trained
from composegan.metrics.layout import mean_known, recall
from composegan.metrics.presence import (
    PresenceAccuracy,
    presence_accuracy,
    presence_agreement,
    present,
    rare_classes,
    rare_recall,
)
from composegan.metrics.thresholds import RARE
from composegan.plugin.contracts import HIGHER

RESIZE = f"to a shorter side of at most {SIDE}, bilinear, antialiased"
"""What pictures go through before the segmenter sees them."""


def of_segmenter(segmenter: Trained) -> str:
    """A note: what the segmenter knows, and what stands beside its figures."""
    return f"segmenter of {segmenter.learned_from:,} real images; beside it, its own on held-out ones"


def presence_figures(
    layouts: Sets, generated: Generated, segmenter: Trained | None, wanted: Sequence[str], skipped: list[str]
) -> list[Figure]:
    """Those of `wanted` that can be taken; why one cannot be is added to `skipped`. layouts: proportions (N, K)."""
    half_a, half_b = layouts.halves
    counts = len(layouts.fake), len(layouts.real), len(half_a)
    rare = rare_classes(layouts.real)
    about = f"of the {int(rare.sum())} classes in less than {RARE:.0%} of the real images"
    why = "" if rare.any() else f"no class is in less than {RARE:.0%} of the real images"
    found = []
    if "presence" in wanted:
        halves = or_none(lambda: presence_agreement(half_a, half_b))
        found.append(Figure("presence", presence_agreement(layouts.real, layouts.fake), HIGHER, halves, *counts))
    if "rare_class_recall" in wanted and not why:
        halves = or_none(lambda: rare_recall(half_a, half_b))
        value = rare_recall(layouts.real, layouts.fake)
        found.append(Figure("rare_class_recall", value, HIGHER, halves, *counts, note=about))
    if segmenter and "rare_class_recall_segmenter" in wanted and not why:
        value, own = (mean_known(recall(p)[rare]) for p in (generated.pixels, segmenter.held_out_pixels))
        if value == value:
            counts = len(layouts.fake), segmenter.held_out, segmenter.held_out
            note = f"{about}; {of_segmenter(segmenter)}"
            own = own if own == own else None
            found.append(Figure("rare_class_recall_segmenter", value, HIGHER, own, *counts, RESIZE, note))
        else:
            skipped.append("rare_class_recall_segmenter is left out: the model draws none of the rare classes")
    found += accuracy_figures(generated, segmenter, wanted, skipped)
    if why:
        names = [name for name in ("rare_class_recall", "rare_class_recall_segmenter") if name in wanted]
        skipped += [f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} left out: {why}"] * bool(names)
    return found


def accuracy_figures(
    generated: Generated, segmenter: Trained | None, wanted: Sequence[str], skipped: list[str]
) -> list[Figure]:
    """How well the generated pictures keep to their class sets, by their masks and by a segmenter."""
    names = [name for name in ("presence_accuracy", "presence_accuracy_segmenter") if name in wanted]
    if names and generated.present is None:
        skipped.append(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} left out: the model has no class sets")
        return []
    found = []
    if "presence_accuracy" in names:
        accuracy = presence_accuracy(generated.present, present(generated.proportions))
        found.append(_accuracy("presence_accuracy", accuracy, generated, "none", "by the masks"))
    if segmenter and "presence_accuracy_segmenter" in names:
        accuracy = presence_accuracy(generated.present, present(generated.seen))
        note = f"by a segmenter of {segmenter.learned_from:,} real images"
        found.append(_accuracy("presence_accuracy_segmenter", accuracy, generated, RESIZE, note))
    return found


def _accuracy(name: str, accuracy: PresenceAccuracy, generated: Generated, resize: str, note: str) -> Figure:
    parts = f"asked for and shown {mean_known(accuracy.shown):.3f}, kept away {mean_known(accuracy.kept_away):.3f}"
    count = len(generated.proportions)
    return Figure(name, accuracy.mean, HIGHER, None, count, 0, resize=resize, note=f"{parts}, {note}")
