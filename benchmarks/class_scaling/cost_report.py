"""Tables, aims and CSV of the cost study, computed from its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.class_scaling.cells import ARMS, CLASSES, WIDTHS, Cell
from benchmarks.jobs import Table
from benchmarks.script import markdown_table, write_csv, write_json

Rows = Mapping[str, Mapping[str, Any]]
FIRST = min(CLASSES)
QUANTITIES = {
    "parameters": "parameters, M", "saved": "saved activations a sample, MB", "memory": "step memory, GB",
    "operations": "operations of a step, to K = 8", "step": "step time, to K = 8",
    "stage": "local stage time, to K = 8",
}  # fmt: skip
"""Quantities of each cell: the first four are estimated, times are measured."""
SCALES = {"parameters": 1e6, "saved": 1e6, "memory": 1e9}


def value(rows: Rows, quantity: str, widths: str, arm: str, classes: int) -> float | None:
    """A quantity as a number, in bytes, or relative to the bank of 8 classes; None if it was not measured."""
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
    """The time of a step or stage relative to the bank of 8 classes: the product of the measured ratios."""
    if cell.same == cell.reference.same:
        return 1.0
    mine = rows.get(f"{part} {cell.name}", {}).get(key)
    theirs = 1.0 if cell.classes == FIRST else relative(rows, part, cell.reference.same, key)
    return None if mine is None or theirs is None else mine * theirs


def per_class(rows: Rows, quantity: str, widths: str, arm: str) -> tuple[float, int] | None:
    """The average increase per class, from 8 classes to the most that were measured, and that number of classes."""
    found = {k: v for k in CLASSES if (v := value(rows, quantity, widths, arm, k)) is not None}
    if FIRST not in found or len(found) < 2:
        return None
    most = max(found)
    return (found[most] - found[FIRST]) / (most - FIRST), most


def to_first(rows: Rows, quantity: str, widths: str, arm: str, classes: int) -> float | None:
    """A quantity relative to the same arm with 8 classes."""
    mine, first = (value(rows, quantity, widths, arm, k) for k in (classes, FIRST))
    return None if mine is None or first is None else mine / first


def aims(rows: Rows, widths: str = "paper256") -> list[dict[str, Any]]:
    """The study's aims for grouping with routing: the ratio found, its upper limit, and whether it holds."""
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


def write(table: Table) -> list[dict[str, Any]]:
    """Add the aims to the JSON, write a CSV beside it and print the tables. Returns the rows of the CSV."""
    rows = table.rows
    content = json.loads(table.path.read_text()) | {"aims": {widths: aims(rows, widths) for widths in WIDTHS}}
    write_json(table.path, content)
    flat = [
        {"widths": widths, "arm": arm, "classes": k, **{q: value(rows, q, widths, arm, k) for q in QUANTITIES}}
        for widths in WIDTHS for arm in ARMS for k in CLASSES
    ]  # fmt: skip
    known = [row for row in flat if row["parameters"] is not None or (row["step"] or 1) != 1]
    write_csv(table.path.with_suffix(".csv"), known)
    print("\n".join(markdown(rows)))
    return known


def markdown(rows: Rows) -> list[str]:
    """The tables of docs/benchmarks.md."""

    def shown(number: float | None) -> str:
        return "" if number is None else f"{number:.3g}"

    lines = []
    for widths in reversed(WIDTHS):
        for quantity, title in QUANTITIES.items():
            table = {arm: [value(rows, quantity, widths, arm, k) for k in CLASSES] for arm in ARMS}
            if any(one is not None for arm in ("loop", "routed") for one in table[arm]):
                scale = SCALES.get(quantity, 1)
                lines += markdown_table(
                    [f"{widths}: {title}", *(f"K = {k}" for k in CLASSES)],
                    [[ARMS[arm], *(shown(one and one / scale) for one in values)] for arm, values in table.items()],
                )
        found = aims(rows, widths)
        if any(aim["found"] is not None for aim in found):
            holds = {True: "yes", False: "no", None: ""}
            lines += markdown_table(
                [f"{widths}: grouped + routing", "found", "at most", "holds"],
                [[a["aim"], shown(a["found"]), shown(a["at most"]), holds[a["holds"]]] for a in found],
            )
    return [*lines, ""]
