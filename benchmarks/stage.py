"""What the stages of `benchmarks.gpu` share: a time to end by, and a table that is written row by row."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont

from benchmarks.measure import machine
from composegan.errors import first_line
from composegan.io.atomic import atomic_file

Row = dict[str, Any]
OUT_OF_MEMORY = {"error": "out of memory"}


class Budget:
    """Minutes that a stage may take."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes

    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()


@dataclass(frozen=True)
class Job:
    """One row to find. series: rows of one kind and growing cost, of which none is tried after one that ran out of
    memory; seconds: how long it may take, about: it is not begun with less time left."""

    name: str
    run: Callable[[], Row]
    series: str = ""
    seconds: float = 20.0


@dataclass
class Table:
    """Rows by name, kept in a JSON file from one call to the next as long as the machine is the same."""

    path: Path
    command: str
    settings: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path.exists():
            before = json.loads(self.path.read_text())
            if (before["machine"], before["settings"]) == (machine(), self.settings):
                self.rows = before["rows"]

    def fill(self, jobs: Iterable[Job], budget: Budget) -> None:
        """Do what is not there yet, in order, as far as the time goes."""
        exhausted = set()
        self.waiting = []
        for job in jobs:
            if job.name not in self.rows:
                if job.series in exhausted:
                    self.rows[job.name] = OUT_OF_MEMORY
                elif budget.left() < job.seconds:
                    self.waiting.append(job.name)
                    continue
                else:
                    self.rows[job.name] = attempt(job.run)
                    print(f"{job.name}: {shown(self.rows[job.name])}", flush=True)
                self.write()
            if job.series and self.rows[job.name] == OUT_OF_MEMORY:
                exhausted.add(job.series)
        self.write()

    def write(self) -> None:
        content = {"command": self.command, "machine": machine(), "settings": self.settings, "rows": self.rows}
        if self.waiting:
            content["not done yet"] = self.waiting
        with atomic_file(self.path) as file:
            file.write_text(json.dumps(content, indent=2) + "\n")

    def publish(self, path: Path, title: str) -> list[Path]:
        """Write the table to `path`, and a chart of its rows' images a second beside it. Returns both."""
        rates = {name: row["images a second"] for name, row in self.rows.items() if "images a second" in row}
        self.path, chart = path, path.with_suffix(".png")
        self.write()
        with atomic_file(chart) as file:
            bars(title, rates, "/s").save(file)
        return [path, chart]


def attempt(run: Callable[[], Row]) -> Row:
    """The row, or what went wrong: one figure that cannot be had is no reason to lose the others."""
    try:
        return run()
    except torch.cuda.OutOfMemoryError:
        return OUT_OF_MEMORY
    except Exception as error:
        return {"error": f"{type(error).__name__}: {first_line(error)}"}
    finally:
        if torch.cuda.is_available():
            gc.collect()
            torch.cuda.empty_cache()


def shown(row: Row) -> str:
    return ", ".join(f"{key} {value}" for key, value in row.items() if not isinstance(value, dict))


def bars(title: str, values: dict[str, float], unit: str) -> Image.Image:
    """A chart of one horizontal bar a value."""
    font = ImageFont.load_default(13)
    left, right, line, length = 10 + max((int(font.getlength(name)) for name in values), default=0), 110, 18, 480
    sheet = Image.new("RGB", (left + length + right, 34 + line * max(len(values), 1)), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((6, 8), title, "black", font)
    most = max(values.values(), default=1) or 1
    for number, (name, value) in enumerate(values.items()):
        y = 32 + line * number
        draw.text((left - 6, y + 7), name, "black", font, anchor="rm")
        draw.rectangle((left, y, left + length * value / most, y + line - 5), "#4a7fb5")
        draw.text((left + length * value / most + 5, y + 7), f"{value:.3g} {unit}", "black", font, anchor="lm")
    return sheet
