"""The measures of a trained run: of its pictures, and of its masks in each vocabulary they can be converted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.class_scaling.edits import edit_classes, figures_of
from benchmarks.class_scaling.judges import Judge, relabel
from composegan.evaluation.segmenter import Trained, shrink
from composegan.metrics.backbone import EFFICIENTNET
from composegan.metrics.frechet import frechet_distance, moments
from composegan.metrics.layout import LAYOUT, class_proportions, confusion, intersection_over_union, recall
from composegan.metrics.presence import (
    class_recall,
    presence_accuracy,
    presence_agreement,
    presence_rates,
    present,
    rare_classes,
    rare_recall,
)
from composegan.metrics.rows import Describer
from composegan.metrics.sliced_wasserstein import patch_levels, sliced_wasserstein
from composegan.model.codes import Codes
from composegan.model.saved_model import Model
from composegan.networks.texture import by_patch, patch_size

PATCH_PICTURES = 1000
"""Number of pictures, at most, from which the sliced Wasserstein distance takes its patches."""
BATCH, THRESHOLDS = 32, (0.01, 0.05, 0.1)

LOWER, HIGHER = "lower", "higher"
OF_PICTURES = {"sliced_wasserstein": LOWER, "FD-EffNetLite0": LOWER}
OF_MASKS = {
    "FSD": LOWER, "mask_consistency": HIGHER, "rare_mask_consistency": HIGHER, "rare_recall": HIGHER,
    "rare_pixel_recall": HIGHER, "presence": HIGHER, "sets_followed": HIGHER, "live_classes": HIGHER,
    "ownership": HIGHER, "leakage_texture": LOWER, "leakage_shape": LOWER,
}  # fmt: skip
"""Measures, and whether lower or higher is better. rare_recall: how often rare classes are in the masks;
rare_pixel_recall: the share of their pixels in which the segmenter sees them; presence: how often classes are in a
picture, compared with the data; sets_followed: the same for each picture, compared with its class set. A class that a
model does not draw counts as 0. live_classes, ownership, leakage: of edits, see `edits.figures_of`."""


@dataclass(frozen=True)
class Drawn:
    """Pictures of a model. images: (N, 3, H, W) uint8; labels: (N, H, W) uint8, of its own classes."""

    model: Model
    codes: Codes
    images: Tensor
    labels: Tensor


def draw(model: Model, count: int, seed: int) -> Drawn:
    codes = model.codes(count, seed=seed, truncation=1.0)
    samples = model.draw(codes, batch=BATCH)
    return Drawn(model, codes, torch.from_numpy(samples.images).permute(0, 3, 1, 2), torch.from_numpy(samples.labels))


def measure(model: Model, judges: Mapping[str, Judge], network: Describer, count: int, seed: int) -> dict[str, Any]:
    """Measure `count` pictures. judges: by domain; those that the model's classes cannot be converted to are skipped.

    Returns {"pictures": figures, "classes_a_patch": by threshold, "masks": {domain: figures},
    "classes": {domain: {class: figures}}}, with None for a figure that is undefined.
    """
    drawn, first = draw(model, count, seed), next(iter(judges.values()))
    features = features_of(drawn, network)
    patches = real_pictures(first, 0, PATCH_PICTURES), drawn.images
    found: dict[str, Any] = {
        "pictures": distances(patches, (first.known[EFFICIENTNET.name], features)),
        "classes_a_patch": classes_a_patch(model, drawn.codes[:PATCH_PICTURES]), "masks": {}, "classes": {},
    }  # fmt: skip
    for name, judge in judges.items():
        if model.domain in judge.table_of:
            found["masks"][name], found["classes"][name] = of_masks(drawn, judge, seed)
    return found


def reference(judges: Mapping[str, Judge], network: Describer) -> dict[str, Any]:
    """The same measures of real pictures, for comparison: one half against the other, and for masks the segmenter on
    pictures it was not trained on."""
    first = next(iter(judges.values()))
    half = len(first.real) // 2
    features = first.known[EFFICIENTNET.name]
    pictures = distances(
        (real_pictures(first, 0, half), real_pictures(first, half, 2 * half)), (features[:half], features[half:])
    )
    masks = {}
    for name, judge in judges.items():
        known = judge.known[LAYOUT.name]
        masks[name] = mask_figures(judge, known[:half], known[half:], judge.segmenter.held_out_pixels)
        masks[name]["classes_drawn"] = int((presence_rates(known) > 0).sum())
    return {"pictures": pictures, "masks": masks}


def real_pictures(judge: Judge, first: int, end: int) -> Tensor:
    """Pictures of the real set in order, uint8 (at most PATCH_PICTURES, 3, H, W)."""
    numbers = judge.real.numbers[first : min(end, first + PATCH_PICTURES)]
    return torch.cat([images for images, _ in judge.real.batches(numbers)])


def features_of(drawn: Drawn, network: Describer) -> Tensor:
    parts = zip(drawn.images.split(BATCH), drawn.labels.split(BATCH), strict=True)
    return torch.cat([network.describe(*part) for part in parts])


def distances(pictures: tuple[Tensor, Tensor], features: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Distances between two sets. pictures: uint8 (N, 3, H, W) each; features: (N, D) each."""
    count = min(*map(len, pictures), PATCH_PICTURES)
    real, fake = (patch_levels(some[:count].float() / 127.5 - 1) for some in pictures)
    return {
        "sliced_wasserstein": sliced_wasserstein(real, fake),
        "FD-EffNetLite0": frechet_distance(*map(moments, features)),
    }


