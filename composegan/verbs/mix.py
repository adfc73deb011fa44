"""`composegan mix`: a grid of pictures whose classes come from others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composegan.errors import UserError, nearest
from composegan.io.atomic import atomic_file
from composegan.plugin.fields import number
from composegan.verbs.base import ClassesCommand, CodesCommand, codes_of, command, count, in_file_name

ENDINGS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


@dataclass
class Mix(ClassesCommand, CodesCommand):
    columns: int = count(6)  # how many pictures give the named classes
    column_codes: str | None = None  # codes.npz of these pictures; empty: drawn from column_seed
    column_seed: int = number(1, least=0)  # seed of drawn columns
    column_pictures: str = ""  # which of the column codes, such as 0,3,5-8; empty: the first ones
    out: str | None = None  # picture to write; empty: mix-CLASSES.png in results/
    n: int = count(4)  # how many rows
    masks: bool = False  # masks below the pictures
    batch: int = count(16)  # images at a time

    def check(self) -> None:
        super().check()
        if self.out and (ending := Path(self.out).suffix.lower()) not in ENDINGS:
            raise UserError(f"out={self.out}: must be the name of a picture; {nearest(ending, ENDINGS)}")

    def execute(self) -> None:
        model = self.load_model()
        from composegan.editing.mix import mix

        target, rows = self.target(model), self.load_codes(model, self.n)
        out = self.new_output(self.out, f"mix-{in_file_name(target.classes)}", ".png")
        columns = codes_of(
            model, self.column_codes, self.column_seed, self.column_pictures, self.truncation, self.columns, "column_"
        )
        self.check_count("columns", len(columns))
        sheet = mix(model, rows, columns, target, batch=self.batch).sheet(self.masks)
        with atomic_file(out) as file:
            sheet.save(file, ENDINGS[out.suffix.lower()])
        print(f"wrote {out}")


verb = command(
    Mix, "a grid of pictures from the left that take named classes from those above",
    "Write a grid: each row is a picture; in each column it takes the named classes from the picture on top.",
    "classes=hair key=value ...", "classes=hair,eye part=texture codes=FILE ...",
)  # fmt: skip
