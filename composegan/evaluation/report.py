"""Write a report: a table to read, JSON to compute with, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from composegan.evaluation.evaluate import Report
from composegan.evaluation.pictures import presence_chart
from composegan.evaluation.verdict import states, verdict
from composegan.io.atomic import atomic_file, write_json
from composegan.metrics.figure import Figure
from composegan.plugin.contracts import HIGHER, LOWER
from composegan.runtime.console import aligned

CLASS_COLUMNS = {
    "presence_real": "in real", "presence_generated": "in generated",
    "presence_shown": "shown", "presence_kept_away": "kept away", "presence_seen": "seen", "iou": "IoU",
    "iou_of_segmenter": "its own", "iou_of_others": "other masks", "iou_of_blurred": "blurred",
}  # fmt: skip
"""Columns of the table of classes. "shown" counts the pictures whose class set has the class, "kept away" the others;
"seen" is what the segmenter finds, "its own" its IoU on held-out real images, then with other images' masks, and on
blurred images."""
EDIT_COLUMNS = {
    "ownership": "owns", "liveness_texture": "texture changes", "leakage_texture": "leak",
    "leakage_texture_margin": "+ margin", "liveness_shape": "shape changes", "leakage_shape": "leak",
    "leakage_shape_margin": "+ margin", "floor": "floor", "floor_margin": "+ margin",
}  # fmt: skip
"""Columns of the table of edits: ownership, liveness in grey levels, the leakage of each class, and its floor."""


def lines_of(report: Report, settings: Mapping[str, Any]) -> list[str]:
    """The report as lines of text, columns aligned."""
    lines = [
        f"{settings['n']:,} pictures of {settings['model']}, seed {settings['seed']}, "
        f"truncation {settings['truncation']}, {settings['height']}x{settings['width']}",
        f"against {settings['real_set']}, {settings['real_images']:,} images, resized with {settings['real_resize']}",
        "",
        *aligned([row[:-1] for row in _figure_rows(report)]),
    ]
    for table in _class_tables(report):
        lines += ["", *aligned(table)]
    summary = verdict(report)
    return [*lines, "", *_notes(report.figures), *report.skipped, *(["", f"verdict: {summary}"] if summary else [])]


def save(report: Report, settings: Mapping[str, Any], folder: Path) -> Path:
    """Write evaluation.json, evaluation.md and pictures, each atomically. Raises UserError if that fails."""
    shared = {key: settings[key] for key in ("real_set", "seed", "truncation")}
    content = {
        "verdict": verdict(report),
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
        beside = "".join(f"; {name}: {value:.4g}" for name, value in figure.beside.items())
        of.setdefault(figure.note + beside, []).append(figure.name)
    return [f"{', '.join(names)}: {note}" for note, names in of.items() if note]


def _class_tables(report: Report) -> list[list[tuple[str, ...]]]:
    """The tables of classes that have anything to show: presence and masks, then edits with each class's state."""
    if not report.by_class:
        return []
    tables = [_class_rows(report, CLASS_COLUMNS)]
    if any(found := states(report.by_class).values()):
        rows = _class_rows(report, EDIT_COLUMNS)
        tables.append([(*row, state) for row, state in zip(rows, ("", *found), strict=True)])
    return tables


def _class_rows(report: Report, columns: Mapping[str, str]) -> list[tuple[str, ...]]:
    first = next(iter(report.by_class.values()))
    keys = [key for key in columns if key in first]
    rows = [("class", *(columns[key] for key in keys))]
    for name, numbers in report.by_class.items():
        rows.append((name, *("" if (value := numbers[key]) is None else f"{value:.3f}" for key in keys)))
    return rows


def _markdown(report: Report, settings: Mapping[str, Any]) -> list[str]:
    summary = verdict(report)
    lines = ["# Evaluation", "", *([f"**{summary}**", ""] if summary else [])]
    lines += [*(f"- {key}: {value}" for key, value in settings.items()), ""]
    arrows = {LOWER: "↓", HIGHER: "↑"}
    for table in (_figure_rows(report), *_class_tables(report)):
        for number, row in enumerate(table):
            lines.append("| " + " | ".join(arrows.get(cell, cell) for cell in row) + " |")
            if number == 0:
                lines.append("| --- " * len(row) + "|")
        lines.append("")
    return [*lines, *(f"Note: {text}" for text in report.skipped)]
