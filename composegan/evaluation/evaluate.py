"""A model against a real set: every metric that was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from PIL import Image
from torch import Tensor

from composegan.errors import UserError
from composegan.evaluation.generated import generated_rows, random_w
from composegan.evaluation.real import RealSet, real_rows
from composegan.evaluation.shares import first_alone, is_first
from composegan.metrics.figure import Figure, NotMeasuredError, Sets, TooFewImagesError
from composegan.metrics.layout import LAYOUT
from composegan.metrics.presence import class_recall, presence_accuracy, presence_rates, present
from composegan.metrics.rows import Describer, Rows, Setting, compare, rows_of, summarize
from composegan.model.random_codes import draw_present
from composegan.model.saved_model import Model
from composegan.plugin import registry
from composegan.plugin.contracts import METRIC
from composegan.plugin.registry import Found


@dataclass
class Report:
    """What was measured. See `composegan.evaluation.verdict` for a summary.

    by_class: per class name, plain numbers, None where undefined. skipped: why metrics were left out, in words.
    sheets: images that show the results, by file name without ending.
    """

    figures: list[Figure] = field(default_factory=list)
    by_class: dict[str, dict[str, float | None]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    sheets: dict[str, Image.Image] = field(default_factory=dict)


@dataclass
class Evaluation:
    """What the metrics of one evaluation share.

    real_set: the real images; w: (N, S), after truncation; present: (N, K) bool, the class sets of the generated
    images, or None for all classes; opened: describers; real: rows of the real set, empty except in the first process;
    generated: rows of the generated set: each by the name of its `Rows`. skipped, sheets: see `Report`; columns: (K,)
    values per class, for its tables; kept: results that several metrics share. Metrics may add to the last four.
    """

    model: Model
    real_set: RealSet
    seed: int
    truncation: float
    batch: int
    w: Tensor
    present: Tensor | None
    opened: dict[str, Describer]
    real: dict[str, Tensor]
    generated: dict[str, Tensor]
    skipped: list[str] = field(default_factory=list)
    columns: dict[str, Tensor] = field(default_factory=dict)
    sheets: dict[str, Image.Image] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    def sets(self, rows: Rows) -> Sets:
        """The rows of both sets."""
        describer = self.opened[rows.name]
        return Sets.of(self.real[rows.name], self.generated[rows.name], describer.resize, describer.limit)


def evaluate(
    model: Model,
    real: RealSet,
    wanted: Sequence[str | Found] | None = None,
    *,
    n: int = 1000,
    seed: int = 0,
    truncation: float = 1.0,
    inception: str | None = None,
    batch: int = 32,
) -> Report:
    """Measure n generated images. wanted: metrics or their names; None: all that composegan ships.

    Metrics that do not apply or need more images are skipped; where all are wanted, also those without their network.
    Of several processes (`shares`) each draws its part, and the first has the figures.
    Raises UserError for a missing network, for a metric that cannot be used or fails, and if too few images leave no
    metric at all.
    """
    shipped = registry.names(METRIC, own=True)
    chosen = shipped if wanted is None else wanted
    metrics = [item if isinstance(item, Found) else registry.require(item, METRIC) for item in chosen]
    metrics.sort(key=lambda found: found.plugin.position)
    optional = inception is None and (wanted is None or set(shipped) <= {found.name for found in metrics})
    skipped: list[str] = []
    setting = Setting(len(model.classes), model.generator.height, model.generator.width, model.device, inception, real)
    with first_alone():
        opened = _open(metrics, setting, skipped, optional)
    classes = draw_present(model, range(n), seed)
    w = random_w(model, n, seed, truncation, classes)
    known = real_rows(real, opened) if is_first() else {}
    generated = generated_rows(model, w, classes, opened, batch)
    evaluation = Evaluation(model, real, seed, truncation, batch, w, classes, opened, known, generated, skipped)
    report = Report(skipped=skipped)
    reasons: dict[str, list[str]] = {}
    fewest: str | None = None
    for found in metrics:
        metric = found.plugin
        if rows_of(found).name in opened and (is_first() or metric.on_every_rank):
            try:
                report.figures += _measure(found, evaluation)
            except NotMeasuredError as error:
                reasons.setdefault(str(error), []).append(found.name)
                fewest = fewest or (f"{found.name}: {error}" if isinstance(error, TooFewImagesError) else None)
    if fewest and is_first() and not report.figures:
        raise UserError(fewest)
    skipped += [_left_out(names, reason) for reason, names in reasons.items()]
    if is_first():
        report.by_class, report.sheets = _by_class(evaluation), evaluation.sheets
    return report


def _open(metrics: Sequence[Found], setting: Setting, skipped: list[str], optional: bool) -> dict[str, Describer]:
    """The describers of all rows that the metrics need. skipped: collects what needs more images and, if the metrics
    are optional, what cannot be opened at all."""
    users: dict[str, tuple[Rows, list[str]]] = {LAYOUT.name: (LAYOUT, [])}
    for found in metrics:
        rows = rows_of(found)
        users.setdefault(rows.name, (rows, []))[1].append(found.name)
    opened = {}
    for rows, names in users.values():
        try:
            opened[rows.name] = rows.open(setting)
        except UserError as error:
            if not (optional or isinstance(error, TooFewImagesError)):
                raise
            skipped.append(_left_out(names, str(error)))
    return opened


def _measure(found: Found, evaluation: Evaluation) -> Iterable[Figure]:
    """A metric's figures. Errors name the metric."""
    metric, shipped = found.plugin, found.distribution == "composegan"

    def distance(real: Tensor, fake: Tensor) -> float:
        return compare(found, summarize(found, real), summarize(found, fake))

    try:
        figures: list[Figure] = []
        with found.use():
            if metric.measure:
                figures = list(metric.measure(evaluation))
        if not metric.measure:
            note = "" if shipped else f"of {found.home}"
            figures = [evaluation.sets(rows_of(found)).figure(found.name, distance, metric.better, note)]
        if unknown := [figure.name for figure in figures if not isfinite(figure.value)]:
            raise NotMeasuredError(f"{', '.join(unknown)} is undefined for these images")
        return figures
    except UserError as error:
        if not shipped or isinstance(error, NotMeasuredError):
            raise
        raise UserError(f"{found.name}: {error}") from error


def _left_out(names: Sequence[str], reason: str) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} left out: {reason}"


def _by_class(evaluation: Evaluation) -> dict[str, dict[str, float | None]]:
    known, generated = evaluation.real[LAYOUT.name], evaluation.generated[LAYOUT.name]
    columns = {
        "presence_real": presence_rates(known),
        "presence_generated": presence_rates(generated),
        "presence_recall": class_recall(known, generated),
        "pixels_real": known.double().mean(dim=0),
        "pixels_generated": generated.double().mean(dim=0),
    }
    if evaluation.present is not None:
        accuracy = presence_accuracy(evaluation.present, present(generated))
        columns |= {"presence_shown": accuracy.shown, "presence_kept_away": accuracy.kept_away}
    rows: dict[str, dict[str, float | None]] = {}
    for k, name in enumerate(evaluation.model.classes):
        numbers = {key: float(values[k]) for key, values in {**columns, **evaluation.columns}.items()}
        rows[name] = {key: None if number != number else number for key, number in numbers.items()}
    return rows
