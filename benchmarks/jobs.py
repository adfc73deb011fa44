"""A time budget, and a table of results that is filled job by job and saved after each."""

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
from benchmarks.script import write_json
from composegan.errors import first_line
from composegan.io.atomic import atomic_file

Row = dict[str, Any]
OUT_OF_MEMORY = {"error": "out of memory"}


class Budget:
    """A limit on the time of a study."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes

    def left(self) -> float:
        """Seconds left; negative when over time."""
        return self.end - time.monotonic()


@dataclass(frozen=True)
class Job:
    """Measures one row. series: rows of growing cost; after one runs out of memory the rest are skipped; seconds: rough
    duration; the job is not started with less time left."""

    name: str
    run: Callable[[], Row]
    series: str = ""
    seconds: float = 20.0


@dataclass
class Table:
    """Rows by name in a JSON file. Rows that are already in it are reused if machine and settings are the same."""

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
        """Run the jobs whose rows are missing, in order, while there is time."""
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
                    facts = (f"{key} {value}" for key, value in self.rows[job.name].items() if type(value) is not dict)
                    print(f"{job.name}: {', '.join(facts)}", flush=True)
                self.write()
            if job.series and self.rows[job.name] == OUT_OF_MEMORY:
                exhausted.add(job.series)
        self.write()

    def write(self) -> None:
        content = {"command": self.command, "machine": machine(), "settings": self.settings, "rows": self.rows}
        write_json(self.path, content | ({"not done yet": self.waiting} if self.waiting else {}))

    def publish(self, path: Path, title: str) -> list[Path]:
        """Write the table to `path` and a chart of its rows' images per second beside it. Returns both paths."""
        rates = {name: row["images a second"] for name, row in self.rows.items() if "images a second" in row}
        self.path, chart = path, path.with_suffix(".png")
        self.write()
        with atomic_file(chart) as file:
            bar_chart(title, rates, "/s").save(file)
        return [path, chart]


def attempt(run: Callable[[], Row]) -> Row:
    """The row, or the error that prevented it, so that one failure does not end the study."""
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


def bar_chart(title: str, values: dict[str, float], unit: str) -> Image.Image:
    """A chart with a horizontal bar for each value."""
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
