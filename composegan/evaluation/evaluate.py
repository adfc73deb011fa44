"""A model against a real set: every measure that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from composegan.errors import UserError
from composegan.evaluation import figures
from composegan.evaluation.edits import Leakage, edit_leakage
from composegan.evaluation.figures import Figure, Sets
from composegan.evaluation.generated import PATCH_PICTURES, Generated, draw_all, random_w
from composegan.evaluation.installed import installed_metrics, real_rows
from composegan.evaluation.names import BACKBONE, BUNDLED, INCEPTION, MEASURES, WITH_SEGMENTER
from composegan.evaluation.networks import FeatureNetwork, bundled_network, inception_network
from composegan.evaluation.presence import RESIZE as SEGMENTED
from composegan.evaluation.presence import of_segmenter, presence_figures
from composegan.evaluation.real import RealSet, Statistics, statistics
from composegan.evaluation.segmenter import Trained, trained_segmenter
from composegan.evaluation.shares import first_alone, is_first, joined, share
from composegan.metrics.backbone import efficientnet_lite0
from composegan.metrics.layout import intersection_over_union, mean_known, recall
from composegan.metrics.path_length import path_lengths
from composegan.metrics.presence import class_recall, presence_accuracy, presence_rates, present
from composegan.model.random_codes import draw_present
from composegan.model.saved_model import Model
from composegan.plugin.contracts import HIGHER, LOWER
from composegan.runtime.progress import progress_bar

PATH_PAIRS = 1000


@dataclass
class Report:
    """Everything that was found. by_class: per class name, plain numbers (None where there is none).

    skipped: why measures were left out, in words; generated and leakage: for the pictures.
    """

    figures: list[Figure] = field(default_factory=list)
    by_class: dict[str, dict[str, float | None]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    generated: Generated | None = None
    leakage: Leakage | None = None


def evaluate(
    model: Model,
    real: RealSet,
    wanted: Sequence[str] = MEASURES,
    *,
    n: int = 1000,
    seed: int = 0,
    truncation: float = 1.0,
    inception: str | None = None,
    batch: int = 32,
) -> Report:
    """Take the wanted measures (of `names.MEASURES`; all: those on Inception features only where its weights are) of n
    generated pictures, and those of installed packages that are named.

    Of several processes (`shares`) each draws its part, and the first has the figures.
    Raises UserError for too few images for a measure, for missing weights when they are asked for, and for a metric of
    a package that cannot be used or fails.
    """
    report = Report()
    networks = _networks(model, wanted, inception, report)
    with first_alone():
        known = statistics(real, networks)
        segmenter = trained_segmenter(real, model.device) if set(WITH_SEGMENTER) & set(wanted) else None
    w, present = random_w(model, n, seed, truncation), draw_present(model, range(n), seed)
    metrics = installed_metrics(wanted, len(model.classes))
    described = real_rows(real, metrics)
    generated = report.generated = draw_all(model, w, networks, segmenter, batch, metrics, present)
    if "edit_leakage" in wanted:
        report.leakage = edit_leakage(model, w, generated.proportions, seed, truncation, batch, present)
    if f"PPL-{BACKBONE}" in wanted:
        path_length = _path_length(model, min(n, PATH_PAIRS), seed, truncation, batch)
    if not is_first():
        return report
    for network in networks:
        sets = known.features[network.title], generated.features[network.title]
        report.figures += figures.of_network(network, *sets, list(wanted))
    if "sliced_wasserstein" in wanted:
        report.figures.append(figures.wasserstein(*_patches(real, generated)))
    layouts = Sets(known.proportions, generated.proportions)
    if "FSD" in wanted:
        report.figures.append(figures.frechet("FSD", layouts, len(model.classes), "none"))
    report.figures += presence_figures(layouts, generated, segmenter, wanted, report.skipped)
    if segmenter and "mask_consistency" in wanted:
        report.figures.append(_agreement(segmenter, generated))
    if report.leakage:
        report.figures += _leakages(report.leakage, report)
    if f"PPL-{BACKBONE}" in wanted:
        report.figures.append(path_length)
    for metric in metrics:
        sets = Sets(described[metric.name], generated.features[metric.name])
        report.figures.append(figures.of_installed(metric, sets))
    report.by_class = _by_class(model.classes, known, generated, segmenter, report.leakage)
    return report


def _networks(model: Model, wanted: Sequence[str], inception: str | None, report: Report) -> list[FeatureNetwork]:
    networks = []
    if set(INCEPTION) & set(wanted):
        try:
            networks.append(inception_network(inception, model.device))
        except UserError as error:
            if inception or set(MEASURES) - set(wanted):  # named, and not part of all
                raise
            report.skipped.append(f"{', '.join(INCEPTION)} are left out: {error}")
    if set(BUNDLED) & set(wanted):
        networks.append(bundled_network(model.generator.height, model.generator.width, model.device))
    return networks


def _patches(real: RealSet, generated: Generated) -> tuple[Tensor, Tensor, Tensor]:
    """Real pictures, generated ones, and other real ones, each at most PATCH_PICTURES."""
    size = min(PATCH_PICTURES, len(real))
    parts = real.numbers[:size], real.numbers[size : 2 * size]
    if len(parts[1]) < size:
        parts = real.numbers[:size], real.numbers[size // 2 : size]
    first, second = (torch.cat([images for images, _ in real.batches(part)]) for part in parts)
    return first, generated.pictures, second if len(parts[1]) == size else second[:0]


def _agreement(segmenter: Trained, generated: Generated) -> Figure:
    """Mask consistency, beside the segmenter's own on real images."""
    values = [mean_known(intersection_over_union(p)) for p in (generated.pixels, segmenter.held_out_pixels)]
    counts = len(generated.proportions), segmenter.held_out, segmenter.held_out
    note = f"mIoU; {of_segmenter(segmenter)}"
    return Figure("mask_consistency", values[0], HIGHER, values[1], *counts, SEGMENTED, note)


