"""Write a report: a table to read, JSON to compute with, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from composegan.evaluation.evaluate import Report
from composegan.evaluation.pictures import presence_chart
from composegan.io.atomic import atomic_file, write_json
from composegan.metrics.figure import Figure
from composegan.plugin.contracts import HIGHER, LOWER
from composegan.runtime.console import aligned

CLASS_COLUMNS = {
    "presence_real": "in real", "presence_generated": "in generated",
    "presence_shown": "shown", "presence_kept_away": "kept away", "presence_seen": "seen", "iou": "IoU",
    "iou_of_segmenter": "its own", "leakage_texture": "leak texture", "leakage_texture_margin": "+ margin",
    "leakage_shape": "leak shape", "leakage_shape_margin": "+ margin",
}  # fmt: skip
"""Columns of the table of classes. "shown" counts the pictures whose class set has the class, "kept away" the others;
"seen" is what the segmenter finds, "its own" its IoU on held-out real images."""


def lines_of(report: Report, settings: Mapping[str, Any]) -> list[str]:
    """The report as lines of text, columns aligned."""
    lines = [
        f"{settings['n']:,} pictures of {settings['model']}, seed {settings['seed']}, "
        f"truncation {settings['truncation']}, {settings['height']}x{settings['width']}",
        f"against {settings['real_set']}, {settings['real_images']:,} images, resized with {settings['real_resize']}",
        "",
        *aligned([row[:-1] for row in _figure_rows(report)]),
        *(["", *aligned(_class_rows(report))] * bool(report.by_class)),
    ]
    return [*lines, "", *_notes(report.figures), *report.skipped]


def save(report: Report, settings: Mapping[str, Any], folder: Path) -> Path:
    """Write evaluation.json, evaluation.md and pictures, each atomically. Raises UserError if that fails."""
    shared = {key: settings[key] for key in ("real_set", "seed", "truncation")}
    content = {
        "settings": dict(settings),
        "figures": [{**asdict(figure), **shared} for figure in report.figures],
        "classes": report.by_class,
        "skipped": report.skipped,
    }
    write_json(folder / "evaluation.json", content)
    with atomic_file(folder / "evaluation.md") as path:
        text = "\n".join(_markdown(report, settings)) + "\n"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")  # a path need not be Unicode
    for name, sheet in {"presence": presence_chart(report.by_class), **report.sheets}.items():
        with atomic_file(folder / f"{name}.png") as path:
            sheet.save(path)
    return folder


def _figure_rows(report: Report) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("measure", "value", "real halves", "better", "images", "real", "note")]
    for figure in report.figures:
        halves = "" if figure.halves is None else f"{figure.halves:.4g}"
        real = f"{figure.real_images:,}" if figure.real_images else ""
        rows.append(
            (figure.name, f"{figure.value:.4g}", halves, figure.better, f"{figure.images:,}", real, figure.note)
        )
    return rows


def _notes(figures: Sequence[Figure]) -> list[str]:
    """A line for each note, after the names of its figures."""
    of: dict[str, list[str]] = {}
    for figure in figures:
        of.setdefault(figure.note, []).append(figure.name)
    return [f"{', '.join(names)}: {note}" for note, names in of.items() if note]


def _class_rows(report: Report) -> list[tuple[str, ...]]:
    first = next(iter(report.by_class.values()))
    keys = [key for key in CLASS_COLUMNS if key in first]
    rows = [("class", *(CLASS_COLUMNS[key] for key in keys))]
    for name, numbers in report.by_class.items():
        rows.append((name, *("" if numbers[key] is None else f"{numbers[key]:.3f}" for key in keys)))
    return rows


def _markdown(report: Report, settings: Mapping[str, Any]) -> list[str]:
    lines = ["# Evaluation", "", *(f"- {key}: {value}" for key, value in settings.items()), ""]
    arrows = {LOWER: "↓", HIGHER: "↑"}
    for table in (_figure_rows(report), _class_rows(report) if report.by_class else []):
        for number, row in enumerate(table):
            lines.append("| " + " | ".join(arrows.get(cell, cell) for cell in row) + " |")
            if number == 0:
                lines.append("| --- " * len(row) + "|")
        lines.append("")
    return [*lines, *(f"Note: {text}" for text in report.skipped)]
