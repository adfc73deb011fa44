"""A sheet of labelled pictures as training sees them, and a table of their classes."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from composegan.data.items import read_item
from composegan.data.resize import fit_sample
from composegan.data.survey import Survey
from composegan.io.atomic import atomic_file
from composegan.plugin.domain import DomainSpec, Source
from composegan.runtime.console import aligned, printable
from composegan.viz.pictures import color_masks, enlarge, grid

SHEET, TABLE = "look.png", "look.csv"
WIDE, HIGH = 1600, 1500
"""About the size of the pictures on a sheet, pixels."""
LEAST, MOST = 6, 48
"""Pictures on a sheet, besides those of rare classes."""
SHORT, CAPTION, LINE, SPACE = 112, 16, 20, 6
"""Shorter side of a small picture on the sheet, heights of a caption and of a line of text, and a margin, pixels."""
COLUMNS = ("label", "class", "pictures", "in pictures", "of all pixels", "smallest", "median")
"""Of the table. smallest, median: area in the pictures with the class, pixels."""


def write_look(folder: Path, survey: Survey, source: Source, spec: DomainSpec, height: int, width: int) -> None:
    """Write look.png and look.csv into a folder. Raises UserError when that fails."""
    with atomic_file(folder / SHEET) as path:
        sheet(survey, source, spec, height, width).save(path, "PNG")
    with atomic_file(folder / TABLE) as path:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *table(survey, spec)])
        path.write_text(text.getvalue(), encoding="utf-8", errors="backslashreplace")


def table(survey: Survey, spec: DomainSpec) -> list[list[str]]:
    """A row for each class, in label order; see COLUMNS."""
    rows = []
    for label, name in enumerate(spec.names):
        area = survey.area[:, label]
        there = area[area > 0]
        sizes = [str(int(there.min())), f"{np.median(there):.0f}"] if len(there) else ["", ""]
        shares = [f"{len(there) / len(survey):.2%}", f"{survey.share[label]:.3%}"]
        rows.append([str(label), name, str(len(there)), *shares, *sizes])
    return rows


def table_lines(survey: Survey, spec: DomainSpec) -> list[str]:
    """The table as lines of text."""
    rows = [
        [f"{cell or '-':>{8 if place != 1 else 0}}" for place, cell in enumerate(row)] for row in table(survey, spec)
    ]
    return aligned([[f"{name:>8}" if place != 1 else name for place, name in enumerate(COLUMNS)], *rows])


def sheet(survey: Survey, source: Source, spec: DomainSpec, height: int, width: int) -> Image.Image:
    """Pictures spread evenly over the source, then one for each class that none of these has.

    Each is shown as image, label map, and both blended, above its name. The classes and their colors are at the top.
    """
    times = max(1, -(-SHORT // min(height, width)))
    columns = max(1, WIDE // (3 * width * times + SPACE))
    rows = max(1, HIGH // (height * times + CAPTION))
    count = min(max(LEAST, columns * rows), MOST, len(survey))
    columns = min(columns, count)
    chosen = np.unique(np.linspace(0, len(survey) - 1, -(-count // columns) * columns).round().astype(int)).tolist()
    rare = [
        label for label in range(len(spec.names)) if survey.pictures[label] and not survey.area[chosen, label].any()
    ]
    shown: dict[int, str] = dict.fromkeys(chosen, "")
    for label in sorted(rare, key=lambda label: survey.pictures[label]):
        best = int(survey.area[:, label].argmax())
        shown[best] = ", ".join(filter(None, (shown.get(best), spec.names[label])))
    cells = []
    for place, has in shown.items():
        number = int(survey.numbers[place])
        sample = fit_sample(read_item(source, number, len(spec.names)), height, width)
        image, labels = sample.image.transpose(1, 2, 0), color_masks(sample.labels, spec.colors)
        both = ((image.astype(np.uint16) + labels) // 2).astype(np.uint8)
        cells.append(_captioned(np.stack((image, labels, both)), f"{has} · " * bool(has) + _short(sample.name, number)))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    return _with_legend(
        grid(np.stack(cells), columns), survey, spec, len(chosen), len(shown) > len(chosen), height, width
    )


def _captioned(panels: np.ndarray, caption: str) -> np.ndarray:
    """Panels (3, H, W, 3) side by side above a caption, with a margin at the right: (H', W', 3) uint8."""
    panels = enlarge(panels, SHORT)
    _, height, width, _ = panels.shape
    cell = Image.new("RGB", (3 * width + SPACE, height + CAPTION), "white")
    cell.paste(grid(panels, 3), (0, 0))
    _write(cell, (2, height + CAPTION // 2), caption, 3 * width, size=11)
    return np.asarray(cell)


def _with_legend(
    pictures: Image.Image, survey: Survey, spec: DomainSpec, even: int, more: bool, height: int, width: int
) -> Image.Image:
    """The pictures below a title and the classes with their colors."""
    across = max(pictures.width, 480)
    font: Any = ImageFont.load_default(13)
    names = [
        f"{name} {f'{share:.1%}' if share >= 0.001 else '< 0.1%'}" if count else f"{name} (in no picture)"
        for name, share, count in zip(spec.names, survey.share, survey.pictures, strict=True)
    ]
    step = min(across, 30 + max(int(font.getlength(printable(name))) for name in names))
    each = max(1, across // step)
    top = LINE * (2 + -(-len(names) // each))
    whole = Image.new("RGB", (across, top + pictures.height), "white")
    title = f"{spec.name}: {even} of {len(survey):,} pictures, spread evenly, at {height} x {width} (height x width)"
    title += ", and one for each class that none of these has" if more else ""
    _write(whole, (4, LINE // 2), f"{title}: image, labels, both. Share of each class in all pixels:", across - 8)
    draw = ImageDraw.Draw(whole)
    for place, (name, color) in enumerate(zip(names, spec.colors, strict=True)):
        x, y = place % each * step + 4, (1 + place // each) * LINE
        draw.rectangle((x, y + 3, x + 14, y + 17), fill=color, outline="black")
        shade = "black" if survey.pictures[place] else "gray"
        _write(whole, (x + 20, y + LINE // 2), name, step - 26, shade)
    whole.paste(pictures, (0, top - LINE // 2))
    return whole


def _write(
    picture: Image.Image, place: tuple[int, int], text: str, width: int, shade: str = "black", size: int = 13
) -> None:
    """Write a line of at most `width` pixels, its left end at `place` (x, middle)."""
    font: Any = ImageFont.load_default(size)
    text = printable(text)
    while len(text) > 1 and font.getlength(text) > width:
        text = text[:-2].rstrip() + "…"
    ImageDraw.Draw(picture).text(place, text, shade, font, anchor="lm")


def _short(name: str, number: int) -> str:
    """The end of a sample's name, which is a path or what a source calls it."""
    return f"{number}: {name.rpartition('/')[2].rpartition(': ')[2]}"
