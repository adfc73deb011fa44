"""Tables, aims and files of the cost study, from its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.class_scaling.cells import ARMS, CLASSES, WIDTHS, Cell
from benchmarks.class_scaling.report import write_csv
from benchmarks.stage import Table
from composegan.io.atomic import atomic_file

Rows = Mapping[str, Mapping[str, Any]]
FIRST = min(CLASSES)
QUANTITIES = {
    "parameters": "parameters, M", "saved": "saved activations a sample, MB", "memory": "step memory, GB",
    "operations": "operations of a step, to K = 8", "step": "step time, to K = 8",
    "stage": "local stage time, to K = 8",
}  # fmt: skip
"""What there is of each cell: the first four estimated, times measured."""
SCALES = {"parameters": 1e6, "saved": 1e6, "memory": 1e9}


def value(rows: Rows, quantity: str, widths: str, arm: str, classes: int) -> float | None:
    """One figure in numbers, bytes, or times the bank of 8 classes; None where it is not there."""
    cell = Cell(widths, arm, classes, 0).same
    row = rows.get(f"estimate {cell.name}", {})
    if quantity == "parameters":
        return row["generator"] + row["discriminator"] if "generator" in row else None
    if quantity in ("saved", "memory"):
        return row.get({"saved": "saved_local"}.get(quantity, quantity))
    if quantity == "operations":
        first = rows.get(f"estimate {Cell(widths, 'bank', FIRST, 0).name}", {})
        return row["flops"] / first["flops"] if "flops" in row and "flops" in first else None
    return relative(rows, quantity, cell)


def relative(rows: Rows, part: str, cell: Cell, key: str = "ratio") -> float | None:
    """The time of a step or stage, to that of the bank of 8 classes: its own to 8 of its kind, times theirs."""
    if cell.same == cell.reference.same:
        return 1.0
    mine = rows.get(f"{part} {cell.name}", {}).get(key)
    theirs = 1.0 if cell.classes == FIRST else relative(rows, part, cell.reference.same, key)
    return None if mine is None or theirs is None else mine * theirs


def per_class(rows: Rows, quantity: str, widths: str, arm: str) -> tuple[float, int] | None:
    """What a class adds, from 8 classes to the most that there is a figure for, and how many that is."""
    found = {k: v for k in CLASSES if (v := value(rows, quantity, widths, arm, k)) is not None}
    if FIRST not in found or len(found) < 2:
        return None
    most = max(found)
    return (found[most] - found[FIRST]) / (most - FIRST), most


def to_first(rows: Rows, quantity: str, widths: str, arm: str, classes: int) -> float | None:
    """A figure as a ratio to that of 8 classes of the same arm."""
    mine, first = (value(rows, quantity, widths, arm, k) for k in (classes, FIRST))
    return None if mine is None or first is None else mine / first


def aims(rows: Rows, widths: str = "paper256") -> list[dict[str, Any]]:
    """The issue's aims of grouped + routing: what was found, the most it may be, and whether it holds."""
    found: list[dict[str, Any]] = []

    def add(text: str, ratio: float | None, most: float) -> None:
        found.append({"aim": text, "found": ratio, "at most": most, "holds": None if ratio is None else ratio <= most})

    for quantity, what, most in (
        ("memory", "memory", 1 / 15), ("saved", "saved activations", 1 / 15), ("step", "time", 1 / 5),
        ("operations", "operations", 1 / 5), ("parameters", "parameters", 1 / 10),
    ):  # fmt: skip
        mine, theirs = (per_class(rows, quantity, widths, arm) for arm in ("routed", "loop"))
        add(f"{what} added per class, of the loop's", mine[0] / theirs[0] if mine and theirs else None, most)
    for classes, most in ((30, 1.03), (150, 1.10)):
        for quantity, what in (("step", "step time"), ("memory", "step memory")):
            add(f"{what} at K = {classes}, to K = 8", to_first(rows, quantity, widths, "routed", classes), most)
    add("local stage at K = 150, to K = 8", to_first(rows, "stage", widths, "routed", 150), 1.6)
    return found


def write(table: Table, plot: Path) -> list[Path]:
    """Put aims into the JSON, write a CSV beside it and the plot, print the tables. Returns what was written."""
    rows = table.rows
    content = json.loads(table.path.read_text()) | {"aims": {widths: aims(rows, widths) for widths in WIDTHS}}
    with atomic_file(table.path) as file:
        file.write_text(json.dumps(content, indent=2) + "\n")
    flat = [
        {"widths": widths, "arm": arm, "classes": k, **{q: value(rows, q, widths, arm, k) for q in QUANTITIES}}
        for widths in WIDTHS for arm in ARMS for k in CLASSES
    ]  # fmt: skip
    known = [row for row in flat if row["parameters"] is not None or (row["step"] or 1) != 1]
    files = [table.path, table.path.with_suffix(".csv")]
    write_csv(files[1], known)
    print("\n".join(markdown(rows)))
    try:
        from benchmarks.class_scaling import plots
    except ImportError:
        print("there is no plot: matplotlib is missing (pip install matplotlib)")
        return files
    plots.cost(known, plot)
    return [*files, plot]


def markdown(rows: Rows) -> list[str]:
    """The tables of docs/benchmarks.md."""
    lines = []
    for widths in reversed(WIDTHS):
        for quantity, title in QUANTITIES.items():
            table = {arm: [value(rows, quantity, widths, arm, k) for k in CLASSES] for arm in ARMS}
            if any(one is not None for arm in ("loop", "routed") for one in table[arm]):
                lines += ["", f"| {widths}: {title} | " + " | ".join(f"K = {k}" for k in CLASSES) + " |"]
                lines += ["| --- " * (1 + len(CLASSES)) + "|"]
                for arm, values in table.items():
                    cells = ["" if one is None else f"{one / SCALES.get(quantity, 1):.3g}" for one in values]
                    lines.append(f"| {ARMS[arm]} | " + " | ".join(cells) + " |")
        found = aims(rows, widths)
        if all(aim["found"] is None for aim in found):
            continue
        lines += ["", f"| {widths}: grouped + routing | found | at most | holds |", "| --- | --- | --- | --- |"]
        for aim in found:
            holds = {True: "yes", False: "no", None: ""}[aim["holds"]]
            shown = "" if aim["found"] is None else f"{aim['found']:.3g}"
            lines.append(f"| {aim['aim']} | {shown} | {aim['at most']:.3g} | {holds} |")
    return [*lines, ""]