def _leakages(leakage: Leakage, report: Report) -> list[Figure]:
    found = []
    for key, values in leakage.values.items():
        part, _, grown = key.partition("_")
        where = f"the class grown by {leakage.margin} pixel" if grown else "the class"
        note = f"part of the change outside {where}; mean over classes, each of up to {int(leakage.pictures.max())}"
        name = f"edit_leakage_{part}" + ("_margin" if grown else "")
        if values.isnan().all():
            report.skipped.append(f"{name} is left out: other codes changed no picture")
            continue
        found.append(Figure(name, mean_known(values), LOWER, None, int(leakage.pictures.sum()), 0, note=note))
    return found


def _path_length(model: Model, pairs: int, seed: int, truncation: float, batch: int) -> Figure:
    """Perceptual path length in w between random ends, at random places ("full" sampling)."""
    backbone = efficientnet_lite0().to(model.device)
    ends = random_w(model, 2 * pairs, seed + 2, truncation)
    present = draw_present(model, range(pairs), seed + 2)
    places = torch.rand(pairs, generator=torch.Generator().manual_seed(seed)).to(model.device)
    lengths = []
    firsts = list(share(range(0, pairs, batch)))
    with torch.inference_mode(), progress_bar("Walking between codes", batch * len(firsts)) as advance:
        for first in firsts:
            some = slice(first, first + batch)
            classes = None if present is None else present[some]  # the same all along a path

            def picture(w: Tensor, classes: Tensor | None = classes) -> Tensor:
                return model.synthesize(w, classes=classes).image

            start, end, place = (tensor[some] for tensor in (ends[:pairs], ends[pairs:], places))
            lengths.append(path_lengths(picture, backbone.pyramid, start, end, place).double().cpu())
            advance(len(start))
    values = torch.cat(joined(lengths))
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else 0.0
    note = f"in w, epsilon 1e-4, full paths; standard error {error:.2g}"
    return Figure(f"PPL-{BACKBONE}", values.mean().item(), LOWER, None, pairs, 0, note=note)


def _by_class(
    names: Sequence[str], known: Statistics, generated: Generated, segmenter: Trained | None, leakage: Leakage | None
) -> dict[str, dict[str, float | None]]:
    columns: dict[str, Tensor] = {
        "presence_real": presence_rates(known.proportions),
        "presence_generated": presence_rates(generated.proportions),
        "presence_recall": class_recall(known.proportions, generated.proportions),
        "pixels_real": known.proportions.double().mean(dim=0),
        "pixels_generated": generated.proportions.double().mean(dim=0),
    }
    if generated.present is not None:
        accuracy = presence_accuracy(generated.present, present(generated.proportions))
        columns |= {"presence_shown": accuracy.shown, "presence_kept_away": accuracy.kept_away}
    if segmenter:
        columns["presence_seen"] = presence_rates(generated.seen)
        columns["iou"] = intersection_over_union(generated.pixels)
        columns["iou_of_segmenter"] = intersection_over_union(segmenter.held_out_pixels)
        columns["recall_of_segmenter"] = recall(generated.pixels)
    if leakage:
        columns |= {f"leakage_{key}": values for key, values in leakage.values.items()}
        columns["leakage_pictures"] = leakage.pictures
    rows: dict[str, Any] = {}
    for k, name in enumerate(names):
        numbers = {key: float(values[k]) for key, values in columns.items()}
        rows[name] = {key: None if number != number else number for key, number in numbers.items()}
    return rows
