"""metrics.csv: one line of figures for so many images seen."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from composegan.io.atomic import atomic_file, writing
from composegan.io.guarded import JSON, read_text, reading

FILE = "metrics.csv"


class MetricsCsv:
    """The figures of a run. Lines past `images_seen` are dropped: a resumed run writes them again.

    Every method raises UserError when the file cannot be read or written.
    """

    def __init__(self, run: Path, images_seen: int) -> None:
        self.path = run / FILE
        self.rows = [row for row in self._read() if int(row["images_seen"]) <= images_seen]
        self.columns = list(dict.fromkeys(key for row in self.rows for key in row)) or ["images_seen"]
        self._rewrite()

    def write(self, images_seen: int, figures: Mapping[str, float]) -> None:
        """Append a line, or add to the last one if it has the same images_seen. A new figure gets a new column."""
        row = {"images_seen": str(images_seen), **{name: f"{value:.6g}" for name, value in figures.items()}}
        same_line = bool(self.rows) and self.rows[-1]["images_seen"] == row["images_seen"]
        if same_line:
            self.rows[-1].update(row)
        else:
            self.rows.append(row)
        new = [name for name in row if name not in self.columns]
        self.columns += new
        if new or same_line:
            self._rewrite()
        else:
            with writing(self.path), self.path.open("a", newline="") as file:
                csv.DictWriter(file, self.columns, restval="").writerow(row)

    def _read(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        with reading(self.path, "a table of figures", "move it away to continue without it"):
            rows = list(csv.DictReader(read_text(self.path, JSON).splitlines()))
        # A line that was cut short by a kill has no number in front, or fewer values than columns.
        whole = [row for row in rows if None not in (*row, *row.values())]
        return [row for row in whole if re.fullmatch("[0-9]{1,15}", row.get("images_seen", ""))]

    def _rewrite(self) -> None:
        with atomic_file(self.path) as path, path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