def mask_figures(judge: Judge, real: Tensor, fake: Tensor, pixels: Tensor) -> dict[str, float | None]:
    """Compare class proportions (N, K) with real ones, and masks with what the segmenter sees: pixels (K, K)."""
    known, iou = judge.known[LAYOUT.name], intersection_over_union(pixels).nan_to_num(0)
    there, rare = presence_rates(known) > 0, rare_classes(known)
    return {
        "FSD": frechet_distance(moments(real), moments(fake)),
        "mask_consistency": iou[there].mean().item(),
        "rare_mask_consistency": plain(iou[rare].mean()),
        "rare_recall": plain(rare_recall(real, fake)),
        "rare_pixel_recall": plain(recall(pixels).nan_to_num(0)[rare].mean()),
        "presence": presence_agreement(real, fake),
    }


def of_masks(drawn: Drawn, judge: Judge, seed: int) -> tuple[dict, dict]:
    """Measures of all classes together, and by class."""
    table, classes = judge.table_of[drawn.model.domain], len(judge.names)
    labels, known = relabel(drawn.labels, table), judge.known[LAYOUT.name]
    proportions = class_proportions(labels, classes)
    pixels = agreement(drawn.images, labels, judge.segmenter, classes)
    edits = edit_classes(drawn.model, drawn.codes, table, proportions, seed)
    figures = {
        **mask_figures(judge, known, proportions, pixels),
        "sets_followed": plain(presence_accuracy(sets_in(drawn.codes, table, classes), present(proportions)).mean),
        **{name: plain(value) for name, value in figures_of(edits, presence_rates(known) > 0).items()},
        "classes_drawn": int((presence_rates(proportions) > 0).sum()),
    }
    columns = {
        "presence_real": presence_rates(known), "presence": presence_rates(proportions),
        "recall": class_recall(known, proportions), "pixels_real": known.mean(dim=0), "pixels": proportions.mean(dim=0),
        "iou": intersection_over_union(pixels).nan_to_num(0),
        "iou_of_segmenter": intersection_over_union(judge.segmenter.held_out_pixels),
        "pixel_recall": recall(pixels), **edits,
    }  # fmt: skip
    by_class = {name: {key: plain(v[k]) for key, v in columns.items()} for k, name in enumerate(judge.names)}
    return figures, by_class


def sets_in(codes: Codes, table: np.ndarray, classes: int) -> Tensor:
    """The class sets of codes in the table's vocabulary, (N, K) bool: a class is present if any of its members is."""
    members = F.one_hot(torch.from_numpy(table).long(), classes).float()  # (classes of the model, K)
    return codes.present.float() @ members > 0


@torch.inference_mode()
def classes_a_patch(model: Model, codes: Codes) -> dict[str, float]:
    """By threshold: the average number of classes whose weight exceeds it anywhere in a patch of the map, which texture
    routing would compute (`composegan.networks.texture`)."""
    grid = model.generator.local.height, model.generator.local.width
    patch = patch_size(*grid)
    found = {str(threshold): 0.0 for threshold in THRESHOLDS}
    for start in range(0, len(codes), BATCH):
        m = (model.synthesize(codes[start : start + BATCH]).coarse + 1) / 2  # (B, K, h, w)
        highest = by_patch(m.flatten(2), *grid, patch).unflatten(2, (-1, patch[0] * patch[1])).amax(dim=3)  # (B, K, T)
        for threshold in THRESHOLDS:
            found[str(threshold)] += (highest > threshold).sum(dim=1).float().mean(dim=1).sum().item() / len(codes)
    return found


@torch.inference_mode()
def agreement(images: Tensor, labels: Tensor, segmenter: Trained, classes: int) -> Tensor:
    """Number of pixels of each pair of classes, (K, K): in the masks, and predicted by the segmenter from the
    images."""
    device = segmenter.network.head.weight.device
    pixels = torch.zeros(classes, classes, dtype=torch.int64)
    for some, theirs in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        small, target = shrink(some, theirs)
        pixels += confusion(target, segmenter.predict(small.to(device)).cpu(), classes)
    return pixels


def plain(value: Any) -> float | None:
    """A number for JSON, which has no NaN: None instead."""
    value = float(value)
    return value if value == value else None
