"""What a run writes while it trains: metrics.csv and TensorBoard, one line for so many images seen."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch.utils.tensorboard import summary

from composegan.errors import UserError
from composegan.io.atomic import atomic_file, writing
from composegan.io.guarded import JSON, UnreadableError, read_text
from composegan.runs.event_file import EventFile

FILE = "metrics.csv"


class RunLog:
    """Figures by images seen. On resume, lines past the checkpoint are dropped, so that none is there twice.

    Every method raises UserError when the disk is full or not writable.
    """

    def __init__(self, run: Path, images_seen: int) -> None:
        self.path = run / FILE
        self.rows = [row for row in self._read() if int(row["images_seen"]) <= images_seen]
        self.columns = list(dict.fromkeys(key for row in self.rows for key in row)) or ["images_seen"]
        self._rewrite()
        self.folder = run / "tensorboard"
        with writing(self.folder):
            self.board = EventFile(self.folder, purge=images_seen + 1 if images_seen else 0)

    def write(self, images_seen: int, figures: Mapping[str, float]) -> None:
        """Append one line, or add to it when it is there. A figure that is new gets a new column."""
        row = {"images_seen": images_seen, **{name: f"{value:.6g}" for name, value in figures.items()}}
        more = bool(self.rows) and int(self.rows[-1]["images_seen"]) == images_seen
        if more:
            self.rows[-1].update(row)
        else:
            self.rows.append(row)
        new = [name for name in row if name not in self.columns]
        self.columns += new
        if new or more:
            self._rewrite()
        else:
            with writing(self.path), self.path.open("a", newline="") as file:
                csv.DictWriter(file, self.columns).writerow(row)
        with writing(self.folder):
            for name, value in figures.items():
                self.board.add(images_seen, summary.scalar(name, value))

    def picture(self, images_seen: int, image: object) -> None:
        """Show a sample grid (PIL image) in TensorBoard."""
        with writing(self.folder):
            self.board.add(images_seen, summary.image("samples", np.asarray(image), dataformats="HWC"))

    def close(self) -> None:
        with writing(self.folder):
            self.board.close()

    def _read(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        try:
            rows = list(csv.DictReader(read_text(self.path, JSON).splitlines()))
        except (OSError, UnreadableError, csv.Error) as error:
            raise UserError(f"{self.path}: cannot be read ({error}); move it away to continue without it") from error
        # A line cut short by a kill has no number in front, or fewer values than columns.
        whole = [row for row in rows if None not in (*row, *row.values())]
        return [row for row in whole if re.fullmatch("[0-9]{1,15}", row.get("images_seen", ""))]

    def _rewrite(self) -> None:
        with atomic_file(self.path) as path, path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
