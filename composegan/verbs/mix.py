"""`composegan mix`: a grid of pictures whose classes come from others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composegan.errors import UserError, nearest
from composegan.io.atomic import atomic_file
from composegan.verbs.choices import ClassesChoice, CodesChoice, at_least, in_file_name, opened
from composegan.verbs.help_text import help_text

ENDINGS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
ABOUT = "a grid of pictures from the left that take named classes from those above"


@dataclass
class MixConfig(ClassesChoice, CodesChoice):
    columns: int = 6  # how many pictures give the named classes
    column_codes: str | None = None  # their codes.npz; empty: drawn from column_seed
    column_seed: int = 1  # of drawn ones
    column_pictures: str = ""  # which of them, such as 0,3,5-8; empty: the first ones
    out: str | None = None  # picture to write; empty: mix-CLASSES.png in the run's or model's folder
    n: int = 4  # how many rows
    masks: bool = False  # masks below the pictures
    batch: int = 16  # images at a time

    def check(self) -> None:
        super().check()
        at_least(1, n=self.n, columns=self.columns, batch=self.batch)
        at_least(0, column_seed=self.column_seed)
        if self.out and (ending := Path(self.out).suffix.lower()) not in ENDINGS:
            raise UserError(f"out={self.out}: a picture's name is needed; {nearest(ending, ENDINGS)}")


def help() -> str:
    usage = ["composegan mix classes=hair key=value ...", "composegan mix classes=hair,eye part=texture codes=FILE ..."]
    about = "Write a grid: each row is a picture, in each column it takes the named classes from the one above."
    return help_text(usage, about, MixConfig)


def run(arguments: Sequence[str]) -> None:
    """Write a grid of a run or a model; says where."""
    config, folder, model = opened(MixConfig, arguments, "mix")
    from composegan.editing.mix import mix, mix_sheet

    names = config.names(model.classes)
    rows = config.load_codes(model, config.n)
    above = CodesChoice(
        codes=config.column_codes,
        seed=config.column_seed,
        pictures=config.column_pictures,
        truncation=config.truncation,
    )
    columns = above.load_codes(model, config.columns, "column_")
    mixed = mix(model, rows, columns, rows.slots_of(names, config.parts(), config.base), batch=config.batch)
    sheet = mix_sheet(model.draw(rows), model.draw(columns), mixed, masks=config.masks)
    out = Path(config.out).expanduser() if config.out else folder / f"mix-{in_file_name(names)}.png"
    with atomic_file(out) as file:
        sheet.save(file, ENDINGS[out.suffix.lower()])
    print(f"wrote {out}")
